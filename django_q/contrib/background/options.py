"""What ``settings.Q_BACKGROUND`` may say, read at use; without it the names that django-background-tasks reads."""

from difflib import get_close_matches
from typing import Any

from django.conf import settings

from django_q.exceptions import InvalidSettings

ENDS, GOES_ON = "end", "continue"
BIGGER_FIRST, SMALLER_FIRST = "DESC", "ASC"

#: Every key, with its default.
DEFAULTS: dict[str, Any] = {
    "max_attempts": 25,  # attempts until a task has failed for good
    "timeout": None,  # seconds that an attempt may take; None: no limit
    "priority_ordering": BIGGER_FIRST,  # which priority runs first
    "repeat_on_failure": ENDS,  # what becomes of the repetitions of a task that failed for good
}
#: Where a key is not set, what may say it.
OLD_NAMES = {"max_attempts": "MAX_ATTEMPTS", "priority_ordering": "BACKGROUND_TASK_PRIORITY_ORDERING"}
_CHOICES = {"priority_ordering": (BIGGER_FIRST, SMALLER_FIRST), "repeat_on_failure": (ENDS, GOES_ON)}


def option(name: str) -> Any:
    """Return the value of a key. Raises :exc:`~django_q.exceptions.InvalidSettings` for one that cannot be used."""
    given = getattr(settings, "Q_BACKGROUND", {})
    value = given[name] if name in given else getattr(settings, OLD_NAMES.get(name, ""), DEFAULTS[name])
    if complaint := _complaint(name, value):
        raise InvalidSettings(complaint)
    return value


def sign_of_priority() -> int:
    """Return by what a priority is multiplied so that in the queue greater is always first."""
    return 1 if option("priority_ordering") == BIGGER_FIRST else -1


def complaints() -> list[str]:
    """Return what is wrong with the settings, one sentence each."""
    given = getattr(settings, "Q_BACKGROUND", {})
    if not isinstance(given, dict):
        return [f"Q_BACKGROUND is {given!r}, not a dict. Write Q_BACKGROUND = {{'max_attempts': 25}}, for example."]
    found = [_unknown(name) for name in given if name not in DEFAULTS]
    for name, default in DEFAULTS.items():
        value = given.get(name, getattr(settings, OLD_NAMES.get(name, ""), default))
        found.append(_complaint(name, value))
    return [complaint for complaint in found if complaint]


def _unknown(name: object) -> str:
    close = get_close_matches(str(name), DEFAULTS, n=1)
    nearest = f" Did you mean {close[0]!r}?" if close else f" Choose among {', '.join(map(repr, DEFAULTS))}."
    return f"Q_BACKGROUND has a key {name!r} that does not exist.{nearest}"


def _complaint(name: str, value: Any) -> str:
    """Return why a value cannot be used, empty if it can."""
    shown = f"Q_BACKGROUND[{name!r}] is {value!r}"
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"{shown}. Write one of {', '.join(map(repr, _CHOICES[name]))}."
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "max_attempts" and not (is_number and value == int(value) and value >= 0):
        return f"{shown}. Write a whole number, 0 for no limit."
    if name == "timeout" and value is not None and not (is_number and 0 < value < float("inf")):
        return f"{shown}. Write a number of seconds above 0, or None for no limit."
    return ""
