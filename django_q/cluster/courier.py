"""Brings a worker's progress to the sentinel: the newest values of each task, a few times a second."""

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue

from django_q.engine.progress import PACE, Meter, Values, complain
from django_q.kernel import clock
from django_q.kernel.messages import Advance

# Sends them; if it may not wait and there is no room in the pipe, it says False.
Send = Callable[[Sequence[Advance], bool], bool]

#: Advances in one frame: with the longest messages they still fit where a pipe says that it has room.
MOST = 3


class Courier:
    """The sink of a worker. Its thread starts with the first progress; a task only puts its meter into a queue.

    That queue is the one of the standard library which a signal handler may interrupt anywhere.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._meters: SimpleQueue[Meter] = SimpleQueue()
        self._order = threading.Lock()  # what was sent last of a task has to be its last
        self._only_one = threading.Lock()
        self._is_running = False
        self._is_mute = False

    def take(self, meter: Meter) -> None:
        if self._is_mute:
            return
        meter.queued = True
        self._meters.put(meter)
        if not self._is_running:
            # The thread itself says that it runs: should an interrupt come between, the next call starts another one.
            try:
                threading.Thread(target=self._run, name="progress", daemon=True).start()
            except RuntimeError as error:  # the system has no thread left: what is unsent at the end is sent then
                complain("The progress of tasks is not sent while they run: %s", error)

    def close(self, meter: Meter | None) -> None:
        """Send what is unsent, however long that takes, before the outcome is: the attempt has ended."""
        if meter is None or self._is_mute or meter.newest is None:
            return
        with self._order:
            meter.closed = True
            values = meter.unsent()
        if values is not None:
            self._send([meter.advance(values)], True)

    def mute(self) -> None:
        """Send nothing any more: this is a child that a task forked, without the thread and without the pipe."""
        self._is_mute = True

    def deliver(self) -> None:
        """Send the newest values of the meters that were taken; what finds no room is taken again."""
        listed = list(self._taken())
        for start in range(0, len(listed), MOST):
            self._deliver(listed[start : start + MOST])

    def _run(self) -> None:
        if not self._only_one.acquire(blocking=False):
            return
        self._is_running = True
        while True:
            self._meters.put(self._meters.get())  # wait for one
            self.deliver()
            clock.sleep(PACE)

    def _taken(self) -> Iterator[Meter]:
        for _ in range(self._meters.qsize()):
            meter = self._meters.get()
            meter.queued = False  # before its values are read: what comes from now on is sent next time
            yield meter

    def _deliver(self, meters: Sequence[Meter]) -> None:
        found: list[tuple[Meter, Values]] = []
        for meter in meters:
            values = meter.unsent()
            if values is not None:
                found.append((meter, values))
        # Turned into text outside of the lock: that calls code of the user.
        advances = {meter.id: meter.advance(values) for meter, values in found}
        with self._order:
            open_ones = [(meter, values) for meter, values in found if not meter.closed]
            if not open_ones:
                return
            if self._send([advances[meter.id] for meter, _ in open_ones], False):
                for meter, values in open_ones:
                    meter.sent = values
                return
        for meter, _ in open_ones:
            if not meter.queued:
                self.take(meter)
