"""``@background`` and the proxy that stands in the place of the function."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django_q.contrib.background import moments
from django_q.contrib.background.moments import Schedule
from django_q.tasks import async_task


class TaskProxy:
    """Stands for a function and enqueues it when called; ``now()`` calls it here.

    A worker that finds a proxy under the path of its task runs ``task_function``.
    """

    def __init__(
        self,
        task_function: Callable[..., Any],
        *,
        name: str | None = None,
        schedule: Schedule | None = None,
        queue: str | None = None,
    ) -> None:
        update_wrapper(self, task_function)
        moments.run_after(schedule)  # a schedule that cannot be read is an error of the decorator, not of each call
        self.task_function = task_function
        self.path = f"{task_function.__module__}.{task_function.__qualname__}"
        self.name = name or self.path
        self.schedule = schedule
        self.queue = queue

    def __call__(self, *args: Any, schedule: Schedule | None = None, queue: str | None = None, **kwargs: Any) -> str:
        """Enqueue the function and return the id of the task; what the call says wins over the decorator."""
        options = {
            "run_after": moments.run_after(self.schedule if schedule is None else schedule),
            "cluster": queue or self.queue,
        }
        return async_task(self.path, *args, q_options=options, **kwargs)

    def now(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function here and now; no row is made."""
        return self.task_function(*args, **kwargs)

    def __str__(self) -> str:
        return f"TaskProxy({self.name})"

    def __repr__(self) -> str:
        return f"<{self}>"


def background(
    name: str | Callable[..., Any] | None = None, schedule: Schedule | None = None, queue: str | None = None
) -> Any:
    """Decorate a function so that calling it enqueues it: ``@background`` or ``@background(schedule=60)``.

    ``schedule`` is the moment from which a call may run, or a delay, unless the call says otherwise by its own
    ``schedule=``; ``queue`` is the queue it goes to, ``name`` what the proxy is called.
    """
    if callable(name):
        return TaskProxy(name)

    def decorate(function: Callable[..., Any]) -> TaskProxy:
        return TaskProxy(function, name=name, schedule=schedule, queue=queue)

    return decorate
