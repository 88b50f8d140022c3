"""What ``settings.PUBLISH`` may say, read at use."""

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from django_q.option_dicts import OptionDict

#: Every key, with its default.
DEFAULTS: dict[str, Any] = {
    "enabled": True,  # False: nothing is sent or stored
    "strict": False,  # does a task fail whose events cannot be stored?
    "anyone": (),  # groups that everybody may watch, without a login
    "access": None,  # who may watch: the path of a function(user, stream, owner)
    "patience": 30.0,  # seconds that a browser waits for a task that nobody has enqueued
    "wsgi_streams": 3,  # pages that one WSGI process keeps up to date; each occupies a thread of it
    "viewers": 1000,  # pages that one ASGI process keeps up to date
}
_TRUTHS = ("enabled", "strict")
_COUNTS = ("wsgi_streams", "viewers")

Access = Callable[[Any, str, str | None], bool]


def access() -> Access | None:
    """Return what says who may watch, None for the usual rule."""
    value = _options.value("access")
    found: Access | None = import_string(value) if isinstance(value, str) else value
    return found


def _remedy(name: str, value: Any) -> str:
    """Return what to write instead of a value that cannot be used, empty if it can."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in _TRUTHS and not isinstance(value, bool):
        return "Write True or False."
    if name in _COUNTS and not (isinstance(value, int) and is_number and value >= 0):
        return "Write a whole number; 0 for none."
    if name == "patience" and not (is_number and 0 < value < float("inf")):
        return "Write a number of seconds above 0."
    if name == "anyone" and not (isinstance(value, (list, tuple, set)) and all(isinstance(one, str) for one in value)):
        return "Write a list of groups, as @publish() names them."
    if name == "access" and not (value is None or isinstance(value, str) or callable(value)):
        return "Write the path of a function(user, stream, owner) that returns True or False."
    return ""


_options = OptionDict("PUBLISH", DEFAULTS, _remedy, example="{'anyone': ['news']}")
option = _options.value
complaints = _options.complaints
