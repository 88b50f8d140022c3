"""Interrupt user code, and nothing else: at time limits, when it is canceled, when a shutdown's grace is over.

A :class:`Guard` interrupts a function in the main thread by a signal handler that raises; an :class:`AsyncGuard`
cancels a coroutine. Both raise only while user code runs, never in the code around it.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from django_q.exceptions import TaskInterrupt, TaskTimeout
from django_q.kernel import clock

# Absent on Windows, where functions have no soft limit.
_ALARM = getattr(signal, "SIGALRM", None)
_TIMER = getattr(signal, "ITIMER_REAL", None)
_set_timer: Any = getattr(signal, "setitimer", None)
_NOTHING: Any = object()


def timed_out(seconds: float) -> TaskTimeout:
    """Return what is raised in a task at its limit."""
    return TaskTimeout(f"The task ran longer than its timeout of {seconds:g} s.")


class Guard:
    """Run functions in the main thread so that a signal handler can interrupt them, and nothing else.

    ``pending`` is asked when a call begins, for a stop that was asked for while nothing could be interrupted.
    """

    def __init__(self, pending: Callable[[], TaskInterrupt | None] | None = None) -> None:
        self.armed = False  # does user code run?
        self._pending = pending
        self._used = False
        self._held = False
        self._late: TaskInterrupt | None = None

    def call(self, timeout: float | None, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function that may be interrupted, after ``timeout`` seconds at the latest; raise what it raises."""
        self._used, self._late = False, None
        if timeout is None or not _can_interrupt():
            return self._call(None, function, args)
        limit = _Alarm(self, timeout)
        try:
            return self._call(limit, function, args)
        finally:
            limit.remove()

    def _call(self, limit: "_Alarm | None", function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        value = _NOTHING
        # An interrupt may arrive between any two steps, even in `finally` before it has disarmed. There are two at
        # most, an alarm and an interrupt(), so two levels disarm whatever happens, and the third decides.
        try:
            try:
                try:
                    self.armed = True
                    if limit is not None:
                        limit.start()
                    if self._pending is not None and (error := self._pending()) is not None:
                        self.interrupt(error)
                    value = function(*args)
                finally:
                    self.armed = False
            finally:
                self.armed = False
        except TaskInterrupt:
            if value is _NOTHING:
                raise
            # The function had returned already: the interrupt came too late, its work is done.
        return value

    def interrupt(self, error: TaskInterrupt) -> None:
        """Raise an error in the running function, once per call. For signal handlers in the main thread."""
        if self.armed and not self._used:
            self._used = True
            self.strike(error)

    def strike(self, error: TaskInterrupt) -> None:
        """Raise an error if user code runs; later, if it is held."""
        if not self.armed:
            return
        if self._held:
            self._late = error
            return
        raise error

    @property
    def is_held(self) -> bool:
        """Is a signal handler doing what must not be cut in two?"""
        return self._held

    def hold(self) -> None:
        """Raise nothing for now: a signal handler does something that must not be cut in two."""
        self._held = True

    def release(self) -> None:
        """Raise what came in the meantime."""
        self._held = False
        late, self._late = self._late, None
        if late is not None:
            self.strike(late)


class _Alarm:
    """One use of the process's interval timer; gives handler and timer back to whoever used them before."""

    def __init__(self, guard: Guard, seconds: float) -> None:
        self.guard = guard
        self.seconds = seconds
        self.started = clock.monotonic()
        self.before = (0.0, 0.0)
        self.handler = signal.signal(_ALARM, self._ring)  # type: ignore[arg-type]

    def start(self) -> None:
        self.before = _set_timer(_TIMER, self.seconds)

    def remove(self) -> None:
        _set_timer(_TIMER, 0)
        signal.signal(_ALARM, self.handler or signal.SIG_DFL)  # type: ignore[arg-type]
        remaining, interval = self.before
        if remaining:
            _set_timer(_TIMER, max(remaining - (clock.monotonic() - self.started), 0.001), interval)

    def _ring(self, number: int, frame: Any) -> None:
        self.guard.strike(timed_out(self.seconds))


def _can_interrupt() -> bool:
    return _set_timer is not None and threading.current_thread() is threading.main_thread()


class AsyncGuard:
    """Run one coroutine so that its event loop can cancel it with a reason."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._error: TaskInterrupt | None = None

    async def call(self, timeout: float | None, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Await a coroutine function; an interrupt raises its own error in place of the cancellation."""
        self._task = asyncio.current_task()
        timer = None
        if timeout is not None:
            timer = asyncio.get_running_loop().call_later(timeout, self._expire, timeout)
        try:
            return await function(*args)
        except asyncio.CancelledError as error:
            if self._error is None:
                raise
            raise self._error from error
        finally:
            self._task = None
            if timer is not None:
                timer.cancel()

    def interrupt(self, error: TaskInterrupt) -> None:
        """Cancel the coroutine, once. To be called in the thread of its loop."""
        if self._task is not None and self._error is None:
            self._error = error
            self._task.cancel()

    def _expire(self, seconds: float) -> None:
        self.interrupt(timed_out(seconds))
