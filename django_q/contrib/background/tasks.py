"""The names that django-background-tasks has in its module ``tasks``."""

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from django_q.contrib.background.decorator import TaskProxy, background
from django_q.contrib.background.schedules import TaskSchedule

__all__ = ["TaskProxy", "TaskSchedule", "autodiscover", "background"]


def autodiscover() -> list[str]:
    """Import the module ``tasks`` of every application that has one, and return their names.

    An error in one of them is raised with the name of the application: without it its tasks would not be known.
    """
    found = []
    for app in apps.get_app_configs():
        if app.module is None or not module_has_submodule(app.module, "tasks"):
            continue
        name = f"{app.name}.tasks"
        try:
            __import__(name)
        except Exception as error:
            raise ImportError(
                f"The tasks of the application {app.label!r} cannot be imported from {name!r}: "
                f"{type(error).__name__}: {error}"
            ) from error
        found.append(name)
    return found
