"""What receivers of signals are told of a task: a dict, as in Django Q, whose payloads are read when asked for."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django_q import conf
from django_q.engine.context import RunningTask
from django_q.kernel.messages import Outcome
from django_q.kernel.states import Ending


class Told(dict[str, Any]):
    """A dict some of whose values are made at their first use, and which has the attributes of a running task."""

    def __init__(
        self, values: Mapping[str, Any], lazy: Mapping[str, Callable[[], Any]], task: RunningTask | None = None
    ) -> None:
        super().__init__(values)
        self.lazy = lazy
        self.running = task

    def __missing__(self, key: str) -> Any:
        if key not in self.lazy:
            raise KeyError(key)
        value = self[key] = self.lazy[key]()
        return value

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.lazy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.running is None:
            raise AttributeError(name)
        return getattr(self.running, name)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, also one that is made at its first use."""
        return self[key] if key in self else default


def of_running(task: RunningTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Told:
    """Return what the signals in a worker say of a task."""
    return Told(_known(task, args, kwargs), {}, task)


def of_ended(task: RunningTask, args: tuple[Any, ...], kwargs: Mapping[str, Any], outcome: Outcome) -> Told:
    """Return the same when the function has ended."""
    read = partial(payload, "result", {"id": task.id, "func": task.func}, outcome.report.result)
    ended = {**_known(task, args, kwargs), "success": outcome.ending is Ending.SUCCEEDED}
    return Told(ended, {"result": read}, task)


def _known(task: RunningTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: getattr(task, name) for name in ("id", "name", "func", "group", "attempt")}
    return {**known, "cluster": task.queue, "args": args, "kwargs": kwargs}


def payload(purpose: str, row: Mapping[str, Any], blob: bytes | None) -> Any:
    """Return a payload of a row, None where it has none.

    Raises :exc:`~django_q.exceptions.PayloadError` for one that cannot be read.
    """
    if not blob:
        return None
    return conf.current().codec().decode(blob, purpose=purpose, task_id=row["id"], func=row["func"])
