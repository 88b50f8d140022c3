"""What users call: put tasks into the queue, read what became of them, take them back."""

from django_q.engine.context import current_task
from django_q.tasks.control import cancel, change_priority, delete, duplicate, queue_size, requeue
from django_q.tasks.decorators import SharedTask, shared_task
from django_q.tasks.enqueue import aasync_task, async_, async_task
from django_q.tasks.results import afetch, aresult, fetch, get_task, result, why

__all__ = [
    "SharedTask",
    "aasync_task",
    "afetch",
    "aresult",
    "async_",
    "async_task",
    "cancel",
    "change_priority",
    "current_task",
    "delete",
    "duplicate",
    "fetch",
    "get_task",
    "queue_size",
    "requeue",
    "result",
    "shared_task",
    "why",
]

# ``async`` has been a keyword since Python 3.7: it is reached by getattr() only.
globals()["async"] = async_task
