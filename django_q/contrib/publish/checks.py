"""The system check: what in the settings of live tasks cannot be used."""

from typing import Any

from django.core import checks

from django_q.contrib.publish import options

_TAG = "django_q_publish"


def register_all() -> None:
    """Register the check with Django."""
    checks.register(check_settings, _TAG)


def check_settings(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Report unknown keys and wrong values of ``PUBLISH``."""
    return [checks.Error(complaint, id=f"{_TAG}.E001") for complaint in options.complaints()]
