"""``@publish``: a function that gets what it sends its events by."""

import inspect
import logging
from collections.abc import Callable
from functools import update_wrapper
from inspect import Parameter, Signature
from typing import Any

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.db import Error

from django_q.contrib.publish import options, rows
from django_q.contrib.publish.publishers import CommunicationBasePublisher, CommunicationByEventsPublisher
from django_q.events.storing import checked_name
from django_q.exceptions import InvalidValue
from django_q.tasks import current_task

logger = logging.getLogger("django_q.publish")

SEPARATOR = "__"
_PROXY, _ID = "cproxy", "task_publish_id"
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class PublishingTask:
    """Stands for a function that publishes: called here or run by a worker, it gets its ``cproxy``."""

    def __init__(self, function: Callable[..., Any], group: str) -> None:
        update_wrapper(self, function)
        self.function = function
        self.group = group
        own = inspect.signature(function)
        self._place = _place_of_proxy(function, own)
        self.__signature__ = _signature_of_calls(own)
        if inspect.iscoroutinefunction(function):
            markcoroutinefunction(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function here and now, with a ``cproxy``; no row of the queue is made."""
        return self.worker_function(*args, **kwargs)

    @property
    def worker_function(self) -> Callable[..., Any]:
        """What a worker runs."""
        return self._arun if inspect.iscoroutinefunction(self.function) else self._run

    def on_prepared(self, draft: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note who enqueues a call, and what it will publish under. Raises InvalidValue for what names no stream."""
        stream = stream_of(self.group, kwargs.get(_ID))
        if options.option("enabled"):
            rows.accompany(draft, stream)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        with self._publisher(kwargs.pop(_ID, None)) as cproxy:
            _begin(cproxy)
            args, kwargs = self._with_proxy(args, kwargs, cproxy)
            return self.function(*args, **kwargs)

    async def _arun(self, *args: Any, **kwargs: Any) -> Any:
        cproxy = self._publisher(kwargs.pop(_ID, None))
        await sync_to_async(_begin)(cproxy)
        args, kwargs = self._with_proxy(args, kwargs, cproxy)
        try:
            value = await self.function(*args, **kwargs)
        except BaseException as error:
            await sync_to_async(cproxy.__exit__)(type(error), error, error.__traceback__)
            raise
        await sync_to_async(cproxy.close)()
        return value

    def _publisher(self, publish_id: Any) -> CommunicationBasePublisher:
        stream = stream_of(self.group, publish_id)
        if not options.option("enabled"):
            return CommunicationBasePublisher()
        running = current_task()
        return CommunicationByEventsPublisher(stream, None if running is None else running.id)

    def _with_proxy(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], cproxy: CommunicationBasePublisher
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return arguments that hold the proxy; those of the call by position stand before and behind it."""
        kwargs = {name: value for name, value in kwargs.items() if name != _PROXY}
        if self._place is None or len(args) < self._place:
            return args, {**kwargs, _PROXY: cproxy}
        return (*args[: self._place], cproxy, *args[self._place :]), kwargs

    def __reduce__(self) -> str:
        return str(self.__qualname__)  # type: ignore[attr-defined]  # found under its name, as functions are

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__module__}.{self.__qualname__}>"  # type: ignore[attr-defined]


def publish(task_publish_group: str | Callable[..., Any] = "default") -> Any:
    """Decorate a function so that browsers can watch what it sends: ``@publish("demo")``, or ``@publish``.

    The function gets a :class:`~django_q.contrib.publish.CommunicationBasePublisher` as ``cproxy``, its first parameter
    by custom; what a call passes by position binds to the others. The keyword ``task_publish_id`` of a call is not
    passed on: it and the group name the stream, ``demo__test1``; without one it is the group alone.

    Raises :exc:`TypeError` for a function that takes no ``cproxy``, and :exc:`~django_q.exceptions.InvalidValue` for a
    group that is no name, or holds two underscores in a row.
    """
    if callable(task_publish_group):
        return PublishingTask(task_publish_group, "default")
    group = checked_name(task_publish_group)
    if SEPARATOR in group:
        raise InvalidValue(f"@publish({group!r}) cannot be used: {SEPARATOR!r} parts the group from the id of a task.")

    def decorate(function: Callable[..., Any]) -> PublishingTask:
        return PublishingTask(function, group)

    return decorate


def stream_of(group: str, publish_id: Any) -> str:
    """Return the name of a stream. Raises InvalidValue if it is too long."""
    return checked_name(f"{group}{SEPARATOR}{publish_id}" if publish_id else group)


def group_of(stream: str) -> str:
    """Return the group that a stream belongs to."""
    return stream.partition(SEPARATOR)[0]


def _begin(cproxy: CommunicationBasePublisher) -> None:
    """Begin the run; where a task runs, so that the cluster finds it should the worker die."""
    running = current_task()
    if running is not None and isinstance(cproxy, CommunicationByEventsPublisher):
        try:
            rows.adopt(running.id, cproxy.id)
        except Error as error:  # the task goes on, whoever watches
            if options.option("strict"):
                raise
            logger.warning("Task %s publishes %s, which could not be noted: %s", running.id, cproxy.id, error)
    cproxy.begin()


def _place_of_proxy(function: Callable[..., Any], own: Signature) -> int | None:
    """Return the position of ``cproxy`` among the parameters, None if it can only be passed by its name."""
    parameters = list(own.parameters.values())
    for position, parameter in enumerate(parameters):
        if parameter.name == _PROXY:
            return position if parameter.kind in _BY_POSITION else None
    if parameters and parameters[-1].kind is Parameter.VAR_KEYWORD:
        return None
    name = getattr(function, "__qualname__", function)
    raise TypeError(f"@publish: {name} has no parameter {_PROXY!r}. Write def {name}({_PROXY}=None, …).")


def _signature_of_calls(own: Signature) -> Signature:
    """Return the signature with which the function is enqueued and called: ``cproxy`` need not be passed."""
    ours = [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in (_PROXY, _ID)]
    kept = [each for each in own.parameters.values() if each.name not in (_PROXY, _ID)]
    rest = [each for each in kept if each.kind is Parameter.VAR_KEYWORD]
    return own.replace(parameters=[*(each for each in kept if each not in rest), *ours, *rest])
