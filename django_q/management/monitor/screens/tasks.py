"""The tabs of the tasks: those that run, those that wait, and those that failed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django_q.kernel.queues import serves
from django_q.kernel.states import Reason
from django_q.management.monitor import numbers
from django_q.management.monitor.seen import FailureView, QueuedView, RunningView, Seen
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Column, Row, Table, plain_lines
from django_q.management.monitor.text import Style, line
from django_q.tasks import backlog
from django_q.tasks.waiting import nobody_serves

RUNNING = (
    Column("Task", can_shrink=True),
    Column("Function", can_shrink=True),
    Column("For", right=True),
    Column("Limit", right=True, spare=2),
    Column("Used", spare=5),
    Column("Worker", right=True, spare=1),
    Column("Cluster", can_shrink=True, spare=3),
    Column("Queue", can_shrink=True, spare=4),
    Column("", spare=0),
)
PROGRESS = Column("Progress", can_shrink=True, least=14)
_PLACE = 3  # where it stands, if a task says how far it is
QUEUED = (
    Column("Task", can_shrink=True),
    Column("Function", can_shrink=True),
    Column("Queue", can_shrink=True, spare=2),
    Column("State"),
    Column("When", right=True),
    Column("Priority", right=True, spare=3),
    Column("Attempts", right=True, spare=4),
)
DEPTHS = (
    Column("Queue", can_shrink=True),
    Column("Ready", right=True),
    Column("Deferred", right=True),
    Column("Waiting", right=True),
    Column("Claimed", right=True),
    Column("", can_shrink=True),
)
FAILED = (
    Column("When", right=True),
    Column("Task", can_shrink=True, least=12),
    Column("Function", can_shrink=True, least=12, spare=1),
    Column("How", spare=2),
    Column("Error", can_shrink=True, least=24),
    Column("Attempts", right=True, spare=4),
    Column("Ran", right=True, spare=3),
    Column("Queue", can_shrink=True, spare=5),
)
_QUIET = (Reason.CANCELED.value, Reason.STOPPED.value)
_QUEUES_SHOWN = 8


def running(seen: Seen, state: State) -> Table:
    """Return a row for each task that runs, the longest first."""
    nobody = "no cluster runs; start manage.py qcluster"
    idle = "nothing runs; enqueue something, or press 3 to see what waits"
    empty = idle if seen.living else nobody
    if all(view.progress is None for view in seen.running):
        return Table(RUNNING, tuple(map(_running, seen.running)), empty)
    columns = (*RUNNING[:_PLACE], PROGRESS, *RUNNING[_PLACE:])
    return Table(columns, tuple(map(_advancing, seen.running)), empty)


def queue(seen: Seen, state: State) -> Table:
    """Return the rows that come next, below the queues."""
    served = {queue for view in seen.living for queue in view.queues}
    above = tuple(line(text, style) for text, style in _depths(seen, served))
    rows = tuple(_queued(view, seen.at) for view in seen.queued)
    return Table(QUEUED, rows, "nothing waits; async_task() enqueues a call", above=above)


def failures(seen: Seen, state: State) -> Table:
    """Return a row for each task that did not succeed, the newest first."""
    rows = tuple(_failed(view, seen.at) for view in seen.failures)
    return Table(FAILED, rows, "nothing has failed; what fails from now on stands here, with its traceback")


def _running(view: RunningView) -> Row:
    is_late = view.timeout is not None and (view.seconds or 0) > view.timeout
    cells = (
        view.name or view.id[-8:],
        view.func,
        "just begun" if view.seconds is None else numbers.span(view.seconds),
        numbers.NOTHING if view.timeout is None else numbers.span(view.timeout),
        numbers.used(view.seconds, view.timeout),
        numbers.NOTHING if view.worker is None else str(view.worker),
        view.cluster or numbers.NOTHING,
        view.queue or numbers.NOTHING,
        "asked to stop" if view.is_stopping else "",
    )
    style = Style.WARN if view.is_stopping or is_late else Style.PLAIN
    return Row(view.id, cells, style, label=f"{view.name or view.id} ({view.func})")


def _advancing(view: RunningView) -> Row:
    row = _running(view)
    return replace(row, cells=(*row.cells[:_PLACE], numbers.progress(view.progress), *row.cells[_PLACE:]))


def _depths(seen: Seen, served: set[str]) -> Iterator[tuple[str, Style]]:
    """Yield the queues as lines: the fullest, if there are many."""
    fullest = sorted(seen.depths, key=lambda depth: (serves(served, depth.queue), -depth.ready, depth.queue))
    rows, styles = [], []
    for depth in fullest[:_QUEUES_SHOWN]:
        counts = (depth.ready, depth.deferred, depth.waiting, depth.claimed)
        is_alone = not serves(served, depth.queue) and any(counts)
        cells = (depth.queue, *(numbers.at_most(count, backlog.MOST) for count in counts))
        rows.append(Row(depth.queue, (*cells, nobody_serves(depth.queue, served) if is_alone else "")))
        styles.append(Style.BAD if is_alone else Style.PLAIN)
    yield from zip(plain_lines(Table(DEPTHS, tuple(rows), "")), [Style.HEAD, *styles], strict=False)
    left = len(fullest) - _QUEUES_SHOWN
    if left > 0:
        yield f"and {left} more queues", Style.QUIET
    yield "", Style.PLAIN


def _queued(view: QueuedView, at: datetime) -> Row:
    when = view.enqueued_at if view.state != "deferred" or view.run_after is None else view.run_after
    cells = (
        view.name,
        f"hook {view.func}" if view.is_hook else view.func,
        view.queue,
        view.state,
        numbers.ago((at - when).total_seconds()),
        str(view.priority),
        str(view.attempts),
    )
    style = Style.PLAIN if view.state == "ready" else Style.QUIET
    return Row(view.id, cells, style, label=f"{view.name} ({view.func})")


def _failed(view: FailureView, at: datetime) -> Row:
    cells = (
        numbers.ago((at - view.stopped).total_seconds()),
        view.name,
        view.func,
        view.reason,
        view.error.partition("\n")[0][:300],
        str(view.attempts),
        numbers.span(view.seconds),
        view.queue,
    )
    style = Style.QUIET if view.reason in _QUIET else Style.BAD
    return Row(view.id, cells, style, label=f"{view.name} ({view.func})")
