"""When a schedule is due: every so many minutes, days or months from an anchor, or by a cron expression.

Schedules by day, week, month and year keep the time on the wall across clock changes; those by minute and hour, and
cron expressions that run every so often, keep the real distance. A time on the wall that a clock change skips moves to
after the gap; one that comes twice counts once.
"""

import calendar
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django_q.exceptions import InvalidValue
from django_q.kernel.cron import Cron

ONCE = "O"
MINUTES = "I"
HOURLY = "H"
DAILY = "D"
WEEKLY = "W"
BIWEEKLY = "BW"
MONTHLY = "M"
BIMONTHLY = "BM"
QUARTERLY = "Q"
YEARLY = "Y"
CRON = "C"

#: What becomes of due moments that passed while no cluster was there: nothing, one run for all, or a run for each.
SKIP, ONE, ALL = "skip", "one", "all"
POLICIES = (SKIP, ONE, ALL)
Policy = str

_DAYS = {DAILY: 1, WEEKLY: 7, BIWEEKLY: 14}
_MONTHS = {MONTHLY: 1, BIMONTHLY: 2, QUARTERLY: 3, YEARLY: 12}
# No clock change puts the clock back by more, and none comes twice within this span.
_NEAR = timedelta(hours=3)
# None puts it forward by more: Samoa left out a whole day.
_LONGEST_GAP = timedelta(hours=25)
_SECOND = timedelta(seconds=1)


def policy(value: object) -> Policy:
    """Return a policy for missed runs; Django Q's True is ``"all"``, its False ``"one"``.

    Raises :exc:`~django_q.exceptions.InvalidValue` for anything else.
    """
    if isinstance(value, bool):
        return ALL if value else ONE
    if isinstance(value, str) and value in POLICIES:
        return value
    raise InvalidValue(f"it must be one of {', '.join(map(repr, POLICIES))}, or True for 'all', or False for 'one'.")


def zone_of(name: str) -> tzinfo:
    """Return the time zone with this name. Raises :exc:`~django_q.exceptions.InvalidValue` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise InvalidValue(f"{name!r} is no time zone. Write 'Europe/Berlin' or 'UTC', for example.") from error


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The rule of one schedule. ``anchor`` is the moment from which it counts, aware."""

    kind: str
    anchor: datetime
    zone: tzinfo
    minutes: int = 1
    cron: Cron | None = None

    def after(self, moment: datetime) -> datetime | None:
        """Return the first due moment after this one, aware and in UTC; None if there is none."""
        try:
            return self._after(moment.astimezone(timezone.utc))
        except OverflowError:  # beyond the year 9999
            return None

    def between(self, first: datetime, until: datetime) -> Iterator[datetime]:
        """Yield ``first`` and the due moments that follow it, up to and including ``until``."""
        moment: datetime | None = first
        while moment is not None and moment <= until:
            yield moment
            moment = self.after(moment)

    def _after(self, moment: datetime) -> datetime | None:
        if self.kind == ONCE:
            return None
        if self.kind == CRON:
            return _cron_after(self.cron, moment, self.zone) if self.cron is not None else None
        if self.kind in _DAYS or self.kind in _MONTHS:
            return self._on_the_wall(moment)
        step = timedelta(minutes=self.minutes if self.kind == MINUTES else 60)
        anchor = self.anchor.astimezone(timezone.utc)
        return anchor + ((moment - anchor) // step + 1) * step

    def _on_the_wall(self, moment: datetime) -> datetime:
        anchor = self.anchor.astimezone(self.zone).replace(tzinfo=None)
        now = moment.astimezone(self.zone).replace(tzinfo=None)
        number = self._periods(anchor, now) - 1  # a step back: a clock change may lie between
        while True:
            found = _instant(self._wall(anchor, number), self.zone)
            if found > moment:
                return found
            number += 1

    def _periods(self, anchor: datetime, now: datetime) -> int:
        if self.kind in _DAYS:
            return (now - anchor).days // _DAYS[self.kind]
        return ((now.year - anchor.year) * 12 + now.month - anchor.month) // _MONTHS[self.kind]

    def _wall(self, anchor: datetime, number: int) -> datetime:
        """Return what the wall shows so many periods after the anchor; the last day of a month that is too short."""
        if self.kind in _DAYS:
            return anchor + timedelta(days=_DAYS[self.kind] * number)
        year, month = divmod(anchor.year * 12 + anchor.month - 1 + _MONTHS[self.kind] * number, 12)
        if not 1 <= year <= 9999:
            raise OverflowError
        return anchor.replace(year=year, month=month + 1, day=min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def _cron_after(cron: Cron, moment: datetime, zone: tzinfo) -> datetime | None:
    return _real(cron, moment, zone) if cron.is_interval else _by_the_wall(cron, moment, zone)


def _by_the_wall(cron: Cron, moment: datetime, zone: tzinfo) -> datetime | None:
    """Return the next of the times of the day: at the end of the gap if it is skipped, once if it comes twice."""
    wall: datetime | None = moment.astimezone(zone).replace(tzinfo=None) - _NEAR
    while wall is not None:
        wall = cron.after(wall)
        if wall is None:
            return None
        found = _instant(wall, zone)
        if found.astimezone(zone).replace(tzinfo=None) != wall:  # skipped by a clock change
            found = _change(found - _LONGEST_GAP, found, zone)
        if found > moment:
            return found
    return None


def _real(cron: Cron, moment: datetime, zone: tzinfo) -> datetime | None:
    """Return the next moment at which the wall shows a time that matches, whichever of two it is.

    As long as the clock does not change, a moment is its time on the wall less the distance from UTC.
    """
    start, offset = moment, _offset(moment, zone)
    while True:
        wall = cron.after((start + offset).replace(tzinfo=None))
        if wall is None:
            return None
        found = wall.replace(tzinfo=timezone.utc) - offset
        near = min(found, start + _NEAR)  # a time that comes twice may be there before the one that was found
        end = near if _offset(near, zone) != offset else found
        if _offset(end, zone) == offset:
            return found
        change = _change(start if start == moment else start + _SECOND, end, zone)
        start, offset = change - _SECOND, _offset(change, zone)


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the first second at which the clock has changed; it does between these two moments."""
    old = _offset(before, zone)
    low, high = math.floor(before.timestamp()), math.ceil(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, timezone.utc), zone) == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, timezone.utc)


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return the moment at which the wall shows this first; for a skipped time, as much later as the gap is long."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
