"""How it stands: clusters, queues and the last day, gathered from the database in a bounded number of queries."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_q import conf
from django_q.engine.decision import UNKNOWN, unknown_since
from django_q.kernel import clock
from django_q.kernel.queues import named, serves
from django_q.kernel.states import Reason, TaskState
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.models.dialects import dialect_for
from django_q.tasks.clusters import ClusterView, WorkerView, clusters
from django_q.tasks.waiting import nobody_serves

__all__ = [
    "ClusterView", "LastDay", "Overview", "QueueView", "Standing", "SchedulesView", "UnknownView", "WorkerView", "age",
    "last_day", "overview", "unknown_functions",
]  # fmt: skip

_LAST = 24 * 3600.0  # seconds of history that are counted
_MOST_ENDED = 100_000  # rows of the history that are counted
_MOST_TIMED = 10_000  # whose run times are averaged
_MOST_UNKNOWN = 1_000
_MOST_MISSED = 5  # schedules that missed runs
# A task whose function is unknown is looked at again within this many seconds; those due later wait for their time.
_SOON = 60.0


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue: how many tasks and hooks are in which state, and who serves it."""

    name: str
    ready: int
    deferred: int
    waiting: int
    claimed: int
    oldest_ready: float | None  # seconds
    is_served: bool

    @property
    def complaint(self) -> str:
        """Say what is wrong if work waits here that no cluster will do; empty if a cluster serves it."""
        return "" if self.is_served else nobody_serves(self.name)


@dataclass(frozen=True, slots=True)
class LastDay:
    """How tasks ended in the last 24 hours."""

    succeeded: int
    failed: int
    canceled: int
    is_cut: bool  # there were more; counting has an end
    average: float | None = None  # seconds that the newest successes ran

    @property
    def rate(self) -> tuple[float, str]:
        """Return how many tasks ended, and within which unit of time: the shortest one in which one or more did."""
        ended = self.succeeded + self.failed + self.canceled
        units = (("second", _LAST), ("minute", _LAST / 60), ("hour", _LAST / 3600))
        return next(((ended / parts, unit) for unit, parts in units if ended >= parts), (float(ended), "day"))

    def in_words(self) -> str:
        """Return how many ended how."""
        more = " (and more, not counted)" if self.is_cut else ""
        return f"{self.succeeded} succeeded, {self.failed} failed, {self.canceled} canceled{more}"

    def pace(self) -> str:
        """Return at what rate tasks ended, and how long successes ran on average."""
        number, unit = self.rate
        least = "at least " if self.is_cut else ""
        average = "unknown" if self.average is None else f"{self.average:.4f} s"
        return f"{least}{number:.2f} tasks per {unit}, average execution time {average}"


@dataclass(frozen=True, slots=True)
class UnknownView:
    """A function that tasks wait for, because no worker that looked knew it."""

    func: str
    tasks: int
    since: datetime


@dataclass(frozen=True, slots=True)
class SchedulesView:
    """The schedules: how many there are, which is due next, and which missed runs lately."""

    count: int
    paused: int
    next_name: str
    next_run: datetime | None
    missed: tuple[tuple[str, int, datetime | None], ...] = ()  # name, runs that were missed, the last of them


@dataclass(frozen=True, slots=True)
class Standing:
    """Who lives, and what waits: all that a probe asks for."""

    living: tuple[ClusterView, ...]
    queues: tuple[QueueView, ...]


@dataclass(frozen=True, slots=True)
class Overview(Standing):
    """All of it, at one moment."""

    at: datetime
    database: str
    ended: tuple[ClusterView, ...]  # within the last hour
    last_day: LastDay
    schedules: SchedulesView
    unknown: tuple[UnknownView, ...] = field(default_factory=tuple)


def standing() -> Standing:
    """Look only at clusters and queues. Raises :exc:`django.db.Error` when the database cannot be reached."""
    alias = conf.current().orm
    living, _ = clusters(alias)
    return Standing(living, _queues(alias, {queue for cluster in living for queue in cluster.queues}))


def overview() -> Overview:
    """Look at the database of the cluster. Raises :exc:`django.db.Error` when it cannot be reached."""
    alias = conf.current().orm
    living, ended = clusters(alias)
    served = {queue for cluster in living for queue in cluster.queues}
    return Overview(
        at=clock.now(),
        database=alias,
        living=living,
        ended=ended,
        queues=_queues(alias, served),
        last_day=last_day(alias),
        schedules=_schedules(alias),
        unknown=unknown_functions(alias),
    )


def _queues(alias: str, served: set[str]) -> tuple[QueueView, ...]:
    """Return the queues that hold something or are served."""
    rows = OrmQ.objects.using(alias).order_by()
    depths: dict[str, Counter[int]] = {queue: Counter() for queue in named(served)}
    for queue, state, count in rows.values_list("queue", "state").annotate(count=Count("pk")):
        depths.setdefault(queue, Counter())[state] = count
    return tuple(
        QueueView(
            name=queue,
            ready=depth[TaskState.READY],
            deferred=depth[TaskState.DEFERRED],
            waiting=depth[TaskState.WAITING],
            claimed=depth[TaskState.CLAIMED],
            oldest_ready=_oldest_ready(alias, queue) if depth[TaskState.READY] else None,
            is_served=serves(served, queue),
        )
        for queue, depth in sorted(depths.items())
    )


def _oldest_ready(alias: str, queue: str) -> float | None:
    """Return for how many seconds the oldest ready row of a queue could have been claimed, by the database's clock."""
    ready = OrmQ.objects.using(alias).filter(queue=queue, state=TaskState.READY)
    dated = ready.annotate(since=Coalesce("run_after", "enqueued_at"), now=dialect_for(alias).now_expression())
    found = dated.order_by("since").values_list("since", "now").first()
    return None if found is None else max((found[1] - found[0]).total_seconds(), 0.0)


def last_day(alias: str) -> LastDay:
    """Count how tasks ended in the last 24 hours."""
    recent = Q(stopped__gt=dialect_for(alias).later_expression(-_LAST))
    good = Success.objects.using(alias).filter(recent).order_by().values("pk")[: _MOST_ENDED + 1]
    bad = Failure.objects.using(alias).filter(recent).order_by().values("pk", "reason")[: _MOST_ENDED + 1]
    succeeded = good.count()
    ended = bad.aggregate(all=Count("pk"), canceled=Count("pk", filter=Q(reason=Reason.CANCELED.value)))
    return LastDay(
        succeeded=min(succeeded, _MOST_ENDED),
        failed=min(ended["all"], _MOST_ENDED) - ended["canceled"],
        canceled=ended["canceled"],
        is_cut=max(succeeded, ended["all"]) > _MOST_ENDED,
        average=_average(alias, recent) if succeeded else None,
    )


def _average(alias: str, recent: Q) -> float | None:
    """Return for how many seconds the newest successes ran, on average."""
    newest = Success.objects.using(alias).filter(recent).order_by("-stopped")[:_MOST_TIMED]
    ran = ExpressionWrapper(F("stopped") - F("started"), output_field=DurationField())
    found = newest.values("stopped", "started").aggregate(average=Avg(ran))["average"]
    return None if found is None else max(0.0, found.total_seconds())


def _schedules(alias: str) -> SchedulesView:
    """Look at the schedules, with the last run that each of a few missed most lately."""
    rows = Schedule.objects.using(alias)
    counts = rows.order_by().aggregate(all=Count("pk"), paused=Count("pk", filter=Q(paused_at__isnull=False)))
    following = rows.active().order_by("next_run").first() if counts["all"] else None
    late = rows.filter(missed__gt=0).order_by("-fired_at")[:_MOST_MISSED] if counts["all"] else ()
    return SchedulesView(
        count=counts["all"],
        paused=counts["paused"],
        next_name="" if following is None else str(following),
        next_run=None if following is None else following.next_run,
        missed=tuple((str(row), row.missed, next(iter(row.missed_moments()[::-1]), None)) for row in late),
    )


def unknown_functions(alias: str) -> tuple[UnknownView, ...]:
    """Return the functions that no worker knew: their tasks are deferred for seconds at a time."""
    soon = dialect_for(alias).later_expression(_SOON)
    rows = OrmQ.objects.using(alias).filter(state=TaskState.DEFERRED, run_after__lte=soon).exclude(errors="")
    counts: Counter[str] = Counter()
    since: dict[str, datetime] = {}
    for func, errors in rows.order_by("run_after").values_list("func", "errors")[:_MOST_UNKNOWN]:
        first = unknown_since(errors)
        if first is not None and json.loads(errors)[-1]["reason"] == UNKNOWN:
            counts[func] += 1
            since[func] = min(first, since.get(func, first))
    return tuple(UnknownView(func, count, since[func]) for func, count in counts.most_common())


def age(moment: datetime) -> float:
    """Return how many seconds ago a stored moment was."""
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return max((clock.now() - aware).total_seconds(), 0.0)
