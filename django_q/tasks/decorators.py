"""``@shared_task``: functions that enqueue themselves, with Celery's names for it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial, update_wrapper
from inspect import signature
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload

from django_q.engine.context import RunningTask, current_task
from django_q.exceptions import InvalidOption, InvalidValue, UnpicklableError
from django_q.kernel import callables
from django_q.tasks import options
from django_q.tasks.enqueue import enqueue

P = ParamSpec("P")
R = TypeVar("R")

# Celery's names of options -> ours.
_CELERY = {"queue": "cluster", "countdown": "run_after", "eta": "run_after", "time_limit": "timeout"}


class SharedTask(Generic[P, R]):
    """A function that can be called, and enqueued by :meth:`delay` and :meth:`apply_async`.

    A subclass that is named as ``base=`` changes what enqueueing or running a function means.
    """

    def __init__(self, function: Callable[..., R], *, bind: bool = False, **given: Any) -> None:
        update_wrapper(self, function)
        self.function = function
        self.bind = bind
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

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Enqueue a call, with the options of the decorator, and return the id of the task.

        Every keyword is the function's. Raises what :func:`~django_q.tasks.async_task` raises.
        """
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None, **given: Any) -> str:
        """Enqueue a call with options of its own, which win over those of the decorator; return the id of the task.

        Options are those of :func:`~django_q.tasks.async_task`, or Celery's ``countdown`` (seconds), ``eta`` (moment),
        ``queue`` and ``time_limit`` (seconds). Raises :exc:`~django_q.exceptions.InvalidOption` for any other.
        """
        if callables.path_of(self) is None:
            raise UnpicklableError(
                f"{self!r} cannot be found by a worker: {self.name!r} is something else. Define it at the top level of "
                "a module, under the name of its function."
            )
        return enqueue(self, tuple(args), dict(kwargs or {}), {**self.options, **translated(given)})

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
        if target not in options.OPTIONS:
            nearest = options.suggestion(name, [*options.OPTIONS, *_CELERY])
            raise InvalidOption(f"A task has no option {name!r}.{nearest}")
        if target in found:
            raise InvalidValue(f"{name!r} and another option both say {target!r}. Leave one out.")
        found[target] = _delay(value) if name == "countdown" else value
    return found


def _delay(value: Any) -> timedelta | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise InvalidValue(f"countdown={value!r} cannot be used; it is a number of seconds, 0 or above.")
    return timedelta(seconds=value)


@overload
def shared_task(function: Callable[P, R], /) -> SharedTask[P, R]: ...
@overload
def shared_task(
    *, bind: Literal[True], base: Base | None = ..., **given: Any
) -> Callable[[Callable[Concatenate[Any, P], R]], SharedTask[P, R]]: ...
@overload
def shared_task(
    *, bind: Literal[False] = ..., base: Base | None = ..., **given: Any
) -> Callable[[Callable[P, R]], SharedTask[P, R]]: ...
def shared_task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    bind: bool = False,
    base: Base | None = None,
    **given: Any,
) -> Any:
    """Give a function :meth:`~SharedTask.delay` and :meth:`~SharedTask.apply_async`.

    ``@shared_task``, or ``@shared_task(bind=True, timeout=60)``: with ``bind`` the function's first argument is the
    :class:`SharedTask` itself, ``base`` is the subclass of it that is made, and the rest are the options of every call.
    """
    kind = SharedTask if base is None else base
    if not (isinstance(kind, type) and issubclass(kind, SharedTask)):
        raise InvalidValue(f"base={base!r} is no subclass of django_q.tasks.SharedTask.")
    chosen = translated(given)
    options.parse(chosen)  # a value that cannot be used is an error of the decorator, not of each call
    if function is not None:
        return kind(function)
    return partial(kind, bind=bind, **chosen)
