"""What follows for streams from what becomes of their tasks."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from django_q.contrib.publish import outcomes
from django_q.contrib.publish.models import PublishedTask
from django_q.contrib.publish.rows import MARK
from django_q.contrib.publish.runs import starts_of
from django_q.events import waking
from django_q.models import Event, OrmQ
from django_q.models.event import END

_SWEPT = 1000  # rows that one sweep looks at
_YOUNG = timedelta(hours=1)


def on_attempts_recorded(attempts: Sequence[Any], using: str, **_: Any) -> None:
    """End the runs of attempts that did not do so themselves, in the transaction that records them."""
    rows = PublishedTask.objects.using(using).filter(task_id__in=[attempt.id for attempt in attempts])
    streams: dict[str, set[str]] = {attempt.id: {attempt.options[MARK]} for attempt in attempts}
    for task_id, stream in rows.values_list("task_id", "stream"):
        streams[task_id].add(stream)
    newest = Event.objects.using(using).newest_runs(set().union(*streams.values()))
    for attempt in attempts:
        payload = json.dumps({"outcome": outcomes.of_attempt(attempt)})
        for stream in sorted(streams[attempt.id]):
            _end(attempt, stream, newest.get(stream, 0), payload, using)


def _end(attempt: Any, stream: str, newest: int, payload: str, using: str) -> None:
    events = Event.objects.using(using)
    found = starts_of(stream, newest, using)
    runs = [run for run, task in found.items() if task == attempt.id]
    if not runs and attempt.is_last:
        # It never began: whoever waits for it is told that it will not.
        runs = [events.begin(stream, json.dumps(outcomes.about(attempt.id)))]
    for run in _open(stream, runs, using):
        events.end(stream, run, payload)
        waking.wake(using)


def _open(stream: str, runs: Iterable[int], using: str) -> list[int]:
    runs = list(runs)
    ended = Event.objects.using(using).filter(stream=stream, run__in=runs, kind=END)
    return sorted(set(runs) - set(ended.values_list("run", flat=True)))


class Sweep:
    """Deletes rows of tasks that have left the queue and of whose streams no event is kept, a part of the table at a
    time. A young one may be of a task that runs in the process that enqueued it."""

    def __init__(self) -> None:
        self._after = 0

    def __call__(self, using: str, **_: Any) -> None:
        rows = PublishedTask.objects.using(using)
        part = list(rows.filter(pk__gt=self._after).order_by("pk").values_list("pk", flat=True)[:_SWEPT])
        self._after = part[-1] if len(part) == _SWEPT else 0
        old = rows.filter(pk__in=part, created__lt=timezone.now() - _YOUNG)
        waits = OrmQ.objects.using(using).filter(pk=OuterRef("task_id"))
        events = Event.objects.using(using).filter(stream=OuterRef("stream"))
        gone = old.filter(~Exists(waits), ~Exists(events)).values_list("pk", flat=True)
        rows.filter(pk__in=list(gone)).delete()


sweep = Sweep()
