"""What background tasks do at the signals of the cluster: repeat, tell, and sweep up."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from django_q.contrib.background import signals
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.repetition import repeat
from django_q.models import OrmQ
from django_q.models import Task as Record

_SWEPT = 1000  # rows that one sweep looks at
_YOUNG = timedelta(hours=1)

_TOLD = (signals.task_successful, signals.task_failed, signals.task_rescheduled, signals.task_finished)


def on_attempts_recorded(attempts: Sequence[Any], using: str, **_: Any) -> None:
    """Write repetitions with the outcomes, and tell of both when they are committed."""
    repeat(attempts, using)
    if any(signal.receivers for signal in _TOLD):
        transaction.on_commit(partial(_tell, attempts, using), using=using, robust=True)


def _tell(attempts: Sequence[Any], using: str) -> None:
    completed = CompletedTask.objects.using(using).in_bulk([one.id for one in attempts if one.is_last])
    waiting = Task.objects.using(using).in_bulk([one.id for one in attempts if not one.is_last])
    for attempt in attempts:
        if attempt.is_last and attempt.id in completed:
            signal = signals.task_successful if attempt.success else signals.task_failed
            signals.send(signal, Task, task_id=attempt.id, completed_task=completed[attempt.id])
        elif attempt.id in waiting:
            signals.send(signals.task_rescheduled, Task, task=waiting[attempt.id])
        signals.send(signals.task_finished, Task)


class Sweep:
    """Deletes rows of ours to which there is neither a queue row nor one of the history, a part of the table at a time.

    Such rows are left when a task is deleted from the queue or from the history; nobody sees them any more. A young one
    may be of a task that runs in the process that enqueued it, whose other rows are written at its end.
    """

    def __init__(self) -> None:
        self._after = ""

    def __call__(self, using: str, **_: Any) -> None:
        rows = Task._base_manager.using(using)
        ids = list(rows.filter(pk__gt=self._after).order_by("pk").values_list("pk", flat=True)[:_SWEPT])
        self._after = ids[-1] if len(ids) == _SWEPT else ""
        # The queue first: a task moves from there to the history, never back.
        for place in (OrmQ, Record):
            there = set(place._base_manager.using(using).filter(pk__in=ids).values_list("pk", flat=True))
            ids = [id for id in ids if id not in there]
        if ids:
            rows.filter(pk__in=ids, created__lt=timezone.now() - _YOUNG).delete()


sweep = Sweep()
