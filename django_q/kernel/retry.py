"""How long a task rests between two attempts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from typing import Any

from django_q.exceptions import InvalidValue

KINDS = ("exponential", "linear", "polynomial", "fixed")

_MAXIMUM = 3600.0
_JITTER = 0.1
_REMEDY = (
    "Write seconds (30), a list of seconds ([5, 60, 600]) or a dict: "
    "{'kind': 'exponential', 'delay': 5, 'factor': 2, 'maximum': 3600, 'jitter': 0.1}."
)


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pauses between the attempts of a task, in seconds."""

    kind: str = "exponential"
    delay: float = 5.0
    factor: float = 2.0
    maximum: float = _MAXIMUM
    jitter: float = _JITTER
    steps: tuple[float, ...] = ()  # one pause per attempt, the last repeats; replaces all of the above

    @classmethod
    def parse(cls, value: object) -> "Backoff":
        """Return what a setting or an option says; None stands for the default."""
        if isinstance(value, Backoff):
            return value
        if value is None:
            return cls()
        if isinstance(value, Mapping):
            return _from_mapping(value)
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
            return _from_steps(value)
        return _fixed(_number(value, value))

    def seconds(self, attempt: int, random: Callable[[], float]) -> float:
        """Return the pause after that many attempts. ``random`` returns a number from 0 to 1."""
        past = max(attempt, 1) - 1
        if self.steps:
            pause = self.steps[min(past, len(self.steps) - 1)]
        else:
            pause = min(self._unbounded(past), self.maximum)
        if self.jitter:
            pause *= 1 + self.jitter * (2 * random() - 1)
        return pause

    def as_json(self) -> float | list[float] | dict[str, Any]:
        """Return a plain value from which :meth:`parse` makes the same backoff again."""
        if self.steps:
            return list(self.steps)
        if self == _fixed(self.delay):
            return self.delay
        return {
            "kind": self.kind,
            "delay": self.delay,
            "factor": self.factor,
            "maximum": self.maximum,
            "jitter": self.jitter,
        }

    def _unbounded(self, past: int) -> float:
        if self.kind == "fixed":
            return self.delay
        if self.kind == "linear":
            return self.delay * (past + 1)
        try:
            if self.kind == "polynomial":
                return float(self.delay + (past + 1) ** self.factor)
            return float(self.delay * self.factor**past)
        except OverflowError:
            return self.maximum


def _fixed(delay: float) -> Backoff:
    return Backoff(kind="fixed", delay=delay, maximum=max(_MAXIMUM, delay), jitter=0.0)


def _from_steps(value: Sequence[object]) -> Backoff:
    if not value:
        raise InvalidValue(f"backoff={value!r} is empty. {_REMEDY}")
    return Backoff(kind="fixed", jitter=0.0, steps=tuple(_number(step, value) for step in value))


def _from_mapping(value: Mapping[Any, Any]) -> Backoff:
    unknown = [key for key in value if key not in ("kind", "delay", "factor", "maximum", "jitter")]
    if unknown:
        raise InvalidValue(f"backoff={value!r} has an unknown key {unknown[0]!r}. {_REMEDY}")
    kind = value.get("kind", "exponential")
    if kind not in KINDS:
        raise InvalidValue(f"backoff={value!r} has the kind {kind!r}; choose one of {KINDS!r}. {_REMEDY}")
    delay = _number(value.get("delay", 5.0), value)
    factor = _number(value.get("factor", 2.0), value)
    maximum = _number(value.get("maximum", max(_MAXIMUM, delay)), value)
    jitter = _number(value.get("jitter", 0.0 if kind == "fixed" else _JITTER), value)
    if maximum < delay:
        raise InvalidValue(f"backoff={value!r} has a maximum below its delay. {_REMEDY}")
    if factor < 1:
        raise InvalidValue(f"backoff={value!r} has a factor below 1: its pauses would shrink. {_REMEDY}")
    if jitter > 1:
        raise InvalidValue(f"backoff={value!r} has a jitter above 1. {_REMEDY}")
    return Backoff(kind=kind, delay=delay, factor=factor, maximum=maximum, jitter=jitter)


def _number(item: object, whole: object) -> float:
    if isinstance(item, timedelta):
        item = item.total_seconds()
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise InvalidValue(f"backoff={whole!r} holds {item!r}, which is not a number. {_REMEDY}")
    try:
        number = float(item)
    except OverflowError as error:
        raise InvalidValue(f"backoff={whole!r} holds a number that is too large. {_REMEDY}") from error
    if not isfinite(number) or number < 0:
        raise InvalidValue(f"backoff={whole!r} holds {item!r}; a pause is finite and not negative. {_REMEDY}")
    return number
