"""Which run of a stream is the one to be watched, and whose a run is."""

from django_q import conf
from django_q.contrib.publish import outcomes, rows
from django_q.contrib.publish.models import PublishedTask
from django_q.models import Event

_RUNS = 100  # of a stream, the newest, among which those of a task are looked for


def starts_of(stream: str, newest: int, using: str) -> dict[int, str | None]:
    """Return the task of each of the newest runs of a stream; None for one that belongs to no task."""
    runs = range(max(newest - _RUNS, 0) + 1, newest + 1)
    found = Event.objects.using(using).filter(stream=stream, run__in=runs, seq=0).values_list("run", "payload")
    return {run: outcomes.task_of(payload) for run, payload in found}


def newest(stream: str) -> int:
    """Return the number of the newest run of a stream; 0: there is none."""
    return Event.objects.using(conf.current().orm).newest_runs([stream]).get(stream, 0)


def to_watch(stream: str) -> int:
    """Return the newest run of the task that was enqueued last for a stream; 0: that has not begun.

    A task that ran without being noted may be watched by whom the stream belongs to; another user's may not.
    """
    alias = conf.current().orm
    last = newest(stream)
    row = rows.newest(stream)
    if not last or row is None:
        return last
    tasks = starts_of(stream, last, alias)
    own = [run for run, task in tasks.items() if task == row.task_id]
    if own or rows.is_queued(row.task_id):
        return max(own, default=0)
    noted = PublishedTask.objects.using(alias).filter(stream=stream, task_id=tasks.get(last) or "").first()
    return last if noted is None or noted.owner == row.owner else 0


def owners(stream: str, run: int = 0) -> list[str | None]:
    """Return whom a run belongs to, or without one the task that was enqueued last; [None]: nobody."""
    if not run:
        row = rows.newest(stream)
        return [None if row is None else row.owner]
    alias = conf.current().orm
    noted = PublishedTask.objects.using(alias).filter(stream=stream)
    start = Event.objects.using(alias).filter(stream=stream, run=run, seq=0).first()
    if start is not None:
        noted = noted.filter(task_id=outcomes.task_of(start.payload) or "")
    return list(noted.values_list("owner", flat=True).distinct()) or [None]
