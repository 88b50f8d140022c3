"""What happened lately and what happens now: ends, waits and run times, from a sample that has an end."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from django_q import conf
from django_q.kernel import clock
from django_q.kernel.states import Reason, TaskState
from django_q.models import Failure, OrmQ, Success, Task
from django_q.models.dialects import dialect_for

#: Rows of the history that are counted, and rows of the last hour that are looked at.
MOST = 5_000
_HOUR = 3600
_WIDTHS = (60, 10, 1)  # seconds of a bar, where the sample covers less than the hour
_FEWEST = 6  # bars, before narrower ones are drawn
_HEAVY = ("args", "kwargs", "options", "errors")
_HEAVY_ENDED = (*_HEAVY, "result", "traceback", "hook_error")
_SAMPLED = ("stopped", "started", "enqueued_at", "attempt_count", "crashes", "chain", "reason", "success")
# Ends of tasks that ran until then.
_RAN = (None, Reason.ERROR.value, Reason.TIMEOUT.value)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """How many tasks ended within a span, and whether there were more than were counted."""

    succeeded: int
    failed: int
    more_succeeded: bool
    more_failed: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: half of the tasks took no longer than the one, 95 of 100 no longer than the other."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Spread | None":
        """Return the spread of some spans, None if there are none."""
        ranked = sorted(seconds)
        count = len(ranked)
        return cls(ranked[-(-count // 2) - 1], ranked[-(-count * 95 // 100) - 1]) if count else None


@dataclass(frozen=True, slots=True)
class Bar:
    """What ended within a minute, or less."""

    begins: datetime
    succeeded: int
    failed: int
    wait: Spread | None
    run: Spread | None


@dataclass(frozen=True, slots=True)
class LastHour:
    """The newest tasks of the last hour."""

    bars: tuple[Bar, ...]
    width: int  # seconds of a bar
    wait: Spread | None
    run: Spread | None
    since: datetime
    is_cut: bool  # there were more in the hour: the bars begin where the sample does


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that has been running for a while."""

    row: OrmQ
    seconds: float
    timeout: float | None


def ends(seconds: float, *, successes: bool = True, failures: bool = True) -> Ends:
    """Count the tasks that ended within the last seconds; canceled ones are neither."""
    alias = conf.current().orm
    recent = Q(stopped__gt=dialect_for(alias).later_expression(-seconds))
    succeeded, bad = 0, {"all": 0, "failed": 0}
    # Both in the order of the index that serves the condition, so that the database takes no other.
    if successes:
        rows = Success.objects.using(alias).filter(recent).order_by("-stopped")
        succeeded = rows.values("stopped")[: MOST + 1].count()
    if failures:
        rows = Failure.objects.using(alias).filter(recent).order_by("-stopped")
        wanted = Count("stopped", filter=~Q(reason=Reason.CANCELED.value))
        bad = rows.values("stopped", "reason")[: MOST + 1].aggregate(all=Count("stopped"), failed=wanted)
    more_succeeded, more_failed = succeeded > MOST, bad["all"] > MOST
    return Ends(succeeded - more_succeeded, min(bad["failed"], MOST), more_succeeded, more_failed)


def last_hour(*, successes: bool = True, failures: bool = True) -> LastHour:
    """Look at the newest tasks that ended within the last hour, ten thousand at most."""
    alias = conf.current().orm
    now = _stored(clock.now())
    begin = now.replace(second=0, microsecond=0) - timedelta(seconds=_HOUR - 60)
    rows: list[Row] = []
    for model, wanted in ((Success, successes), (Failure, failures)):
        if wanted:
            # What is older than a full sample of the others would fall out of it.
            edge = rows[-1][0] if len(rows) > MOST else begin
            recent = model.objects.using(alias).filter(stopped__gte=edge).order_by("-stopped")
            rows += recent.values_list(*_SAMPLED)[: MOST + 1]
    rows.sort(reverse=True, key=lambda row: row[0])
    is_cut = len(rows) > MOST
    sample = [row for row in rows[:MOST] if row[6] != Reason.CANCELED.value]
    since = rows[MOST - 1][0] if is_cut else begin
    width = _width((now - since).total_seconds()) if is_cut else 60
    return LastHour(
        bars=_bars(sample, since, now, width),
        width=width,
        wait=Spread.of(_waits(sample)),
        run=Spread.of(_runs(sample)),
        since=since,
        is_cut=is_cut,
    )


def running(*, limit: int = 50) -> list[RunningTask]:
    """Return what has been running for more than about a second, the longest first; one more than the limit, if so."""
    defaults = conf.current()
    marked = OrmQ.objects.using(defaults.orm).filter(state=TaskState.CLAIMED).exclude(running_since=None)
    now = dialect_for(defaults.orm).now_expression()
    rows = marked.annotate(now=now).order_by("running_since").defer("args", "kwargs", "errors")[: limit + 1]
    return [
        RunningTask(
            row=row,
            seconds=max((vars(row)["now"] - row.running_since).total_seconds(), 0.0),
            timeout=json.loads(row.options).get("timeout", defaults.timeout) if row.options else defaults.timeout,
        )
        for row in rows
        if row.running_since is not None
    ]


def recent_failures(*, limit: int = 10) -> list[Task]:
    """Return the tasks that did not succeed, the newest first."""
    rows = Failure.objects.using(conf.current().orm).order_by("-stopped")
    return list(rows.defer(*_HEAVY_ENDED)[:limit])


def _stored(moment: datetime) -> datetime:
    """Return a moment in the form in which Django hands out the stored ones."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def _width(span: float) -> int:
    return next((width for width in _WIDTHS if span >= _FEWEST * width), _WIDTHS[-1])


def _bars(sample: Sequence[Row], since: datetime, now: datetime, width: int) -> tuple[Bar, ...]:
    """Return the bars up to now: the first begins with a whole minute, or span, of which the sample holds all."""
    step = timedelta(seconds=width)
    hour = now.replace(minute=0, second=0, microsecond=0)
    last = hour + step * ((now - hour) // step)
    whole = max(0, (last - since) // step)
    first = last - step * whole
    parts: list[list[Row]] = [[] for _ in range(whole + 1)]
    for row in sample:
        place = (row[0] - first) // step
        if place >= 0:
            parts[min(place, whole)].append(row)
    return tuple(_bar(first + step * number, part) for number, part in enumerate(parts))


def _bar(begins: datetime, rows: Sequence[Row]) -> Bar:
    succeeded = sum(row[7] for row in rows)
    return Bar(begins, succeeded, len(rows) - succeeded, Spread.of(_waits(rows)), Spread.of(_runs(rows)))


def _waits(rows: Iterable[Row]) -> list[float]:
    """Return how long tasks waited for their start: those that had one attempt and no step before them."""
    return [
        max((started - enqueued).total_seconds(), 0.0)
        for _, started, enqueued, attempts, crashes, chain, reason, _ in rows
        if attempts <= 1 and not crashes and chain is None and reason in _RAN
    ]


def _runs(rows: Iterable[Row]) -> list[float]:
    return [max((row[0] - row[1]).total_seconds(), 0.0) for row in rows if row[6] in _RAN]
