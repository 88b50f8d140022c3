"""Cron expressions as Debian's cron reads them: five fields, or a sixth for seconds, names, steps, ``L`` and ``#``.

The rules are those of the manual page crontab(5): a day matches if the day of the month or the day of the week does,
unless one of the two begins with ``*``; then both have to.
"""

import calendar
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django_q.exceptions import InvalidValue

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_HORIZON = 41  # years: the 29th of February falls on any given weekday at least once in forty
_LAST = -1
_SOME_DAY = datetime.combine(date(2000, 1, 1), time())
_STEPS = re.compile(r"(?P<range>[^/]+)/(?P<step>\d+)")
_NTH = re.compile(r"(?P<day>\w+)#(?P<nth>[1-5])")
_FINAL = re.compile(r"L(?P<after>\w+)|(?P<before>\w+)L", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Return the number of one value, written in digits or as a name."""
        if text.upper() in self.words:
            return self.words.index(text.upper()) + self.least
        if not text.isascii() or not text.isdigit() or not self.least <= int(text) <= self.most:
            raise ValueError(f"{text!r} is not a {self.name} from {self.least} to {self.most}")
        return int(text)


_MONTHS = tuple("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())
_DAYS = tuple("SUN MON TUE WED THU FRI SAT".split())
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of the week", 0, 7, _DAYS)
_SECOND = _Field("second", 0, 59)
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY, _SECOND)


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression that was read. Moments are naive: what a clock on the wall shows."""

    text: str
    times: tuple[time, ...]  # of a day that matches, ascending
    months: frozenset[int]
    days: frozenset[int]  # of the month, _LAST among them for its last
    weekdays: frozenset[int]  # 0 is Sunday
    nth: frozenset[tuple[int, int]]  # a weekday and which of its days in the month, _LAST for the last
    takes_both: bool  # has a day to match by month and by week?
    is_interval: bool  # does it run every so often, rather than at times of the day?

    @classmethod
    def parse(cls, text: str) -> "Cron":
        """Read an expression. Raises :exc:`~django_q.exceptions.InvalidValue` that says what is wrong with it."""
        if not isinstance(text, str):
            raise InvalidValue(f"{text!r} is no cron expression. Write '0 9 * * mon-fri', for example.")
        words = MACROS.get(text.strip().lower(), text).split()
        if len(words) not in (5, 6):
            raise InvalidValue(
                f"{text!r} is no cron expression: it has {len(words)} fields, not 5 (minute, hour, day of the month, "
                "month, day of the week) or 6 (and second)."
            )
        try:
            found = cls._read(text, words)
        except ValueError as error:
            raise InvalidValue(f"{text!r} is no cron expression: {error}.") from error
        if found.after(_SOME_DAY) is None:
            raise InvalidValue(f"{text!r} never comes: no month has such a day.")
        return found

    @classmethod
    def _read(cls, text: str, words: list[str]) -> "Cron":
        minutes, hours = _numbers(words[0], _MINUTE), _numbers(words[1], _HOUR)
        seconds = _numbers(words[5], _SECOND) if len(words) == 6 else {0}
        days = _numbers(words[2], _DAY, last=True)
        weekdays, nth = _weekdays(words[4])
        times = (time(h, m, s) for h in sorted(hours) for m in sorted(minutes) for s in sorted(seconds))
        return cls(
            text=text,
            times=tuple(times),
            months=frozenset(_numbers(words[3], _MONTH)),
            days=frozenset(days),
            weekdays=frozenset(weekdays),
            nth=frozenset(nth),
            takes_both=_is_star(words[2]) or _is_star(words[4]),
            is_interval=_is_star(words[0]) or _is_star(words[1]),
        )

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment after this one, None if there is none within forty years."""
        for day in self._days_from(moment.date()):
            found = self._time_after(moment.time() if day == moment.date() else None)
            if found is not None:
                return datetime.combine(day, found)
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        year, month = first.year, first.month
        for _ in range(_HORIZON * 12):
            if month in self.months:
                start = first.day if (year, month) == (first.year, first.month) else 1
                for number in range(start, calendar.monthrange(year, month)[1] + 1):
                    if self._takes(date(year, month, number)):
                        yield date(year, month, number)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            if year > date.max.year:
                return

    def _takes(self, day: date) -> bool:
        by_month, by_week = self._takes_in_month(day), self._takes_in_week(day)
        return by_month and by_week if self.takes_both else by_month or by_week

    def _takes_in_month(self, day: date) -> bool:
        return day.day in self.days or (_LAST in self.days and _is_last(day, 1))

    def _takes_in_week(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        if weekday in self.weekdays or (weekday, (day.day + 6) // 7) in self.nth:
            return True
        return (weekday, _LAST) in self.nth and _is_last(day, 7)

    def _time_after(self, moment: time | None) -> time | None:
        if moment is None:
            return self.times[0]
        place = bisect_right(self.times, moment)
        return self.times[place] if place < len(self.times) else None


def _is_last(day: date, step: int) -> bool:
    """Is there no such day in the month any more?"""
    return day.month != (day + timedelta(step)).month if day < date.max - timedelta(step) else True


def _is_star(word: str) -> bool:
    return word[0] in "*?"


def _numbers(word: str, field: _Field, *, last: bool = False) -> set[int]:
    """Return the numbers that a field stands for."""
    found: set[int] = set()
    for part in word.split(","):
        if last and part.upper() == "L":
            found.add(_LAST)
        else:
            found.update(_range(part, field))
    return found


def _range(part: str, field: _Field) -> Iterable[int]:
    steps = _STEPS.fullmatch(part)
    body, step = (steps["range"], int(steps["step"])) if steps else (part, 1)
    if step < 1:
        raise ValueError(f"{part!r} has steps of {step}")
    most = 6 if field is _WEEKDAY else field.most
    if body in ("*", "?"):
        return range(field.least, most + 1, step)
    first, dash, final = body.partition("-")
    start = field.number(first)
    end = field.number(final) if dash else most if steps else start
    if end < start and end == 0 and field is _WEEKDAY:
        end = 7  # Sunday at the end of a week
    if end < start:
        raise ValueError(f"{part!r} runs backwards")
    return range(start, end + 1, step)


def _weekdays(word: str) -> tuple[set[int], set[tuple[int, int]]]:
    """Return the days of the week, and those of which a month has one only."""
    days: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for part in word.split(","):
        numbered, final = _NTH.fullmatch(part), _FINAL.fullmatch(part)
        if numbered:
            nth.add((_WEEKDAY.number(numbered["day"]) % 7, int(numbered["nth"])))
        elif final:
            nth.add((_WEEKDAY.number(final["after"] or final["before"]) % 7, _LAST))
        else:
            days.update(number % 7 for number in _range(part, _WEEKDAY))
    return days, nth
