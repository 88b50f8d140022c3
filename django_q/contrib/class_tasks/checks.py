"""The system checks of class tasks: settings, classes, and the database."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import router

from django_q import conf
from django_q.contrib.class_tasks import options
from django_q.contrib.class_tasks.exceptions import ClassTaskError
from django_q.contrib.class_tasks.models import LABEL
from django_q.contrib.class_tasks.registry import Registry
from django_q.exceptions import InvalidSettings

Apps = Sequence[AppConfig] | None
Messages = list[checks.CheckMessage]


def register_all() -> None:
    """Register all checks with Django."""
    for check in (check_settings, check_tasks, check_routers):
        checks.register(check, "django_q")


def check_settings(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report what is wrong with CLASS_TASKS."""
    return [
        checks.Error(complaint, hint="Change it, or remove it for the default.", id=f"{LABEL}.E001")
        for complaint in options.complaints()
    ]


def check_tasks(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report modules that cannot be imported, and classes that cannot be tasks: no runner would start."""
    try:
        Registry().discover()
    except (ImportError, ClassTaskError) as error:
        # No error: that would keep every other command from running, too.
        return [checks.Warning(str(error), hint="Runners do not start before it is right.", id=f"{LABEL}.W002")]
    return []


def check_routers(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report a router that keeps our table out of the database of the cluster."""
    try:
        alias = conf.current().orm
    except InvalidSettings:
        return []  # told by the checks of the cluster
    if router.allow_migrate(alias, LABEL, model_name="classtask"):
        return []
    return [
        checks.Error(
            f"A database router keeps the table of class tasks out of {alias!r}, which Q_CLUSTER['orm'] names.",
            hint=f"Let allow_migrate() return True, or None, for the application {LABEL!r} in {alias!r}.",
            id=f"{LABEL}.E003",
        )
    ]
