"""The coroutines of a worker: one event loop in a thread of its own, a limited number of tasks at a time."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from asgiref.sync import sync_to_async

from django_q.cluster.slots import Slots, StopReason
from django_q.engine import connections, execution
from django_q.engine.execution import Attempt
from django_q.engine.timeouts import AsyncGuard
from django_q.exceptions import TaskCanceled, TaskInterrupt, TaskStopped, TaskTimeout
from django_q.kernel import clock
from django_q.kernel.messages import Outcome

Report = Callable[[Attempt, Outcome, float], None]

_INTERRUPTS: dict[StopReason, type[TaskInterrupt]] = {
    StopReason.TIMEOUT: TaskTimeout,
    StopReason.CANCEL: TaskCanceled,
    StopReason.SHUTDOWN: TaskStopped,
}


def interrupt_for(reason: StopReason) -> TaskInterrupt:
    """Return what is raised in a task that the sentinel stops."""
    kind = _INTERRUPTS[reason]
    return kind(kind.__doc__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a coroutine runs, and what can stop it."""

    number: int
    guard: AsyncGuard


class Crew:
    """Runs coroutine functions.

    In the loop's thread, ``report`` is called as soon as one ends, then ``log``, and ``wake`` when there is room again.
    """

    def __init__(
        self,
        slots: Slots,
        *,
        report: Report,
        log: Callable[[Attempt, Outcome], None],
        wake: Callable[[], None],
    ) -> None:
        self.slots = slots
        self._report = report
        self._log = log
        self._wake = wake
        self._free = deque(range(1, slots.entries))
        self._running: dict[int, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_full(self) -> bool:
        """Is there no room for another coroutine?"""
        return not self._free

    @property
    def is_idle(self) -> bool:
        """Has everything ended that was handed over?"""
        return len(self._free) == self.slots.entries - 1

    def submit(self, sequence: int, attempt: Attempt) -> None:
        """Hand a task over to the loop. There must be room."""
        loop = self._loop or self._start()
        loop.call_soon_threadsafe(self._begin, self._free.popleft(), sequence, attempt)

    def look(self) -> None:
        """Stop the coroutines that the sentinel asked to stop. Safe in a signal handler."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_asked)

    def rest(self) -> None:
        """Close the connections of the thread that coroutines call plain functions in, if nothing runs."""
        if self._loop is not None and self.is_idle:
            asyncio.run_coroutine_threadsafe(sync_to_async(connections.close)(), self._loop)

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run_for_ever, name="coroutines", daemon=True).start()
        return self._loop

    def _run_for_ever(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        while True:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # Raised in a task that a coroutine started beside itself: it ends that one only.
                continue

    # --- in the loop's thread

    def _begin(self, number: int, sequence: int, attempt: Attempt) -> None:
        assert self._loop is not None
        task = self._loop.create_task(self._run(number, sequence, attempt), name=attempt.task.name)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def _run(self, number: int, sequence: int, attempt: Attempt) -> None:
        entry = self._running[number] = _Entry(number, AsyncGuard())
        attempt.task = replace(attempt.task, asked=partial(self.slots.stop_asked, number))
        started = clock.monotonic()
        self.slots.begin(number, sequence, started)
        try:
            await execution.aperform(attempt, entry.guard)
            outcome = execution.conclude(attempt)
            self._report(attempt, outcome, clock.monotonic() - started)
            self.slots.end(number)
            await self._settle(attempt, outcome)
        finally:
            del self._running[number]
            self._free.append(number)
            self._wake()

    async def _settle(self, attempt: Attempt, outcome: Outcome) -> None:
        self._log(attempt, outcome)
        await execution.aannounce(attempt, outcome)
        if attempt.error is not None:
            attempt.error = None  # its traceback holds this frame, which holds the attempt
            # What ran in asgiref's thread used that thread's connections.
            await sync_to_async(connections.settle)(failed=True)

    def _stop_asked(self) -> None:
        for entry in tuple(self._running.values()):
            reason = self.slots.stop_asked(entry.number)
            if reason is not None:
                entry.guard.interrupt(interrupt_for(reason))
