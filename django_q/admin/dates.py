"""The way through a list by years, months and days: two look-ups into an index, whatever the list holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

_MOST_YEARS = 50
_LAST_YEAR = 9999
_YEAR, _MONTH, _DAY = range(3)

QueryString = Callable[[dict[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Period:
    """From when on and until when; None is open. Moments are as the database has them, aware or not."""

    column: str
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, column: str, parameters: Mapping[str, Any]) -> "Period":
        """Read a query. Raises :exc:`IncorrectLookupParameters` for what is no moment."""
        return cls(column, _moment(parameters.get(f"{column}__gte")), _moment(parameters.get(f"{column}__lt")))

    def of_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the rows that lie in it."""
        if self.since is not None:
            rows = rows.filter(**{f"{self.column}__gte": self.since})
        return rows if self.until is None else rows.filter(**{f"{self.column}__lt": self.until})

    def holds(self, moment: datetime) -> bool:
        """Does a stored moment lie in it?"""
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)

    @property
    def is_open(self) -> bool:
        """Has it neither a beginning nor an end?"""
        return self.since is None and self.until is None

    def calendar(self) -> tuple[int, date] | None:
        """Return which part of the calendar it is, a year, a month or a day, and when that begins; None if none."""
        if self.since is None or self.until is None:
            return None
        first, end = _local(self.since), _local(self.until)
        for level in (_DAY, _MONTH, _YEAR):
            day = first.date()
            if first == _midnight(_start(day, level)) and end == _midnight(_after(day, level)):
                return level, day
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """A part of the calendar, and the address of the list for it."""

    title: str
    link: str


@dataclass(frozen=True, slots=True)
class Dates:
    """What the navigation shows."""

    back: Choice | None
    choices: Sequence[Choice]
    here: str = ""


def dates(rows: QuerySet[Any], period: Period, query_string: QueryString) -> Dates | None:
    """Return the way to the rows' years, months or days; None if there is nothing to choose.

    ``rows`` are all of the list, before any filter: their first and last are found by an index.
    """
    chosen = period.calendar()
    link = _Links(period.column, query_string)
    if chosen is not None and chosen[0] == _DAY:
        return Dates(link.to(chosen[1], _MONTH), (), _title(chosen[1], _DAY))
    ends = _ends(period.of_rows(rows) if chosen else rows, period.column)
    if ends is None:
        return Dates(link.out(), ()) if not period.is_open else None
    level = chosen[0] + 1 if chosen else _level(*ends)
    choices = [link.to(day, level) for day in _days(*ends, level)]
    if chosen is None:
        return Dates(None if period.is_open else link.out(), choices)
    day = chosen[1]
    return Dates(link.out() if chosen[0] == _YEAR else link.to(day, _YEAR), choices, _title(day, chosen[0]))


@dataclass(frozen=True, slots=True)
class _Links:
    column: str
    query_string: QueryString

    def to(self, day: date, level: int) -> Choice:
        first = _start(day, level)
        wanted = {"gte": _stored(first), "lt": _stored(_after(first, level))}
        link = self.query_string({f"{self.column}__{end}": moment.isoformat() for end, moment in wanted.items()})
        return Choice(_title(first, level), link)

    def out(self) -> Choice:
        return Choice(_("All dates"), self.query_string({f"{self.column}__gte": None, f"{self.column}__lt": None}))


def _ends(rows: QuerySet[Any], column: str) -> tuple[date, date] | None:
    moments = rows.order_by(column).values_list(column, flat=True)
    first, last = moments.first(), moments.reverse().first()
    return None if first is None or last is None else (_local(first).date(), _local(last).date())


def _level(first: date, last: date) -> int:
    """Return the level at which there is something to choose."""
    if first.year != last.year:
        return _YEAR
    return _MONTH if first.month != last.month else _DAY


def _days(first: date, last: date, level: int) -> list[date]:
    """Return the beginnings of the parts that lie between two days, both included."""
    days, day = [], _start(first, level)
    if level == _YEAR:
        day = max(day, date(max(last.year - _MOST_YEARS, 1), 1, 1))
    while day <= last:
        days.append(day)
        day = _after(day, level)
    return days


def _start(day: date, level: int) -> date:
    return day if level == _DAY else day.replace(day=1) if level == _MONTH else day.replace(month=1, day=1)


def _after(day: date, level: int) -> date:
    days = {_DAY: 1, _MONTH: 31, _YEAR: 366}[level]
    return _start(_start(day, level) + timedelta(days=days), level)


def _title(day: date, level: int) -> str:
    if level == _YEAR:
        return str(day.year)
    return date_format(day, "YEAR_MONTH_FORMAT" if level == _MONTH else "MONTH_DAY_FORMAT")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - of the site's own zone


def _stored(day: date) -> datetime:
    return timezone.make_aware(_midnight(day)) if settings.USE_TZ else _midnight(day)


def _local(moment: datetime) -> datetime:
    return timezone.make_naive(moment) if timezone.is_aware(moment) else moment


def _moment(value: Any) -> datetime | None:
    text = value[-1] if isinstance(value, list) else value
    if not text:
        return None
    try:
        found = _parsed(text) if isinstance(text, str) else text  # Django's own links hold days and moments
        if found is None:
            raise ValueError(f"{text!r} is no moment; write it as 2026-11-21T08:00:00.")
        moment = found if isinstance(found, datetime) else _midnight(found)
        if not 1 < moment.year < _LAST_YEAR:
            raise ValueError(f"{text!r} lies outside the calendar.")
        if settings.USE_TZ == timezone.is_aware(moment):
            return moment
        return timezone.make_aware(moment) if settings.USE_TZ else timezone.make_naive(moment)
    except (ValueError, OverflowError) as error:
        raise IncorrectLookupParameters(error) from error


def _parsed(text: str) -> date | None:
    # A browser that was given a plus sign as it is sends a space.
    return parse_datetime(text) or parse_datetime(text.replace(" ", "+")) or parse_date(text)
