"""Which keywords of a call are options of the task, and what each of them may hold."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from inspect import Parameter, Signature
from math import isfinite
from typing import Any

from django.conf import settings
from django.utils import timezone

from django_q.brokers import Broker, hands_out_for
from django_q.brokers.base import QueueBroker
from django_q.conf import Settings
from django_q.engine.decision import EXPIRES
from django_q.exceptions import InvalidOption, InvalidValue
from django_q.kernel import callables, clock
from django_q.kernel.codec import SERIALIZERS
from django_q.kernel.queues import EVERY
from django_q.kernel.retry import Backoff
from django_q.tasks import lookup
from django_q.tasks.lookup import Function
from django_q.tasks.remarks import remark

#: Django Q2's names. As a keyword they are the option, whatever the function's parameters are called.
RESERVED = frozenset(
    {"hook", "group", "save", "sync", "cached", "ack_failure", "broker", "cluster", "timeout", "task_name"}
)
#: Our names. As a keyword they belong to the function when its signature names them.
SHARED = frozenset({"priority", "run_after", "max_attempts", "backoff", "serializer", "expires"})
#: What Django Q 0.2 took; ignored with a warning, unless the function's signature names them.
RETIRED = frozenset({"list_key", "redis"})
OPTIONS = RESERVED | SHARED

_KEYWORDS = OPTIONS | RETIRED
_LONGEST_NAME = 100
_LONGEST_PATH = 255
_LONGEST_DELAY = 1e10  # seconds, some three hundred years

Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, checked. None stands for "not given"."""

    task_name: str | None = None
    group: str | None = None
    hook: Function | None = None
    cluster: str | None = None
    priority: int = 0
    run_after: datetime | timedelta | None = None
    serializer: str | None = None
    sync: bool | None = None
    broker: QueueBroker | None = None
    # What the worker and the monitor have to know: timeout, max_attempts, backoff, save, cached, ack_failure, expires.
    carried: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self, defaults: Settings, **marks: Any) -> str:
        """Return what a row carries beyond the settings, with these marks, as compact JSON; empty for nothing."""
        kept = {name: value for name, value in self.carried.items() if not _is_default(name, value, defaults)}
        kept.update(marks)
        return json.dumps(kept, separators=(",", ":")) if kept else ""


#: The options of a call without any.
NOTHING = Options()


def split(func: Function, keywords: dict[str, Any]) -> tuple[Given, dict[str, Any]]:
    """Return the options among the keywords of a call, unchecked, and the keywords that are left for the function.

    A path is resolved only when a name is among the keywords that the function may claim for itself; where it cannot be
    resolved, the option wins. Raises :exc:`~django_q.exceptions.InvalidOption` for an unknown key of ``q_options``.
    """
    if not keywords:
        return {}, keywords
    given = named(keywords["q_options"]) if "q_options" in keywords else {}
    ours = {name for name in _KEYWORDS.intersection(keywords) - given.keys() if not _belongs_to(func, name)}
    given.update((name, keywords[name]) for name in ours - RETIRED)
    for name in sorted(ours & RETIRED):
        remark(f"The keyword {name!r} is ignored: Q_CLUSTER decides where tasks go. Leave it out.", DeprecationWarning)
    return given, {name: value for name, value in keywords.items() if name not in ours and name != "q_options"}


def parse(given: Given) -> Options:
    """Return options that were checked; None stands for "not given", except for ``timeout``, where it means no limit.

    Raises :exc:`~django_q.exceptions.InvalidValue` with the value and the remedy.
    """
    if not given:
        return NOTHING
    columns: dict[str, Any] = {}
    carried: dict[str, Any] = {}
    for name, value in given.items():
        if value is None and name != "timeout":
            continue
        target = carried if name in _CARRIED else columns
        target[name] = _PARSERS[name](name, value)
    if isinstance(given.get("broker"), Broker):  # which is of one queue
        columns["cluster"] = given["broker"].list_key
    return Options(**columns, carried=carried)


def checked(name: str, value: Any) -> Any:
    """Return the value of one option as it is stored. Raises InvalidValue with the value and the remedy."""
    return _PARSERS[name](name, value)


def check_call(func: Function, args: Iterable[Any], kwargs: Mapping[str, Any]) -> None:
    """See that a callable takes these arguments; nothing is known of a path before a worker resolves it.

    Raises :exc:`~django_q.exceptions.InvalidOption` that names the nearest option or parameter.
    """
    signature = None if isinstance(func, str) else callables.signature_of(func)
    if signature is None:
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidOption(_complaint(func, signature, kwargs, error)) from error


# --- whose keyword -------------------------------------------------------------------------------------------------


def named(q_options: object) -> Given:
    """Return a copy of a dict of options. Raises :exc:`~django_q.exceptions.InvalidOption` for a name that is none."""
    if q_options is None:
        return {}
    if not isinstance(q_options, Mapping):
        raise InvalidValue(f"q_options={q_options!r} is not a dict. Write q_options={{'timeout': 60}}, for example.")
    for name in q_options:
        if name not in OPTIONS:
            raise InvalidOption(f"q_options has no option {name!r}.{suggestion(name, OPTIONS)}")
    return dict(q_options)


def _belongs_to(func: Function, name: str) -> bool:
    """Is this keyword a parameter of the function rather than an option?"""
    if name in RESERVED:
        return False
    signature = lookup.signature(func)
    if signature is None:
        return False
    parameter = signature.parameters.get(name)
    if parameter is not None and parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
        return True
    if name in SHARED and any(each.kind is Parameter.VAR_KEYWORD for each in signature.parameters.values()):
        _warn_once(func, name)
    return False


_warned: set[tuple[str, str]] = set()


def _warn_once(func: Function, name: str) -> None:
    label = func if isinstance(func, str) else callables.display_name(func)
    if (label, name) in _warned:
        return
    _warned.add((label, name))
    remark(
        f"{name!r} is taken as an option of the task, though {label} accepts any keyword. To hand it to the function, "
        f"pass q_options={{{name!r}: …}} as well, with the option's own value or None.",
        UserWarning,
    )


# --- what a value may be -------------------------------------------------------------------------------------------


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_NAME or "\0" in value:
        raise _refusal(name, value, f"a text of 1 to {_LONGEST_NAME} characters", "Write str(…) around other values.")
    return value


def _queue(name: str, value: Any) -> str:
    if value == EVERY:
        raise _refusal(name, value, "the name of one queue", f"{EVERY!r} is what a cluster serves, every queue.")
    return _text(name, value)


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refusal(name, value, "True or False")
    return value


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if not _is_number(value) or not isfinite(value) or value <= 0:
        raise _refusal(name, value, "a number of seconds above 0", "Use None for no limit.")
    return value


def _keeping(name: str, value: Any) -> bool | int:
    if isinstance(value, bool):
        return value
    if not isinstance(value, int) or value <= 0:
        raise _refusal(name, value, "True, False or a whole number of seconds above 0")
    return value


def _attempts(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refusal(name, value, "a whole number, 0 or above", "0 stands for no limit.")
    return value


def _priority(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -32768 <= value <= 32767:
        raise _refusal(name, value, "a whole number from -32768 to 32767", "Greater runs first; 0 is usual.")
    return value


def _moment(name: str, value: Any) -> datetime | timedelta:
    if not isinstance(value, (datetime, timedelta)):
        raise _refusal(name, value, "a datetime or a timedelta", "Write timedelta(minutes=5), for example.")
    if isinstance(value, datetime):
        return _in_settings_form(value)
    try:
        clock.now() + value
    except OverflowError as error:
        raise _refusal(name, value, "a moment before the year 10000") from error
    return value


def _expiry(name: str, value: Any) -> float:
    """Return the moment, in seconds since the epoch, after which a task must not begin."""
    if isinstance(value, datetime):
        moment = timezone.make_aware(value) if timezone.is_naive(value) else value
        return moment.timestamp()
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not _is_number(seconds) or not 0 < seconds < _LONGEST_DELAY:
        raise _refusal(name, value, "a moment, or a time above 0 from now: a timedelta, or a number of seconds")
    return clock.epoch() + float(seconds)


def _in_settings_form(moment: datetime) -> datetime:
    """Return a moment as Django stores it under USE_TZ; one that does not say its time zone is in the current one."""
    if settings.USE_TZ and timezone.is_naive(moment):
        message = f"run_after={moment!r} names no time zone while USE_TZ is on; it is read in the current one."
        remark(message, RuntimeWarning)
        return timezone.make_aware(moment)
    if not settings.USE_TZ and timezone.is_aware(moment):
        return timezone.make_naive(moment)
    return moment


def _pauses(name: str, value: Any) -> Any:
    return Backoff.parse(value).as_json()


def _writer(name: str, value: Any) -> str:
    if value not in SERIALIZERS:
        raise _refusal(name, value, f"one of {', '.join(map(repr, SERIALIZERS))}")
    return value


def _callback(name: str, value: Any) -> Function:
    """Return the path of a hook, or the hook itself if it has none and has to be pickled."""
    if not isinstance(value, str) and not callable(value):
        raise _refusal(name, value, "a dotted path or a callable")
    path = callables.normalize(value) if isinstance(value, str) else callables.path_of(value)
    if path is not None and len(path) > _LONGEST_PATH:
        raise _refusal(name, value, f"a path of at most {_LONGEST_PATH} characters")
    return value if path is None else path


def _carrier(name: str, value: Any) -> QueueBroker:
    if isinstance(value, Broker):
        return hands_out_for(value)
    if not isinstance(value, QueueBroker):
        raise _refusal(name, value, "a broker, as django_q.brokers.get_broker() returns it")
    return value


_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "task_name": _text,
    "group": _text,
    "hook": _callback,
    "cluster": _queue,
    "priority": _priority,
    "run_after": _moment,
    "serializer": _writer,
    "sync": _truth,
    "broker": _carrier,
    "timeout": _seconds,
    "max_attempts": _attempts,
    "backoff": _pauses,
    "save": _truth,
    "cached": _keeping,
    "ack_failure": _truth,
    EXPIRES: _expiry,
}
_CARRIED = frozenset({"timeout", "max_attempts", "backoff", "save", "cached", "ack_failure", EXPIRES})


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refusal(name: str, value: Any, accepted: str, remedy: str = "") -> InvalidValue:
    return InvalidValue(f"{name}={value!r} cannot be used; it must be {accepted}. {remedy}".rstrip())


def _is_default(name: str, value: Any, defaults: Settings) -> bool:
    """Do the settings say the same? True and 1 differ: one is a truth, the other a second."""
    if name == EXPIRES:
        return False
    if name == "ack_failure":
        return bool(value == defaults.ack_failures)
    if name == "save":
        return bool(value == defaults.saves)
    default = defaults.backoff.as_json() if name == "backoff" else getattr(defaults, name)
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)


# --- errors --------------------------------------------------------------------------------------------------------


def _complaint(func: Any, signature: Signature, kwargs: Mapping[str, Any], error: TypeError) -> str:
    """Say what is wrong with a call, by the first keyword that nobody knows."""
    takes = [name for name, each in signature.parameters.items() if each.kind is not Parameter.POSITIONAL_ONLY]
    label = callables.display_name(func)
    unknown = next((name for name in kwargs if name not in takes), None)
    if unknown is None:
        return f"async_task() cannot call {label}{signature}: {error}."
    return (
        f"async_task() got {unknown!r}, which is neither an option nor a parameter of {label}."
        f"{suggestion(unknown, OPTIONS, takes)}"
    )


def suggestion(name: Any, known: Iterable[str], parameters: Iterable[str] = ()) -> str:
    """Return a question that names the nearest option or parameter; empty if none is near."""
    parameters = set(parameters)
    choices = [*parameters, *(each for each in sorted(known) if each not in parameters)]
    close = get_close_matches(str(name), choices, n=1)
    if not close:
        return ""
    return f" Did you mean the {'parameter' if close[0] in parameters else 'option'} {close[0]!r}?"
