"""What ``settings.CLASS_TASKS`` may say, read at use."""

from typing import Any

from django.conf import settings

from django_q.exceptions import InvalidSettings
from django_q.option_dicts import OptionDict

#: Every key, with its default.
DEFAULTS: dict[str, Any] = {
    "concurrency": 100,  # tasks that one runner runs at a time; None: no limit
    "interval": 0.5,  # seconds between two looks of a runner that nothing wakes
    "heartbeat": 5.0,  # seconds between two signs of life
    "task_timeout": 60.0,  # seconds without a sign of life after which a task runs elsewhere
    "grace": 5.0,  # seconds that a task has to end when it is stopped; then it is interrupted
    "interrupt_grace": 2.0,  # seconds that it has then; after them its process is replaced
    "monitor": True,  # does every runner look after the tasks of dead ones?
    "cleanup": None,  # True: runners delete what has ended; 'module:function': after they have handed it to that
    "keep": 7 * 86400.0,  # seconds for which tasks are kept that have ended; None: for ever
    "redis": None,  # URL of a Redis server to which events are published, and from which control words come
}
_NUMBERS = ("interval", "heartbeat", "task_timeout", "grace", "interrupt_grace")
_LEAST = {"interval": 0.02, "heartbeat": 0.05, "task_timeout": 0.2, "grace": 0.0, "interrupt_grace": 0.0}


def option(name: str) -> Any:
    """Return the value of a key. Raises :exc:`~django_q.exceptions.InvalidSettings` if any cannot be used."""
    found = complaints()
    if found:
        raise InvalidSettings(" ".join(found))
    return _options.value(name)


def all_options() -> dict[str, Any]:
    """Return the value of every key. Raises :exc:`~django_q.exceptions.InvalidSettings`."""
    return {name: option(name) for name in DEFAULTS}


def complaints(given: Any = None) -> list[str]:
    """Return what is wrong with the settings, or with values in their place, one sentence each."""
    found = _options.complaints(given)
    if found:
        return found
    values = {**DEFAULTS, **(getattr(settings, "CLASS_TASKS", {}) if given is None else given)}
    if values["task_timeout"] >= 3 * values["heartbeat"]:
        return []
    return [
        f"CLASS_TASKS['task_timeout'] is {values['task_timeout']!r}, less than three times "
        f"CLASS_TASKS['heartbeat'], {values['heartbeat']!r}: tasks would run twice. Raise the former, or lower "
        "the latter."
    ]


def _remedy(name: str, value: Any) -> str:
    """Return what to write instead of a value that cannot be used, empty if it can."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")
    if name in _NUMBERS and not (is_number and value >= _LEAST[name]):
        return f"Write a number of seconds, {_LEAST[name]:g} or more."
    if name == "concurrency" and value is not None and not (is_number and value >= 1 and value == int(value)):
        return "Write a whole number from 1, or None for no limit."
    if name == "keep" and value is not None and not is_number:
        return "Write a number of seconds, or None for ever."
    if name == "monitor" and not isinstance(value, bool):
        return "Write True or False."
    if name == "cleanup" and not (value in (None, False, True) or isinstance(value, str)):
        return "Write True, the path of a function as 'module:function', or None."
    if name == "redis" and not (value is None or isinstance(value, str)):
        return "Write a URL, for example 'redis://localhost:6379/0', or None."
    return ""


_options = OptionDict("CLASS_TASKS", DEFAULTS, _remedy, example="{'concurrency': 100}")
