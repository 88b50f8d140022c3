"""The attempts of a task, one after another: when, after how long a wait, for how long, and how each ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from django_q.engine.decision import UNKNOWN
from django_q.kernel import clock
from django_q.kernel.states import Reason
from django_q.models import OrmQ, Task

SUCCEEDED = "succeeded"
RUNNING = "running"

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line of the table."""

    number: int | None  # None: the function was not found, so that nothing was attempted
    at: datetime | None
    waited: float | None
    ran: float | None
    ending: str
    error: str
    worker: str


def of_ended(task: Task, entries: Sequence[Entry]) -> list[Attempt]:
    """Return the attempts of a task of the history, the last one included."""
    earlier = sum(entry.get("reason") != UNKNOWN for entry in entries)
    # What was taken back while it waited, or whose function was not found, has not been attempted a last time.
    ran_last = bool(task.worker) and task.attempt_count > earlier
    found = _of_entries(entries, _epoch(task.enqueued_at), last=task.attempt_count - ran_last)
    if not ran_last:
        return found
    started, stopped = _epoch(task.started), _epoch(task.stopped)
    last = Attempt(
        number=task.attempt_count,
        at=task.started,
        waited=max(started - _ready_again(entries, _epoch(task.enqueued_at)), 0.0),
        ran=stopped - started,
        ending=SUCCEEDED if task.success else task.reason or Reason.ERROR.value,
        error=task.error,
        worker=task.worker,
    )
    return [*found, last]


def of_queued(row: OrmQ, entries: Sequence[Entry]) -> list[Attempt]:
    """Return the attempts of a task that has not ended, with the one that runs."""
    last = row.attempts + row.crashes
    found = _of_entries(entries, _epoch(row.enqueued_at), last=last)
    if row.running_since is not None:
        found.append(Attempt(last + 1, row.running_since, None, None, RUNNING, "", ""))
    return found


def _of_entries(entries: Sequence[Entry], ready: float, *, last: int) -> list[Attempt]:
    """Return what is remembered; ``last`` is the number of the last attempt among it."""
    number = last - sum(entry.get("reason") != UNKNOWN for entry in entries)
    # Of many attempts only the last ones are remembered.
    since: float | None = ready if number <= 0 else None
    found = []
    for entry in entries:
        is_attempt = entry.get("reason") != UNKNOWN
        number += is_attempt
        found.append(_attempt(entry, since, max(number, 1) if is_attempt else None))
        since = _ready_again([entry], ready)
    return found


def _attempt(entry: Entry, since: float | None, number: int | None) -> Attempt:
    started, stopped = _seconds(entry, "started"), _seconds(entry, "stopped")
    known = started is not None and number is not None
    return Attempt(
        number=number,
        at=_noted(entry) if started is None else clock.from_epoch(started),
        waited=max(started - since, 0.0) if known and started and since else None,
        ran=max(stopped - started, 0.0) if known and started and stopped else None,
        ending=str(entry.get("reason", "")),
        error=str(entry.get("error", "")),
        worker=str(entry.get("worker", "")),
    )


def _ready_again(entries: Sequence[Entry], enqueued: float) -> float:
    """Return since when it could run after the last of these: since the end of its pause, if that was noted."""
    if not entries:
        return enqueued
    noted = _noted(entries[-1])
    ended = _seconds(entries[-1], "stopped") or (None if noted is None else noted.timestamp())
    return _seconds(entries[-1], "due") or ended or enqueued


def _noted(entry: Entry) -> datetime | None:
    try:
        return datetime.fromisoformat(entry["at"])
    except (KeyError, TypeError, ValueError):
        return None


def _seconds(entry: Entry, name: str) -> float | None:
    value = entry.get(name)
    return float(value) if isinstance(value, int | float) and value else None


def _epoch(moment: datetime) -> float:
    return (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).timestamp()
