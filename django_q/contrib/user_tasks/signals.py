"""What happens to user tasks; a receiver that raises is logged and changes nothing."""

import logging
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger("django_q.signals")

#: A user task, or a container of some, has reached a final state. Sent once for each row, when that is committed, by
#: the process that committed it. Sender: ``UserTaskStatus``. Arguments: ``status`` (its row, as it is in the database).
user_task_stopped = Signal()


def send(signal: Signal, sender: Any, **arguments: Any) -> None:
    """Send a signal and log what its receivers raise."""
    for receiver, answer in signal.send_robust(sender=sender, **arguments):
        if isinstance(answer, Exception):
            logger.error("The signal receiver %r raised %r.", receiver, answer, exc_info=answer)
