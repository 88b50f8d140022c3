"""What the settings may say of user tasks, read at use: ``USER_TASKS`` and the names that django-user-tasks reads."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from django_q.exceptions import InvalidSettings
from django_q.option_dicts import OptionDict

COOPERATIVE, INTERRUPT = "cooperative", "interrupt"
FORGET, RECREATE = "forget", "recreate"

#: Every key of USER_TASKS, with its default.
DEFAULTS: dict[str, Any] = {
    "cancel_running": COOPERATIVE,  # who ends a running task that is canceled: itself, or the cluster
    "deleted_rows": FORGET,  # what becomes of the row of a task that was deleted before its end
    "error_text": None,  # what users are told of errors: a path of a function, or a dict of paths of exceptions
    "wsgi_streams": 3,  # pages that one WSGI process keeps up to date by streams; each occupies a thread of it
}
_CHOICES = {"cancel_running": (COOPERATIVE, INTERRUPT), "deleted_rows": (FORGET, RECREATE)}
MAX_AGE = timedelta(days=30)
#: The settings that name filters of the REST API, with their defaults.
FILTERS = {
    "USER_TASKS_STATUS_FILTERS": ("django_q.contrib.user_tasks.filters.StatusFilterBackend",),
    "USER_TASKS_ARTIFACT_FILTERS": ("django_q.contrib.user_tasks.filters.ArtifactFilterBackend",),
}

ErrorText = Callable[[BaseException], str | None] | Mapping[str, str | bool] | None


def interrupts() -> bool:
    """Does the cluster stop a running task that is canceled?"""
    return bool(_options.value("cancel_running") == INTERRUPT)


def recreates() -> bool:
    """Is a row that was deleted before the end of its task written again?"""
    return bool(_options.value("deleted_rows") == RECREATE)


def error_text() -> ErrorText:
    """Return what says which errors users may read: a function of the exception, a dict, or None."""
    value = _options.value("error_text")
    return import_string(value) if isinstance(value, str) else value


def wsgi_streams() -> int:
    """Return how many streams one process of a WSGI server may hold open; who finds no room polls."""
    return int(_options.value("wsgi_streams"))


def max_age() -> timedelta:
    """Return the age that a row may reach. Raises :exc:`~django_q.exceptions.InvalidSettings` for what is none."""
    value: timedelta = getattr(settings, "USER_TASKS_MAX_AGE", MAX_AGE)
    if complaint := _age_complaint(value):
        raise InvalidSettings(complaint)
    return value


def filters(setting: str) -> list[type]:
    """Return the filters that a setting names. Raises :exc:`~django_q.exceptions.InvalidSettings` for what is none."""
    value = getattr(settings, setting, FILTERS[setting])
    if complaint := _filters_complaint(setting, value):
        raise InvalidSettings(complaint)
    return [_class_of(each) for each in value]


def complaints() -> list[str]:
    """Return what is wrong with the settings, one sentence each."""
    found = _options.complaints()
    found.append(_age_complaint(getattr(settings, "USER_TASKS_MAX_AGE", MAX_AGE)))
    # The defaults are not tried: they need the framework, which need not be there.
    found += [_filters_complaint(name, getattr(settings, name)) for name in FILTERS if hasattr(settings, name)]
    return [complaint for complaint in found if complaint]


def _remedy(name: str, value: Any) -> str:
    """Return what to write instead of a value that cannot be used, empty if it can."""
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"Write {' or '.join(map(repr, _CHOICES[name]))}."
    if name == "error_text" and not (value is None or isinstance(value, (str, Mapping)) or callable(value)):
        return "Write the path of a function, or a dict of paths of exceptions and texts."
    if name == "wsgi_streams" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        return "Write a whole number, less than the threads of a process; 0 for none."
    return ""


def _age_complaint(value: Any) -> str:
    if isinstance(value, timedelta) and value >= timedelta(0):
        return ""
    return f"USER_TASKS_MAX_AGE is {value!r}. Write a timedelta, for example timedelta(days=30)."


def _filters_complaint(setting: str, value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return f"{setting} is {value!r}. Write a list of filter backends, each a class or its path."
    for each in value:
        try:
            is_filter = callable(getattr(_class_of(each), "filter_queryset", None))
        except ImportError as error:
            return f"{setting} names {each!r}, which cannot be imported: {error}"
        if not is_filter:
            return f"{setting} names {each!r}, which is no filter backend: it has no filter_queryset()."
    return ""


def _class_of(each: Any) -> Any:
    return import_string(each) if isinstance(each, str) else each


_options = OptionDict("USER_TASKS", DEFAULTS, _remedy, example="{'cancel_running': 'interrupt'}")
