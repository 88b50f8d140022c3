"""``@shared_task``: functions that enqueue themselves, with Celery's names for it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial, update_wrapper
from inspect import signature
from typing import Any, Concatenate, Generic, Literal, NoReturn, ParamSpec, TypeVar, overload

from django_q.engine.context import RunningTask, current_task
from django_q.exceptions import DoNotRetry, InvalidOption, InvalidValue, TryAgain, UnpicklableError
from django_q.kernel import callables
from django_q.tasks import options
from django_q.tasks.enqueue import enqueue
from django_q.tasks.handles import TaskHandle

P = ParamSpec("P")
R = TypeVar("R")

# Celery's names of options -> ours.
_CELERY = {"queue": "cluster", "countdown": "run_after", "eta": "run_after", "time_limit": "timeout"}
# Celery's names that stand for nothing here -> what to write instead.
_INSTEAD = {
    "acks_late": "Leave it out: a task always leaves the queue when it has ended, not before.",
    "autoretry_for": "Use max_attempts= and backoff=: every error is retried, except DoNotRetry.",
    "compression": "Set Q_CLUSTER['compress'].",
    "connection": "Leave it out: tasks go to the database of Q_CLUSTER['orm'].",
    "exchange": "Use queue=.",
    "headers": "Pass what the task needs as its argument.",
    "ignore_result": "Use save=False.",
    "link": "Use hook=, or async_chain().",
    "link_error": "Use hook=: it is called after failures, too.",
    "name": "Leave it out: a task is known by the path of its function.",
    "producer": "Leave it out: tasks go to the database of Q_CLUSTER['orm'].",
    "rate_limit": "Use a queue of its own with fewer workers.",
    "retry": "Leave it out: the row is written with your transaction, or not at all.",
    "retry_backoff": "Use backoff=.",
    "retry_kwargs": "Use max_attempts= and backoff=.",
    "retry_policy": "Leave it out: the row is written with your transaction, or not at all.",
    "routing_key": "Use queue=.",
    "shadow": "Use task_name=.",
    "soft_time_limit": "Use timeout=: the task is raised TaskTimeout, and killed only if it does not listen.",
    "task_id": "Read the id of what delay() returns.",
    "throws": "Leave it out, or raise DoNotRetry.",
}
_MAX_RETRIES = 3  # as in Celery


class SharedTask(Generic[P, R]):
    """A function that can be called, and enqueued by :meth:`delay` and :meth:`apply_async`.

    A subclass that is named as ``base=`` changes what enqueueing or running a function means.
    """

    def __init__(
        self,
        function: Callable[..., R],
        *,
        bind: bool = False,
        max_retries: int | None = _MAX_RETRIES,
        default_retry_delay: float | None = None,
        **given: Any,
    ) -> None:
        update_wrapper(self, function)
        self.function = function
        self.bind = bind
        self.max_retries = max_retries
        self.default_retry_delay = default_retry_delay
        self.options = given
        self.__signature__ = signature(self.task_function)

    @property
    def task_function(self) -> Callable[P, R]:
        """What a worker runs."""
        return partial(self.function, self) if self.bind else self.function

    @property
    def name(self) -> str:
        """The dotted path of the function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def request(self) -> RunningTask | None:
        """The task that runs here, for functions that are bound; None outside of tasks."""
        return current_task()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function here and now; no row is made."""
        return self.task_function(*args, **kwargs)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> TaskHandle:
        """Enqueue a call, with the options of the decorator, and return its handle, which is the id of the task.

        Every keyword is the function's. Raises what :func:`~django_q.tasks.async_task` raises.
        """
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None, **given: Any
    ) -> TaskHandle:
        """Enqueue a call with options of its own, which win over those of the decorator; return its handle.

        Options are those of :func:`~django_q.tasks.async_task`, or Celery's ``countdown`` (seconds), ``eta`` (moment),
        ``queue`` and ``time_limit`` (seconds). Raises :exc:`~django_q.exceptions.InvalidOption` for any other.
        """
        if callables.path_of(self) is None:
            raise UnpicklableError(
                f"{self!r} cannot be found by a worker: {self.name!r} is something else. Define it at the top level of "
                "a module, under the name of its function."
            )
        return TaskHandle(enqueue(self, tuple(args), dict(kwargs or {}), {**self.options, **translated(given)}))

    def retry(
        self, *, exc: BaseException | None = None, countdown: float | None = None, max_retries: int | None = None
    ) -> NoReturn:
        """End this attempt and have another one: after ``countdown`` seconds, the decorator's ``default_retry_delay``,
        or the pause that ``backoff`` says.

        It does not return. When the task has been run again ``max_retries`` times (the decorator's if None is given;
        None there: no limit), it raises ``exc`` instead, or :exc:`~django_q.exceptions.DoNotRetry` without one. Outside
        of a task it raises the same at once.
        """
        most = self.max_retries if max_retries is None else max_retries
        running = current_task()
        if running is None or most is not None and running.retries >= most:
            raise exc or DoNotRetry(f"{self.name} was run {most} times more than once, and has nothing left to try.")
        delay = self.default_retry_delay if countdown is None else _seconds("countdown", countdown)
        raise TryAgain(*([f"{type(exc).__name__}: {exc}"] if exc else []), delay=delay) from exc

    def __reduce__(self) -> str:
        return self.function.__qualname__  # found under its name, as functions are

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


Base = type[SharedTask[..., Any]]


def translated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options under our names, those that Celery calls otherwise included."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        target = _CELERY.get(name, name)
        if target in _INSTEAD and target not in options.OPTIONS:
            raise InvalidOption(f"{name!r} of Celery is no option here. {_INSTEAD[target]}")
        if target not in options.OPTIONS:
            nearest = options.suggestion(name, [*options.OPTIONS, *_CELERY])
            raise InvalidOption(f"A task has no option {name!r}.{nearest}")
        if target in found:
            raise InvalidValue(f"{name!r} and another option both say {target!r}. Leave one out.")
        found[target] = _delay(value) if name == "countdown" else value
    return found


def _delay(value: Any) -> timedelta | None:
    return None if value is None else timedelta(seconds=_seconds("countdown", value))


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise InvalidValue(f"{name}={value!r} cannot be used; it is a number of seconds, 0 or above.")
    return value


def _retries(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise InvalidValue(f"max_retries={value!r} cannot be used; it is a whole number, or None for no limit.")
    return value


@overload
def shared_task(function: Callable[P, R], /) -> SharedTask[P, R]: ...
@overload
def shared_task(
    *,
    bind: Literal[True],
    base: Base | None = ...,
    max_retries: int | None = ...,
    default_retry_delay: float | None = ...,
    **given: Any,
) -> Callable[[Callable[Concatenate[Any, P], R]], SharedTask[P, R]]: ...
@overload
def shared_task(
    *,
    bind: Literal[False] = ...,
    base: Base | None = ...,
    max_retries: int | None = ...,
    default_retry_delay: float | None = ...,
    **given: Any,
) -> Callable[[Callable[P, R]], SharedTask[P, R]]: ...
def shared_task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    bind: bool = False,
    base: Base | None = None,
    max_retries: int | None = _MAX_RETRIES,
    default_retry_delay: float | None = None,
    **given: Any,
) -> Any:
    """Give a function :meth:`~SharedTask.delay` and :meth:`~SharedTask.apply_async`.

    ``@shared_task``, or ``@shared_task(bind=True, timeout=60)``: with ``bind`` the function's first argument is the
    :class:`SharedTask` itself, ``base`` is the subclass of it that is made, ``max_retries`` and ``default_retry_delay``
    (seconds) are what :meth:`~SharedTask.retry` keeps to, and the rest are the options of every call.
    """
    kind = SharedTask if base is None else base
    if not (isinstance(kind, type) and issubclass(kind, SharedTask)):
        raise InvalidValue(f"base={base!r} is no subclass of django_q.tasks.SharedTask.")
    chosen = translated(given)
    options.parse(chosen)  # a value that cannot be used is an error of the decorator, not of each call
    if function is not None:
        return kind(function)
    delay = None if default_retry_delay is None else _seconds("default_retry_delay", default_retry_delay)
    return partial(kind, bind=bind, max_retries=_retries(max_retries), default_retry_delay=delay, **chosen)
