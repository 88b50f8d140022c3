"""What happens to background tasks; a receiver that raises is logged and changes nothing.

For a success the order is: created, started, successful, finished. For an error: started, error, then rescheduled or
failed, then finished. The first is sent where the task is enqueued, ``task_started`` and ``task_error`` by the worker,
the others by the monitor once the outcome is committed.
"""

import logging
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger("django_q.signals")

#: A task was enqueued. Sender: the class of the proxy. Arguments: ``task`` (a row of ``Task``).
task_created = Signal()
#: A worker begins to run a task. Sender: ``Task``.
task_started = Signal()
#: A task succeeded. Sender: ``Task``. Arguments: ``task_id``, ``completed_task`` (a row of ``CompletedTask``).
task_successful = Signal()
#: An attempt raised. Sender: the class of the exception. Arguments: ``task`` (a row of ``Task``).
task_error = Signal()
#: A task will run again after an attempt that failed. Sender: ``Task``. Arguments: ``task`` (its row).
task_rescheduled = Signal()
#: A task failed for good. Sender: ``Task``. Arguments: ``task_id``, ``completed_task`` (a row of ``CompletedTask``).
task_failed = Signal()
#: An attempt has ended, whatever its outcome. Sender: ``Task``.
task_finished = Signal()


def send(signal: Signal, sender: Any, **arguments: Any) -> None:
    """Send a signal and log what its receivers raise."""
    for receiver, answer in signal.send_robust(sender=sender, **arguments):
        if isinstance(answer, Exception):
            logger.error("The signal receiver %r raised %r.", receiver, answer, exc_info=answer)
