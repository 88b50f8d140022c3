"""What users call: put tasks into the queue, read what became of them, take them back."""

from importlib import import_module
from typing import Any

from django_q.engine.context import current_task
from django_q.tasks.advances import TaskProgress, aprogress_of, progress_of, progress_of_many
from django_q.tasks.cached import (
    count_group_cached,
    delete_group_cached,
    fetch_cached,
    fetch_group_cached,
    result_cached,
    result_group_cached,
)
from django_q.tasks.chains import Chain, aasync_chain, async_chain
from django_q.tasks.chords import aasync_chord, async_chord
from django_q.tasks.control import (
    cancel,
    change_priority,
    change_run_after,
    delete,
    duplicate,
    queue_size,
    requeue,
)
from django_q.tasks.decorators import SharedTask, shared_task
from django_q.tasks.enqueue import aasync_task, async_, async_task
from django_q.tasks.groups import (
    acount_group,
    adelete_group,
    afetch_group,
    aresult_group,
    count_group,
    delete_cached,
    delete_group,
    fetch_group,
    result_group,
)
from django_q.tasks.handles import TaskHandle
from django_q.tasks.iterations import Iter, aasync_iter, async_iter
from django_q.tasks.objects import Async, AsyncTask
from django_q.tasks.results import afetch, aresult, fetch, get_task, result, why
from django_q.tasks.schedules import aschedule, schedule

__all__ = [
    "Async",
    "AsyncTask",
    "Chain",
    "Iter",
    "SharedTask",
    "TaskHandle",
    "TaskProgress",
    "aasync_chain",
    "aasync_chord",
    "aasync_iter",
    "aasync_task",
    "acount_group",
    "adelete_group",
    "afetch",
    "afetch_group",
    "aprogress_of",
    "aresult",
    "aresult_group",
    "aschedule",
    "async_",
    "async_chain",
    "async_chord",
    "async_iter",
    "async_task",
    "cancel",
    "change_priority",
    "change_run_after",
    "count_group",
    "count_group_cached",
    "current_task",
    "delete",
    "delete_cached",
    "delete_group",
    "delete_group_cached",
    "duplicate",
    "fetch",
    "fetch_cached",
    "fetch_group",
    "fetch_group_cached",
    "get_task",
    "progress_of",
    "progress_of_many",
    "queue_size",
    "requeue",
    "result",
    "result_cached",
    "result_group",
    "result_group_cached",
    "schedule",
    "shared_task",
    "why",
]

# ``async`` has been a keyword since Python 3.7: it is reached by getattr() only.
globals()["async"] = async_task

# What code for Django Q imports from here although it belongs elsewhere.
_ELSEWHERE = {
    "Conf": "django_q.conf",
    "Schedule": "django_q.models",
    "SignedPackage": "django_q.signing",
    "Task": "django_q.models",
    "get_broker": "django_q.brokers",
    "uuid": "django_q.humanhash",
}


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE[name]), name)
