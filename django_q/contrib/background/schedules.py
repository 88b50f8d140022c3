"""When a call runs and what becomes of equal ones: :class:`TaskSchedule`, and what ``schedule=`` may hold besides."""

import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from math import isfinite
from typing import Any

from django.conf import settings
from django.utils import timezone

Moment = datetime | timedelta | int | float

_PARTS = ("run_at", "priority", "action")
_LOWEST, _HIGHEST = -32767, 32767


class TaskSchedule:
    """When a call runs (``run_at``), how much it matters (``priority``), what is done about equal ones (``action``).

    Any part may be None, for "not said". ``run_at`` is a moment, or a delay as a timedelta or a number of seconds.
    Raises :exc:`TypeError` or :exc:`ValueError` for a part that cannot be used.
    """

    SCHEDULE = 0  # another task
    RESCHEDULE_EXISTING = 1  # equal ones that nobody runs yet are moved to the new time instead
    CHECK_EXISTING = 2  # nothing, if there is an equal one

    def __init__(self, run_at: Moment | None = None, priority: int | None = None, action: int | None = None) -> None:
        self._run_at = _checked_moment(run_at)
        self._priority = _checked_priority(priority)
        self._action = _checked_action(action)

    @classmethod
    def create(cls, schedule: "Schedule | None") -> "TaskSchedule":
        """Return the schedule that a moment, a delay, a dict of parts or another schedule stands for."""
        if isinstance(schedule, TaskSchedule):
            return schedule
        if isinstance(schedule, Mapping):
            for name in schedule:
                if name not in _PARTS:
                    raise TypeError(f"schedule={dict(schedule)!r} has a key {name!r} that does not exist.{_hint(name)}")
            return cls(**schedule)
        return cls(run_at=schedule)

    def merge(self, default: "TaskSchedule") -> "TaskSchedule":
        """Return a schedule that says what this one says, and where it says nothing, what the other one does."""
        parts = [theirs if ours is None else ours for ours, theirs in zip(self._parts(), default._parts(), strict=True)]
        return TaskSchedule(*parts)

    @property
    def run_at(self) -> datetime:
        """The moment from which a call may run, if it is made now."""
        delay = self.delay
        if delay is not None:
            return timezone.now() + delay
        return self._run_at if isinstance(self._run_at, datetime) else timezone.now()

    @property
    def delay(self) -> timedelta | None:
        """The delay, if that is what was said: by the clock of the database it is counted from."""
        return self._run_at if isinstance(self._run_at, timedelta) else None

    @property
    def has_moment(self) -> bool:
        """Was any moment or delay said?"""
        return self._run_at is not None

    @property
    def priority(self) -> int:
        """The priority, 0 if none was said."""
        return self._priority or 0

    @property
    def action(self) -> int:
        """One of the three actions, ``SCHEDULE`` if none was said."""
        return self._action or self.SCHEDULE

    def _parts(self) -> tuple[Any, ...]:
        return self._run_at, self._priority, self._action

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskSchedule) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return f"TaskSchedule(run_at={self._run_at}, priority={self._priority})"


Schedule = Moment | Mapping[str, Any] | TaskSchedule


def _checked_moment(value: Any) -> datetime | timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    if isinstance(value, datetime):
        return in_settings_form(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        try:
            return timedelta(seconds=value)
        except OverflowError as error:
            raise ValueError(f"schedule={value!r} is no number of seconds that a date can hold.") from error
    raise TypeError(
        f"schedule={value!r} is neither a moment nor a delay. "
        "Pass a datetime, a timedelta or a number of seconds, for example schedule=60."
    )


def in_settings_form(moment: datetime) -> datetime:
    """Return a moment that can be compared with ``timezone.now()``; warn if it has to be guessed whose clock it is."""
    if settings.USE_TZ and timezone.is_naive(moment):
        warnings.warn(
            f"schedule={moment!r} names no time zone and is read in the current one, "
            f"{timezone.get_current_timezone_name()!r}. Pass an aware datetime, as timezone.now() returns it.",
            RuntimeWarning,
            stacklevel=6,  # the caller of the proxy
        )
        return timezone.make_aware(moment)
    if not settings.USE_TZ and timezone.is_aware(moment):
        return timezone.make_naive(moment)
    return moment


def _checked_priority(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not _LOWEST <= value <= _HIGHEST:
        raise ValueError(f"priority={value!r} is no whole number from {_LOWEST} to {_HIGHEST}.")
    return value


def _checked_action(value: Any) -> int | None:
    if value not in (None, TaskSchedule.SCHEDULE, TaskSchedule.RESCHEDULE_EXISTING, TaskSchedule.CHECK_EXISTING):
        raise ValueError(
            f"action={value!r} does not exist. Use TaskSchedule.SCHEDULE, TaskSchedule.RESCHEDULE_EXISTING or "
            "TaskSchedule.CHECK_EXISTING."
        )
    return value


def _hint(name: object) -> str:
    close = get_close_matches(str(name), _PARTS, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" It may have {', '.join(map(repr, _PARTS))}."
