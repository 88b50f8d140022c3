"""What ``settings.Q_BACKGROUND`` may say, read at use; without it the names that django-background-tasks reads."""

from typing import Any

from django.conf import settings

from django_q.option_dicts import OptionDict

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


def sign_of_priority() -> int:
    """Return by what a priority is multiplied so that in the queue greater is always first."""
    return 1 if _options.value("priority_ordering") == BIGGER_FIRST else -1


def _remedy(name: str, value: Any) -> str:
    """Return what to write instead of a value that cannot be used, empty if it can."""
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"Write one of {', '.join(map(repr, _CHOICES[name]))}."
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "max_attempts" and not (is_number and value == int(value) and value >= 0):
        return "Write a whole number, 0 for no limit."
    if name == "timeout" and value is not None and not (is_number and 0 < value < float("inf")):
        return "Write a number of seconds above 0, or None for no limit."
    return ""


def _default_of(name: str) -> Any:
    return getattr(settings, OLD_NAMES.get(name, ""), DEFAULTS[name])


_options = OptionDict("Q_BACKGROUND", DEFAULTS, _remedy, example="{'max_attempts': 25}", default_of=_default_of)
option = _options.value
complaints = _options.complaints
