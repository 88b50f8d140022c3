"""The system checks of background tasks: settings that cannot be used, and those that have no use here."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.db import router

from django_q import conf
from django_q.contrib.background import options
from django_q.exceptions import InvalidSettings

LABEL = "django_q_background"

#: Settings of django-background-tasks without effect, and what does what they did.
REPLACED = {
    "MAX_RUN_TIME": "nothing to set: a task is its cluster's for as long as that lives; Q_BACKGROUND['timeout'] limits "
    "what an attempt may take",
    "BACKGROUND_TASK_RUN_ASYNC": "nothing to set: tasks run in worker processes, process_tasks --workers says how many",
    "BACKGROUND_TASK_ASYNC_THREADS": "process_tasks --workers, or Q_CLUSTER['workers']",
}
_THEIRS = "background_task"

Apps = Sequence[AppConfig] | None
Messages = list[checks.CheckMessage]


def register() -> None:
    """Register all checks with Django."""
    for check in (check_settings, check_replaced, check_theirs, check_routers):
        checks.register(check, "django_q")


def check_settings(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report what is wrong with Q_BACKGROUND, or with the names that it stands in for."""
    return [
        checks.Error(complaint, hint="Change it, or remove it for the default.", id=f"{LABEL}.E001")
        for complaint in options.complaints()
    ]


def check_replaced(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report settings of django-background-tasks that have no effect."""
    return [
        checks.Warning(f"{name} has no effect. What replaces it: {remedy}.", hint=f"Remove {name}.", id=f"{LABEL}.W001")
        for name, remedy in REPLACED.items()
        if hasattr(settings, name)
    ]


def check_theirs(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report that django-background-tasks is installed beside us."""
    if not apps.is_installed(_THEIRS):
        return []
    return [
        checks.Info(
            f"{_THEIRS!r} is in INSTALLED_APPS beside 'django_q.contrib.background'. Both work, each on its own rows. "
            "Both have a command process_tasks; manage.py runs that of the application which stands first.",
            hint=f"Remove {_THEIRS!r} when its rows have run.",
            id=f"{LABEL}.I001",
        )
    ]


def check_routers(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report a router that keeps our table out of the database of the queue, with whose rows ours are written."""
    try:
        alias = conf.current().orm
    except InvalidSettings:
        return []  # told by the checks of the cluster
    if router.allow_migrate(alias, LABEL, model_name="task"):
        return []
    return [
        checks.Error(
            f"A database router keeps the table of background tasks out of {alias!r}, which Q_CLUSTER['orm'] names.",
            hint=f"Let allow_migrate() return True, or None, for the application {LABEL!r} in {alias!r}.",
            id=f"{LABEL}.E002",
        )
    ]
