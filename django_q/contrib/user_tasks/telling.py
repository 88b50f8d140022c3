"""Tells the cluster what a task tells its user: so qrun, qmonitor and the admin of the core show the same progress."""

from typing import Any

from django_q.contrib.user_tasks import states
from django_q.tasks import current_task

Row = Any  # a UserTaskStatus


def tell_cluster(row: Row) -> None:
    """Say how far the task that runs here is, if the row is its own.

    A task that counts by ``current_task().progress()`` and has no steps that are done keeps its own numbers: then the
    row only says what it is doing.
    """
    running = current_task()
    if running is None or running.id != row.task_id or row.is_final:
        return
    done, total = row.completed_steps, row.total_steps
    if not done and running.told is not None and running.told[0]:
        done, total = running.told[:2]
    running.progress(done, total, None if row.state in states.KNOWN else row.state)
