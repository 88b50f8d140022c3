"""Write and read the rows of tasks that publish: with the rows of the queue, or by a worker that finds none."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from django_q import conf
from django_q.contrib.publish.models import PublishedTask
from django_q.models import OrmQ
from django_q.tasks.enqueue import Draft

#: The mark, among the options of a queue row, of a task that publishes. Its value is the name of the stream.
MARK = "publish"

_USER = "user"  # whoever enqueued it, among the same options


def accompany(draft: Draft, stream: str) -> None:
    """Have the row of a call written with it."""
    options = json.loads(draft.column("options") or "{}")
    draft.mark(**{MARK: stream})
    draft.accompany(_write, PublishedTask(stream=stream, task_id=draft.id, owner=options.get(_USER)))


def _write(rows: Sequence[tuple[Draft, PublishedTask]], alias: str) -> None:
    PublishedTask.objects.using(alias).bulk_create([row for _, row in rows], batch_size=500)


def adopt(task_id: str, stream: str) -> None:
    """See that a task which begins to publish has a row: one that was enqueued by a path, or as a copy, has none."""
    alias = conf.current().orm
    if PublishedTask.objects.using(alias).filter(task_id=task_id, stream=stream).exists():
        return
    queue = OrmQ.objects.using(alias).filter(pk=task_id)
    stored = queue.values_list("options", flat=True).first()
    options: dict[str, Any] = json.loads(stored) if stored else {}
    row = PublishedTask(stream=stream, task_id=task_id, owner=options.get(_USER))
    with transaction.atomic(using=alias):
        # First what is written: on SQLite a transaction that begins as a reader does not wait for writers, it fails.
        # Another attempt may be writing the same.
        PublishedTask.objects.using(alias).bulk_create([row], ignore_conflicts=True)
        if MARK not in options:
            queue.update(options=json.dumps({**options, MARK: stream}, separators=(",", ":")))


def newest(stream: str) -> PublishedTask | None:
    """Return the row of the task that was enqueued last for a stream."""
    rows = PublishedTask.objects.using(conf.current().orm)
    return rows.filter(stream=stream).order_by("-pk").first()


def is_queued(task_id: str) -> bool:
    """Does a task wait or run?"""
    return OrmQ.objects.using(conf.current().orm).filter(pk=task_id).exists()
