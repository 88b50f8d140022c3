"""Runs tasks: plain functions one by one in its main thread, coroutines beside them."""

import logging
import os
import platform
import random
import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from typing import Any

from django_q import signals
from django_q.cluster.channels import Frame, Kind
from django_q.cluster.coroutines import Crew, interrupt_for
from django_q.cluster.courier import Courier
from django_q.cluster.role import Berth, Role
from django_q.cluster.slots import MAIN, Slots
from django_q.engine import connections, execution, reporters
from django_q.engine.execution import Attempt
from django_q.engine.timeouts import Guard
from django_q.events import writing
from django_q.exceptions import TaskInterrupt
from django_q.kernel import clock
from django_q.kernel.messages import Advance, Envelope, Letter, Outcome
from django_q.kernel.states import ERRORS

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

logger = logging.getLogger("django_q.tasks")

_IDLE = 30.0  # seconds without work after which database connections are closed


class Worker(Role):
    """A seat's process. It leads a process group, so that it can be killed with all that its tasks started."""

    title = "worker"
    # It has to end the processes that its tasks started before it ends itself.
    dies_with_parent = False

    def __init__(
        self,
        berth: Berth,
        *,
        slots: Slots,
        seat: int,
        recycle: int | None = None,
        max_rss: int | None = None,
        cpus: tuple[int, ...] = (),
    ) -> None:
        super().__init__(berth)
        self.slots = slots
        self.seat = seat
        self.recycle = recycle  # tasks
        self.max_rss = max_rss  # kilobytes
        self.cpus = cpus  # to run on; empty for all

    def full_title(self, suffix: str = "") -> str:
        return super().full_title(f"{self.seat} {suffix}".strip())

    def short_title(self) -> str:
        return f"q worker {self.seat}"

    def setup(self) -> None:
        self._lead_group()
        self.label = f"{socket.gethostname()}:{os.getpid()}"
        self.waiting: deque[tuple[int, Envelope, bytes]] = deque()  # given, not started
        self.leaving = False
        self._recalled = False
        self._sending = threading.Lock()  # between the main thread, the coroutines' and the progress's
        # Without jitter, workers that started together would leave together.
        self._tasks_left = self.recycle and self.recycle - random.randrange(self.recycle // 10 + 1)  # noqa: S311
        self._patience: float | None = _IDLE * 1000  # milliseconds
        self._poll = select.poll()
        self._open_bell()
        self.guard = Guard(self._pending)
        self.courier = Courier(self._send_progress)
        self.crew = Crew(self.slots, report=self._report, log=self._log, wake=self._ring)
        self._take_signals()
        connections.watch()
        writing.use_thread()
        reporters.load()
        signals.send(signals.post_spawn, proc_name=self.full_title())

    def tick(self) -> None:
        if self._recalled:
            self._give_back()
        if self.leaving:
            self._leave()
        elif self.waiting and not self.crew.is_full:
            self._start(*self.waiting.popleft())
            self.leaving = self.leaving or self._is_spent()
        else:
            self._listen()

    def teardown(self) -> None:
        writing.stop()
        connections.close()

    def orphaned(self) -> None:
        """End with every process that the tasks started: the sentinel is gone."""
        if os.getpgrp() == os.getpid():  # else this is still the group of whoever started the cluster
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    # --- one task

    def _start(self, sequence: int, envelope: Envelope, letter: bytes) -> None:
        started = clock.monotonic()
        self.slots.begin(MAIN, sequence, started)
        asked = partial(self.slots.stop_asked, MAIN)
        opened = Letter.unpack(letter)
        attempt = execution.prepare(envelope, opened, worker=self.label, asked=asked, sink=self.courier)
        if attempt.is_async:
            self.slots.end(MAIN)
            return self.crew.submit(sequence, attempt)
        execution.perform(attempt, self.guard)
        outcome = execution.conclude(attempt)
        self._report(attempt, outcome, clock.monotonic() - started)
        self.slots.end(MAIN)
        self._log(attempt, outcome)
        execution.announce(attempt, outcome)
        connections.settle(failed=attempt.error is not None)
        attempt.error = None  # its traceback holds this frame, which holds the attempt

    def _report(self, attempt: Attempt, outcome: Outcome, seconds: float) -> None:
        self.courier.close(attempt.task.meter)
        header = (outcome.id, outcome.token, int(outcome.ending), seconds, attempt.is_async)
        self._send(Kind.OUTCOMES, [header], [outcome.report.pack()])

    def _log(self, attempt: Attempt, outcome: Outcome) -> None:
        if outcome.ending in ERRORS:
            extra = {"action": "task_failed", "task_id": outcome.id, "func": attempt.task.func}
            name, error = attempt.task.name, outcome.report.error
            logger.error("Task %s failed: %s", name, error, exc_info=attempt.error, extra=extra)
            if attempt.error is not None:
                reporters.report(attempt.error, attempt.task)

    def _is_spent(self) -> bool:
        """Has this process done its share, or grown too large?"""
        if self._tasks_left is not None:
            self._tasks_left -= 1
            if self._tasks_left <= 0:
                return True
        return self.max_rss is not None and resident_kilobytes() > self.max_rss

    def _leave(self) -> None:
        """Return what is not started, wait for the coroutines, and be done. The sentinel kills if it takes too long."""
        self._send(Kind.LEAVING, [])
        self._give_back()
        while not self.crew.is_idle:
            self._listen()
            if self.waiting or self._recalled:
                self._give_back()
        self.done = True

    # --- the pipes

    def _listen(self) -> None:
        """Wait for a frame, or for the bell: a signal or the end of a coroutine."""
        ready = dict(self._poll.poll(self._patience))
        if not ready:
            connections.close()
            self.crew.rest()
            self._patience = None
            return
        self._patience = _IDLE * 1000
        if self._bell in ready:
            self._mute()
        if self.receiver.fd in ready:
            self._hear()

    def _hear(self) -> None:
        """Take all frames that have arrived."""
        for frame in self.receiver.pending():
            self._take(frame)
        if self.receiver.closed and not self.leaving:
            self.leaving = True
        if self.receiver.closed:
            self._poll.unregister(self.receiver.fd)

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.STOP:
            self.leaving = True
        elif frame.kind is Kind.TASKS:
            for header, letter in zip(frame.headers, frame.letters, strict=True):
                self.waiting.append((header[0], Envelope(*header[1:]), letter))

    def _give_back(self) -> None:
        """Answer with the tasks that this worker will not start; with none if there are none."""
        self._recalled = False
        if not self.receiver.closed:
            self._hear()
        headers = [(sequence,) for sequence, _, _ in self.waiting]
        self.waiting.clear()
        self._send(Kind.RETURNED, headers)

    def _send(self, kind: Kind, headers: list[tuple[Any, ...]], letters: list[bytes] | None = None) -> None:
        try:
            with self._sending:
                self.sender.send(kind, headers, letters or [])
        except BrokenPipeError:
            self.orphaned()  # in this thread nobody might notice

    def _send_progress(self, advances: Sequence[Advance], is_last: bool) -> bool:
        """Send progress; what is not the last of its task only if the pipe has room, so that nobody waits behind it."""
        try:
            with self._sending:
                if not is_last and not self.sender.has_room():
                    return False
                self.sender.send(Kind.PROGRESS, [astuple(advance) for advance in advances])
        except BrokenPipeError:
            self.orphaned()
        return True

    # --- the bell, with which signal handlers and coroutines wake the main thread

    def _open_bell(self) -> None:
        self._bell, self._clapper = os.pipe()
        for end in (self._bell, self._clapper):
            os.set_blocking(end, False)
        self._poll.register(self._bell, select.POLLIN)
        self._poll.register(self.receiver.fd, select.POLLIN)

    def _ring(self) -> None:
        try:
            os.write(self._clapper, b"!")
        except BlockingIOError:
            return  # it has been rung often enough

    def _mute(self) -> None:
        try:
            os.read(self._bell, 4096)
        except BlockingIOError:
            return

    # --- signals

    def _take_signals(self) -> None:
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGUSR1, self._on_recall)
        os.register_at_fork(after_in_child=self._resign)

    def _on_term(self, number: int, frame: Any) -> None:
        """Raise in the tasks that the sentinel wants stopped; without a stop flag a TERM means nothing here."""
        self.crew.look()
        error = self._stop_of_main()
        if error is not None:
            self.guard.interrupt(error)

    def _on_recall(self, number: int, frame: Any) -> None:
        """Give back what has not started: at once while a task runs, else as the next thing the main thread does."""
        self._recalled = True
        if self.guard.armed and not self.guard.is_held:
            self._answer_recall()
        else:
            self._ring()

    def _answer_recall(self) -> None:
        # Nothing is raised in the middle of a frame, and a second recall only leaves its mark.
        self.guard.hold()
        try:
            while self._recalled:
                self._give_back()
        finally:
            self.guard.release()

    def _pending(self) -> TaskInterrupt | None:
        """Look, when a function begins, for what came while it could be neither interrupted nor recalled."""
        if self._recalled:
            self._answer_recall()
        return self._stop_of_main()

    def _stop_of_main(self) -> TaskInterrupt | None:
        reason = self.slots.stop_asked(MAIN)
        return None if reason is None else interrupt_for(reason)

    def _resign(self) -> None:
        """Be an ordinary process, in a child that a task forked: it must end when it is told to, and hold no pipe."""
        self.guard.armed = False
        self.courier.mute()
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for end in (self.berth.link.reading, self.berth.link.writing, self.berth.life):
            end.close()

    def _lead_group(self) -> None:
        os.setpgid(0, 0)
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)


def resident_kilobytes() -> int:
    """Return how much memory this process holds; where the system does not say, the most that it ever held."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            pages = int(file.read(64).split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024
    except (OSError, ValueError, IndexError):
        usage = getattr(resource, "getrusage", None)  # absent on Windows
        peak: int = usage(resource.RUSAGE_SELF).ru_maxrss if usage else 0
        return peak // 1024 if platform.system() == "Darwin" else peak
