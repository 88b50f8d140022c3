"""Let tasks run at once, in the process that enqueues them."""

from django.conf import settings
from django.test.utils import override_settings


def eager_tasks() -> override_settings:
    """Return a context manager, and decorator of tests, in which ``Q_CLUSTER["sync"]`` is on; the rest of it stays."""
    return override_settings(Q_CLUSTER={**(getattr(settings, "Q_CLUSTER", None) or {}), "sync": True})
