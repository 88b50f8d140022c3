"""What users call: put tasks into the queue, read what became of them, take them back."""

from django_q.engine.context import current_task
from django_q.tasks.control import cancel, delete, queue_size, requeue
from django_q.tasks.enqueue import aasync_task, async_, async_task
from django_q.tasks.results import afetch, aresult, fetch, get_task, result

__all__ = [
    "aasync_task",
    "afetch",
    "aresult",
    "async_",
    "async_task",
    "cancel",
    "current_task",
    "delete",
    "fetch",
    "get_task",
    "queue_size",
    "requeue",
    "result",
]

# ``async`` has been a keyword since Python 3.7: it is reached by getattr() only.
globals()["async"] = async_task
