"""What happens to background tasks; a receiver that raises is logged and changes nothing.

For a success the order is: created, started, successful, finished. For an error: started, error, then rescheduled or
failed, then finished. The first is sent where the task is enqueued, ``task_started`` and ``task_error`` by the worker,
the others by the monitor once the outcome is committed.
"""

from typing import Any

from django_q.signals import TaskSignal

#: A task was enqueued. Sender: the class of the proxy. Arguments: ``task`` (a row of ``Task``).
task_created = TaskSignal()
#: A worker begins to run a task. Sender: ``Task``.
task_started = TaskSignal()
#: A task succeeded. Sender: ``Task``. Arguments: ``task_id``, ``completed_task`` (a row of ``CompletedTask``).
task_successful = TaskSignal()
#: An attempt raised. Sender: the class of the exception. Arguments: ``task`` (a row of ``Task``).
task_error = TaskSignal()
#: A task will run again after an attempt that failed. Sender: ``Task``. Arguments: ``task`` (its row).
task_rescheduled = TaskSignal()
#: A task failed for good. Sender: ``Task``. Arguments: ``task_id``, ``completed_task`` (a row of ``CompletedTask``).
task_failed = TaskSignal()
#: An attempt has ended, whatever its outcome. Sender: ``Task``.
task_finished = TaskSignal()


def send(signal: TaskSignal, sender: Any, **arguments: Any) -> None:
    """Send a signal; what its receivers raise is logged."""
    signal.send_robust(sender=sender, **arguments)
