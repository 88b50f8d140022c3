"""The system check: what in the settings of user tasks cannot be used."""

from typing import Any

from django.core import checks

from django_q.contrib.user_tasks import options

_TAG = "django_q_user_tasks"


def register_all() -> None:
    """Register the check with Django."""
    checks.register(check_settings, _TAG)


def check_settings(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Report unknown keys and wrong values of ``USER_TASKS`` and ``USER_TASKS_MAX_AGE``."""
    return [checks.Error(complaint, id=f"{_TAG}.E001") for complaint in options.complaints()]
