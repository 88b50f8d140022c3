"""``@background`` and the proxy that stands in the place of the function."""

import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import update_wrapper, wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Model

from django_q.contrib.background import signals
from django_q.contrib.background.calls import Call, enqueue
from django_q.contrib.background.models import Task
from django_q.contrib.background.schedules import Schedule, TaskSchedule, in_settings_form
from django_q.exceptions import TaskCanceled, TaskStopped
from django_q.tasks import current_task

#: The dotted path of every function that was decorated so far, by the name of its task; the last one wins.
places: dict[str, str] = {}

_LONGEST = {"name": 190, "verbose_name": 255, "queue": 100}


class TaskProxy:
    """Stands for a function and enqueues it when called; ``now()`` calls it here.

    A worker that finds a proxy under the path of its task runs the function.
    """

    def __init__(
        self,
        task_function: Callable[..., Any],
        *,
        name: str | None = None,
        schedule: Schedule | None = None,
        queue: str | None = None,
        remove_existing_tasks: bool = False,
    ) -> None:
        update_wrapper(self, task_function)
        self.task_function = task_function
        path = f"{task_function.__module__}.{task_function.__qualname__}"
        self.name = _text("name", name) or path
        places[self.name] = path
        # A schedule that cannot be read is an error of the decorator, not of each call.
        self.usual = TaskSchedule.create(schedule)
        self.schedule = schedule
        self.queue = _text("queue", queue)
        self.remove_existing_tasks = remove_existing_tasks

    def __call__(
        self,
        *args: Any,
        schedule: Schedule | None = None,
        priority: int | None = None,
        queue: str | None = None,
        verbose_name: str | None = None,
        creator: Model | None = None,
        repeat: int | timedelta | None = None,
        repeat_until: datetime | None = None,
        remove_existing_tasks: bool | None = None,
        **kwargs: Any,
    ) -> Task | None:
        """Enqueue the function in the caller's transaction and return the row of the task.

        What is said here wins over the decorator, each part of ``schedule`` for itself, and ``priority`` over the
        schedule's. ``repeat`` is the time between two runs, in seconds or as a timedelta, ``repeat_until`` the moment
        after which none is made. ``remove_existing_tasks`` takes equal calls back that wait. Arguments are those that
        JSON can hold: tuples arrive as lists, keys of dicts as texts.

        Return None where ``schedule`` holds the action ``RESCHEDULE_EXISTING`` or ``CHECK_EXISTING`` and there was an
        equal call, which is the case when name and arguments are. With these actions of many processes one enqueues.

        Raises :exc:`TypeError` for arguments that the function does not take or JSON cannot hold, and for a schedule
        that is none; :exc:`ValueError` for another value that cannot be used.
        """
        chosen = TaskSchedule.create(schedule).merge(self.usual)
        call = Call(self, self.name, args, kwargs, TaskSchedule(priority=priority).merge(chosen))
        call.queue = _text("queue", queue) or self.queue
        call.verbose_name = _text("verbose_name", verbose_name)
        call.creator = _saved(creator)
        call.repeat = _seconds(repeat)
        call.repeat_until = None if repeat_until is None else in_settings_form(repeat_until)
        removes = self.remove_existing_tasks if remove_existing_tasks is None else remove_existing_tasks
        return enqueue(call, remove_existing_tasks=removes)

    def now(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function here and now; no row is made."""
        return self.task_function(*args, **kwargs)

    @property
    def worker_function(self) -> Callable[..., Any]:
        """What a worker runs: the function, with the signals of its beginning and its errors where somebody listens."""
        if not (signals.task_started.receivers or signals.task_error.receivers):
            return self.task_function
        # What is decorated may itself stand for something that only workers run.
        return _told(getattr(self.task_function, "worker_function", self.task_function))

    def on_prepared(self, draft: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Tell what is decorated that a call of it will be enqueued, if it wants to know."""
        ask = getattr(type(self.task_function), "on_prepared", None)
        if ask is not None:
            ask(self.task_function, draft, args, kwargs)

    def __str__(self) -> str:
        return f"TaskProxy({self.name})"

    def __repr__(self) -> str:
        return f"<{self}>"


def background(
    name: str | Callable[..., Any] | None = None,
    schedule: Schedule | None = None,
    queue: str | None = None,
    remove_existing_tasks: bool = False,
) -> Any:
    """Decorate a function so that calling it enqueues it: ``@background`` or ``@background(schedule=60)``.

    ``schedule`` says when a call may run, unless the call says otherwise by its own ``schedule=``: a datetime, a delay
    (a timedelta, or seconds), a dict of ``run_at``, ``priority`` and ``action``, or a
    :class:`~django_q.contrib.background.TaskSchedule`. ``queue`` is the queue it goes to, ``name`` what the task is
    called (``module.function`` otherwise), ``remove_existing_tasks`` whether a call takes equal ones back that wait.

    Above other decorators of tasks it comes first: ``@background``, then that of a user task, then ``@publish``.
    """
    if callable(name):
        return TaskProxy(name)

    def decorate(function: Callable[..., Any]) -> TaskProxy:
        return TaskProxy(
            function, name=name, schedule=schedule, queue=queue, remove_existing_tasks=remove_existing_tasks
        )

    return decorate


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that tells of its beginning and of its errors."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def arun(*args: Any, **kwargs: Any) -> Any:
            await sync_to_async(_tell_beginning)()
            try:
                return await function(*args, **kwargs)
            except BaseException as error:
                await sync_to_async(_tell_error)(error)
                raise

        return arun

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        _tell_beginning()
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            _tell_error(error)
            raise

    return run


def _tell_beginning() -> None:
    signals.send(signals.task_started, Task)


def _tell_error(error: BaseException) -> None:
    """Tell of what a task raised, unless it was told to stop."""
    running = current_task()
    if isinstance(error, (TaskCanceled, TaskStopped)) or running is None or not signals.task_error.receivers:
        return
    task = Task.objects.filter(pk=running.id).first()
    if task is not None:
        signals.send(signals.task_error, type(error), task=task)


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str) and 1 <= len(value) <= _LONGEST[name]:
        return value
    raise ValueError(f"{name}={value!r} cannot be used; it must be a text of 1 to {_LONGEST[name]} characters.")


def _seconds(repeat: Any) -> int:
    if repeat is None:
        return 0
    seconds = repeat.total_seconds() if isinstance(repeat, timedelta) else repeat
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds != int(seconds) or seconds < 0:
        raise ValueError(f"repeat={repeat!r} cannot be used; it must be whole seconds above 0, or 0 for never.")
    return int(seconds)


def _saved(creator: Any) -> Model | None:
    if creator is None or isinstance(creator, Model) and creator.pk is not None:
        return creator
    raise ValueError(f"creator={creator!r} is no row of a model that was saved.")
