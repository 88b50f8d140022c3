"""Reads what a tab shows: a bounded number of bounded queries, and no arguments or results of tasks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from django_q import conf
from django_q.kernel import clock
from django_q.kernel.states import Reason, TaskKind, TaskState
from django_q.management.monitor.seen import FailureView, QueuedView, RunningView, ScheduleView, Seen, Tab
from django_q.models import OrmQ, Schedule, Task
from django_q.models.schedule import aware
from django_q.tasks import activity, backlog, progress_of_many
from django_q.tasks.clusters import ClusterView, clusters
from django_q.tasks.overview import last_day

#: Rows of a list.
MOST = 100
_QUEUES = 3  # whose next rows are listed
_EACH = 50  # rows of one queue, or of one state
_SLOW = 10.0  # seconds for which the last hour is not read again
_LISTED = (
    "id", "kind", "name", "func", "queue", "state", "priority", "enqueued_at", "run_after", "attempts",
)  # fmt: skip


class Gatherer:
    """Looks at the database for one screen, again and again."""

    def __init__(self) -> None:
        self._slow: dict[str, Any] = {}
        self._slow_at = 0.0

    def look(self, tab: Tab) -> Seen:
        """Return what the tab shows now. Raises :exc:`django.db.Error` when the database cannot be read."""
        alias = conf.current().orm
        living, ended = clusters(alias)
        details = getattr(self, f"_{tab.value}", _nothing)(alias, living)
        return Seen(
            tab=tab,
            at=clock.now(),
            database=alias,
            totals=backlog.totals(),
            living=living,
            ended=ended,
            **details,
        )

    def _running(self, alias: str, living: Sequence[ClusterView]) -> dict[str, Any]:
        places = {task: (view, worker.pid) for view in living for worker in view.workers for task in worker.tasks}
        marked = activity.running(limit=MOST)[:MOST]
        known = [_running_view(each, places, living) for each in marked]
        ids = {each.id for each in known}
        new = [each for each in _just_begun(living) if each.id not in ids]
        listed = [*known, *new][:MOST]
        advances = progress_of_many(each.id for each in listed)
        return {"running": tuple(replace(each, progress=advances.get(each.id)) for each in listed)}

    def _queue(self, alias: str, living: Sequence[ClusterView]) -> dict[str, Any]:
        served = {queue for view in living for queue in view.queues}
        depths = backlog.depths(backlog.queue_names(served))
        rows = OrmQ.objects.using(alias).only(*_LISTED)
        # What a cluster holds comes next; which of it has just begun is known to its workers only.
        claimed = rows.filter(state=TaskState.CLAIMED, claimed_by__isnull=False)
        found = list(claimed.filter(running_since=None)[:_EACH])
        for depth in sorted(depths, key=lambda depth: -depth.ready)[:_QUEUES]:
            if depth.ready:
                ready = rows.filter(queue=depth.queue, state=TaskState.READY)
                found += ready.order_by("-priority", "pk")[:_EACH]
        # The index of what is due has the states and their moments; within one state it needs no sorting.
        found += rows.deferred().order_by("run_after")[:_EACH]
        found += rows.filter(queue__in=[depth.queue for depth in depths], state=TaskState.WAITING)[:_EACH]
        return {"depths": tuple(depths), "queued": tuple(map(_queued_view, found))}

    def _schedules(self, alias: str, living: Sequence[ClusterView]) -> dict[str, Any]:
        rows = Schedule.objects.using(alias).defer("args", "kwargs", "options", "missed_runs")
        active = list(rows.active().order_by("next_run", "pk")[:MOST])
        others = rows.exclude(pk__in=rows.active().values("pk")).order_by("pk")
        listed = [*active, *others[: max(0, MOST - len(active))]]
        ids = [row.task for row in listed if row.task]
        ended = Task.objects.using(alias).order_by().only("success", "reason").in_bulk(ids) if ids else {}
        return {"schedules": tuple(_schedule_view(row, ended.get(row.task or "")) for row in listed)}

    def _failures(self, alias: str, living: Sequence[ClusterView]) -> dict[str, Any]:
        return {"failures": tuple(map(_failure_view, activity.recent_failures(limit=MOST)))}

    def _throughput(self, alias: str, living: Sequence[ClusterView]) -> dict[str, Any]:
        if not self._slow or clock.monotonic() - self._slow_at >= _SLOW:
            self._slow = {"last_hour": activity.last_hour(), "last_day": last_day(alias)}
            self._slow_at = clock.monotonic()
        return self._slow


def _nothing(alias: str, living: Sequence[ClusterView]) -> dict[str, Any]:
    return {}


Places = dict[str, tuple[ClusterView, int]]


def _running_view(found: activity.RunningTask, places: Places, living: Iterable[ClusterView]) -> RunningView:
    row = found.row
    owner, worker = places.get(row.pk, (None, None))
    cluster = owner or next((view for view in living if view.id == row.claimed_by), None)
    return RunningView(
        id=row.pk,
        name=row.name,
        func=row.func,
        queue=row.queue,
        seconds=found.seconds,
        timeout=found.timeout,
        cluster="" if cluster is None else f"{cluster.name} on {cluster.host}",
        worker=worker,
        is_stopping=row.stop_requested_at is not None,
    )


def _just_begun(living: Iterable[ClusterView]) -> Iterable[RunningView]:
    """Yield what workers said that they ran at their last sign of life."""
    for view in living:
        for worker in view.workers:
            for id, func in zip(worker.tasks, worker.running, strict=False):
                where = f"{view.name} on {view.host}"
                yield RunningView(id, "", func, "", None, None, where, worker.pid, False)


def _queued_view(row: OrmQ) -> QueuedView:
    return QueuedView(
        id=row.pk,
        name=row.name,
        func=row.func,
        queue=row.queue,
        state=TaskState(row.state).name.lower(),
        is_hook=row.kind == TaskKind.HOOK,
        priority=row.priority,
        enqueued_at=aware(row.enqueued_at),
        run_after=None if row.run_after is None else aware(row.run_after),
        attempts=row.attempts,
    )


def _schedule_view(row: Schedule, ended: Task | None) -> ScheduleView:
    is_over = row.repeats == 0 or row.next_run is None
    last = "" if ended is None else "succeeded" if ended.success else ended.reason or Reason.ERROR.value
    return ScheduleView(
        id=row.pk,
        name=row.name or f"#{row.pk}",
        func=row.func,
        rule=_rule(row),
        condition="paused" if row.paused_at else "over" if is_over else "active",
        next_run=None if row.next_run is None or is_over else aware(row.next_run),
        last=last or ("not ended" if row.task else ""),
        missed=row.missed,
        error=row.error,
        queue=row.cluster or "",
    )


_RULES: dict[str, Callable[[Schedule], str]] = {
    Schedule.CRON: lambda row: row.cron or "",
    Schedule.MINUTES: lambda row: f"every {row.minutes} min",
}


def _rule(row: Schedule) -> str:
    written = _RULES.get(row.schedule_type)
    return written(row) if written else str(row.get_schedule_type_display()).lower()


def _failure_view(row: Task) -> FailureView:
    return FailureView(
        id=row.pk,
        name=row.name,
        func=row.func,
        queue=row.queue,
        stopped=aware(row.stopped),
        reason=row.reason or Reason.ERROR.value,
        error=row.error,
        attempts=row.attempt_count,
        seconds=max(0.0, row.time_taken()),
    )
