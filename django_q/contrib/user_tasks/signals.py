"""What happens to user tasks; a receiver that raises is logged and changes nothing."""

from typing import Any

from django_q.signals import TaskSignal

#: A user task, or a container of some, has reached a final state. Sent once for each row, when that is committed, by
#: the process that committed it. Sender: ``UserTaskStatus``. Arguments: ``status`` (its row, as it is in the database).
user_task_stopped = TaskSignal()


def send(signal: TaskSignal, sender: Any, **arguments: Any) -> None:
    """Send a signal; what its receivers raise is logged."""
    signal.send_robust(sender=sender, **arguments)
