"""A call with its options as an object that can be changed, enqueued and asked for its result."""

from typing import Any

from django_q import conf
from django_q.models import Task
from django_q.tasks import groups, results
from django_q.tasks.enqueue import async_task
from django_q.tasks.lookup import Function


class _Option:
    """An option of the call: read and written where the caller gave it."""

    def __init__(self, default: str = "") -> None:
        self.default = default  # the setting that holds where nothing was given

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, task: "AsyncTask | None", owner: type) -> Any:
        if task is None:
            return self
        given = {**task.kwargs, **(task.kwargs.get("q_options") or {})}
        return given.get(self.name, getattr(conf.current(), self.default) if self.default else None)

    def __set__(self, task: "AsyncTask", value: Any) -> None:
        place = task.kwargs
        if place.get("q_options"):
            place = task.kwargs["q_options"] = {**place["q_options"]}
        place[self.name] = value
        task.started = False


class AsyncTask:
    """A call that has not been enqueued yet. Its attributes can be changed; :meth:`run` enqueues it as it is then."""

    hook = _Option()
    group = _Option()
    task_name = _Option()
    cluster = _Option()
    broker = _Option()
    timeout = _Option("timeout")
    ack_failure = _Option("ack_failures")
    save = _Option("saves")
    sync = _Option("sync")
    cached = _Option("cached")

    def __init__(self, func: Function, *args: Any, **kwargs: Any) -> None:
        self.id = ""
        self.started = False
        self.func = func
        self.args = args
        self.kwargs = kwargs

    def run(self) -> str:
        """Enqueue the call and return the id of the task. Raises what :func:`~django_q.tasks.async_task` raises."""
        self.id = async_task(self.func, *self.args, **self.kwargs)
        self.started = True
        return self.id

    def result(self, wait: float = 0) -> Any:
        """Return what the task returned; None before, and while it is not enqueued. ``wait`` is in milliseconds."""
        return results.result(self.id, wait) if self.started else None

    def fetch(self, wait: float = 0) -> Task | None:
        """Return the task that ended; None before, and while it is not enqueued. ``wait`` is in milliseconds."""
        return results.fetch(self.id, wait) if self.started else None

    def result_group(self, failures: bool = False, wait: float = 0, count: int | None = None) -> list[Any] | None:
        """Return the results of the task's group; None if it has none or is not enqueued."""
        if not (self.started and self.group):
            return None
        return groups.result_group(self.group, failures, wait, count, bool(self.cached))

    def fetch_group(self, failures: bool = True, wait: float = 0, count: int | None = None) -> groups.Members | None:
        """Return the tasks of the task's group; None if it has none or is not enqueued."""
        if not (self.started and self.group):
            return None
        return groups.fetch_group(self.group, failures, wait, count, bool(self.cached))


#: Its name until Django Q 0.9.
Async = AsyncTask
