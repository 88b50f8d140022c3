"""What the settings may say of user tasks, read at use: ``USER_TASKS`` and the names that django-user-tasks reads."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from django_q.exceptions import InvalidSettings

COOPERATIVE, INTERRUPT = "cooperative", "interrupt"

#: Every key of USER_TASKS, with its default.
DEFAULTS: dict[str, Any] = {
    "cancel_running": COOPERATIVE,  # who ends a running task that is canceled: itself, or the cluster
    "error_text": None,  # what users are told of errors: a path of a function, or a dict of paths of exceptions
}
MAX_AGE = timedelta(days=30)

ErrorText = Callable[[BaseException], str | None] | Mapping[str, str | bool] | None


def interrupts() -> bool:
    """Does the cluster stop a running task that is canceled?"""
    return bool(_option("cancel_running") == INTERRUPT)


def error_text() -> ErrorText:
    """Return what says which errors users may read: a function of the exception, a dict, or None."""
    value = _option("error_text")
    return import_string(value) if isinstance(value, str) else value


def max_age() -> timedelta:
    """Return the age that a row may reach. Raises :exc:`~django_q.exceptions.InvalidSettings` for what is none."""
    value: timedelta = getattr(settings, "USER_TASKS_MAX_AGE", MAX_AGE)
    if complaint := _age_complaint(value):
        raise InvalidSettings(complaint)
    return value


def complaints() -> list[str]:
    """Return what is wrong with the settings, one sentence each."""
    given = getattr(settings, "USER_TASKS", {})
    if not isinstance(given, dict):
        return [f"USER_TASKS is {given!r}, not a dict. Write USER_TASKS = {{'cancel_running': 'interrupt'}}."]
    found = [_unknown(name) for name in given if name not in DEFAULTS]
    found += [_complaint(name, given.get(name, default)) for name, default in DEFAULTS.items()]
    found.append(_age_complaint(getattr(settings, "USER_TASKS_MAX_AGE", MAX_AGE)))
    return [complaint for complaint in found if complaint]


def _option(name: str) -> Any:
    value = getattr(settings, "USER_TASKS", {}).get(name, DEFAULTS[name])
    if complaint := _complaint(name, value):
        raise InvalidSettings(complaint)
    return value


def _unknown(name: object) -> str:
    close = get_close_matches(str(name), DEFAULTS, n=1)
    nearest = f" Did you mean {close[0]!r}?" if close else f" Choose among {', '.join(map(repr, DEFAULTS))}."
    return f"USER_TASKS has a key {name!r} that does not exist.{nearest}"


def _complaint(name: str, value: Any) -> str:
    """Return why a value cannot be used, empty if it can."""
    shown = f"USER_TASKS[{name!r}] is {value!r}"
    if name == "cancel_running" and value not in (COOPERATIVE, INTERRUPT):
        return f"{shown}. Write {COOPERATIVE!r} or {INTERRUPT!r}."
    if name == "error_text" and not (value is None or isinstance(value, (str, Mapping)) or callable(value)):
        return f"{shown}. Write the path of a function, or a dict of paths of exceptions and texts."
    return ""


def _age_complaint(value: Any) -> str:
    if isinstance(value, timedelta) and value >= timedelta(0):
        return ""
    return f"USER_TASKS_MAX_AGE is {value!r}. Write a timedelta, for example timedelta(days=30)."
