"""``spawn()``: a function in a thread of its own, which can be waited for and killed."""

import contextvars
import threading
from collections.abc import Callable
from typing import Any, Protocol

from django.db import connections

from django_q.contrib.class_tasks.exceptions import StopTask
from django_q.contrib.class_tasks.interrupting import Interruptible


class Parent(Protocol):
    """What kills what was spawned in it."""

    def adopt(self, child: "Spawned") -> None:
        """Take a child. Raises StopTask if it is too late for that."""

    def disown(self, child: "Spawned") -> None:
        """Forget a child that has ended."""


#: The run of a task to which the code belongs that is running.
current: contextvars.ContextVar[Parent | None] = contextvars.ContextVar("class_task", default=None)


class Spawned:
    """A call in a thread of its own."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Prepare it; :meth:`start` begins."""
        self._function = lambda: function(*args, **kwargs)
        self._call = Interruptible(StopTask)
        self._over = threading.Event()  # it has ended, or nobody shall wait for it any more
        self._thread: threading.Thread | None = None
        self._value: Any = None
        self._error: BaseException | None = None
        self._is_killed = False
        self._is_abandoned = False
        self._parent = current.get()

    def start(self) -> "Spawned":
        """Begin. Raises :exc:`StopTask` in a task that is being broken off."""
        if self._parent is not None:
            self._parent.adopt(self)
        context = contextvars.copy_context()
        name = f"spawned by {threading.current_thread().name}"
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True)
        self._thread.start()
        return self

    @property
    def dead(self) -> bool:
        """Has it ended?"""
        return self._thread is not None and not self._thread.is_alive()

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the end and return the result, None if it was killed; raise what the function raised.

        Raises :exc:`TimeoutError` if it takes longer than so many seconds, :exc:`StopTask` if the task that waits here
        is broken off.
        """
        if not self._over.wait(timeout):
            raise TimeoutError(f"It has not ended within {timeout:g} seconds.")
        if self._is_abandoned:
            raise StopTask()
        if self._error is not None:
            raise self._error
        return self._value

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end, at most so many seconds; what the function raised is not raised here."""
        self._over.wait(timeout)

    def kill(self, block: bool = True, timeout: float | None = None) -> None:
        """Break it off, and wait for its end, at most so many seconds; without ``block`` do not wait."""
        self._is_killed = True
        self._call.interrupt()
        is_own = self._thread is threading.current_thread()
        if block and not is_own:
            self._over.wait(timeout)

    def abandon(self) -> None:
        """Kill it, and let nobody wait for its end any longer."""
        self.kill(block=False)
        self._is_abandoned = not self.dead
        self._over.set()

    def _run(self) -> None:
        try:
            self._value = self._call.call(self._function)
        except BaseException as error:
            # The value of what was killed is None, and whoever waits gets every other error.
            if not (self._is_killed and isinstance(error, StopTask)):
                self._error = error
        finally:
            if self._parent is not None:
                self._parent.disown(self)
            connections.close_all()
            self._over.set()


def spawn(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Spawned:
    """Call a function in a thread of its own, and return what ``.get()`` and ``.kill()`` it.

    When the task in which it was spawned ends or is stopped, it is killed.
    """
    return Spawned(function, *args, **kwargs).start()
