"""What user tasks do at the signals of the cluster and of the database."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from django_q.contrib.user_tasks import states
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.rows import MARK
from django_q.contrib.user_tasks.settling import Ending
from django_q.models import OrmQ
from django_q.models import Task as Record

logger = logging.getLogger("django_q.user_tasks")

_LOST_AFTER = timedelta(hours=1)
_SWEPT = 1000  # rows that one sweep looks at
_CANCELED = "canceled"


def on_attempts_recorded(attempts: Sequence[Any], using: str, **_: Any) -> None:
    """Write how user tasks ended, or that they will be tried again, with the outcomes."""
    ours = {attempt.id: attempt for attempt in attempts if attempt.options.get(MARK) == attempt.id}
    if ours:
        rows = UserTaskStatus.objects.using(using)
        found = rows.filter(task_id__in=ours).values_list("pk", "task_id")
        rows.settle({pk: _ending(ours[task_id]) for pk, task_id in found})


def _ending(attempt: Any) -> Ending:
    if not attempt.is_last:
        return Ending(states.RETRYING)
    if attempt.success:
        return Ending(states.SUCCEEDED, attempts=attempt.attempt)
    state = states.CANCELED if attempt.reason == _CANCELED else states.FAILED
    return Ending(state, reason=attempt.reason, attempts=attempt.attempt)


def _of_record(record: Record) -> Ending:
    if record.success:
        return Ending(states.SUCCEEDED)
    return Ending(states.CANCELED if record.reason == _CANCELED else states.FAILED, reason=record.reason)


def on_artifact_deleted(instance: UserTaskArtifact, using: str, **_: Any) -> None:
    """Delete the file with its row, when that is committed."""
    if instance.file:
        delete = partial(instance.file.storage.delete, str(instance.file.name))
        transaction.on_commit(lambda: delete(), using=using, robust=True)


class Sweep:
    """Ends what nobody else will, a part of the table at a time: rows whose task has left the queue without a word, and
    containers whose last child ended while nobody saw that it was the last."""

    def __init__(self) -> None:
        self._after = 0

    def __call__(self, using: str, **_: Any) -> None:
        rows = UserTaskStatus.objects.using(using)
        self._end_lost(rows, using)
        children = UserTaskStatus._base_manager.using(using).filter(parent=OuterRef("pk"))
        ended = rows.unfinished().filter(Exists(children), ~Exists(children.exclude(state__in=states.FINAL)))
        rows.settle({}, again=list(ended.filter(is_container=True).values_list("pk", flat=True)[:_SWEPT]))

    def _end_lost(self, rows: Any, using: str) -> None:
        old = rows.unfinished().filter(is_container=False, modified__lt=timezone.now() - _LOST_AFTER)
        found = {row.task_id: row for row in old.filter(pk__gt=self._after).order_by("pk")[:_SWEPT]}
        self._after = max(row.pk for row in found.values()) if len(found) == _SWEPT else 0
        # The queue first: a task moves from there to the history, never back.
        for task_id in OrmQ.objects.using(using).filter(pk__in=found).values_list("pk", flat=True):
            del found[task_id]
        endings = {row.pk: Ending(states.FAILED, reason="lost") for row in found.values()}
        for record in Record.objects.using(using).filter(pk__in=found).only("pk", "success", "reason", "stopped"):
            row = found[record.pk]
            del endings[row.pk]
            if row.modified < record.stopped:  # else it was reset since
                endings[row.pk] = _of_record(record)
        if endings:
            logger.warning("%s user tasks have left the queue without a word; they are ended now.", len(endings))
        rows.settle(endings)


sweep = Sweep()
