"""``Task``, the base of class tasks."""

from functools import cached_property
from typing import Any, ClassVar, Protocol

from django_q.contrib.class_tasks import client, redis_bridge
from django_q.contrib.class_tasks.exceptions import ClassTaskError


class Speaker(Protocol):
    """What takes the events of a task."""

    def emit(self, event: str, data: Any) -> None:
        """Send an event."""


class Task:
    """A task as a class: give it a ``NAME``, an ``__init__`` that takes its data, and a ``start``.

    ``start(self)`` runs the task, whose end is its end; what it returns is the output, which JSON has to hold. Without
    a static ``provide_context()``, which returns a new context manager each time, nothing is entered around it.
    """

    #: Under which the task is started. Put the name of a group and a slash before it.
    NAME: ClassVar[str | None] = None

    class Error(Exception):
        """The task cannot do its work, for a reason that is known: it ends as ERROR, the text is its output."""

    _run: Speaker | None = None

    def __init__(self, **data: Any) -> None:
        """Take what the task was started with."""

    def stop(self) -> None:
        """Let ``start()`` come to its end: called in another thread while it runs."""

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event, with data that JSON can hold, to everybody who has subscribed.

        Raises :exc:`TypeError` for other data, and :exc:`~django_q.exceptions.InvalidValue` for too large ones.
        """
        if self._run is None:
            raise ClassTaskError(f"{type(self).__name__}.emit() was called where no runner runs the task.")
        self._run.emit(event, data)

    @cached_property
    def helpers(self) -> Any:
        """The functions of clients, ``start_task()`` and the others."""
        return client

    @cached_property
    def redis(self) -> Any:
        """A client of the Redis server that the settings name."""
        return redis_bridge.connect()
