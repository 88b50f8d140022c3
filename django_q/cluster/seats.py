"""A worker's place in the pool: its process, its two pipes, its slots, and what it was given."""

import os
import signal
from dataclasses import dataclass

from django_q.cluster.channels import Frame, Kind
from django_q.cluster.children import EXIT, Child, Nursery
from django_q.cluster.launch import Recruit
from django_q.cluster.ledger import Entry, Key
from django_q.cluster.slots import Slots, StopReason
from django_q.kernel import clock

_BOOT_LIMIT = 60.0  # seconds that a worker may take to say that it is ready


@dataclass(frozen=True, slots=True)
class Running:
    """A task that a worker is running now."""

    place: int  # entry of the slots; 0 is the main thread
    sequence: int
    since: float  # monotonic
    entry: Entry


class Seat(Child):
    """One worker, from its start to its death; then the seat is filled with a new one."""

    def __init__(self, nursery: Nursery, recruit: Recruit, slots: Slots, number: int) -> None:
        super().__init__(nursery, recruit, f"worker {number}")
        self.number = number
        self.slots = slots
        self.given: dict[int, Entry] = {}  # by sequence number, in the order of handing out
        self.is_exclusive = False  # holds a task that has to run alone
        self.recalled_at: float | None = None
        self._leaving_since: float | None = None
        self.load = 0.0  # estimated seconds of what it was given and has not finished
        self._sequences: dict[Key, int] = {}
        self._estimates: dict[int, float] = {}
        self._next = 1
        self._given_at = 0.0

    @property
    def takes_work(self) -> bool:
        """May it be given tasks?"""
        return self.is_ready and not (self._leaving_since or self.was_killed or self.is_exclusive or self.is_dead)

    def stop(self) -> None:
        self.leave()
        super().stop()

    def leave(self) -> None:
        """Note that the worker is on its way out: it takes no more."""
        self._leaving_since = self._leaving_since or clock.monotonic()

    @property
    def lingers(self) -> bool:
        """Should it have gone by now? A thread that a task left behind may keep it from its end."""
        if self._leaving_since is None or self.running():
            return False
        return clock.monotonic() - max(self._leaving_since, self.heard_at) > EXIT

    @property
    def boots_too_long(self) -> bool:
        """Has it never become ready?"""
        return not self.is_ready and clock.monotonic() - self.started_at > _BOOT_LIMIT

    @property
    def quiet_since(self) -> float:
        """Return since when the worker has had tasks and said nothing."""
        return max(self.heard_at, self._given_at)

    def give(self, entries: list[tuple[Entry, float]]) -> None:
        """Hand out tasks, each with its estimated seconds."""
        headers, letters = [], []
        if not self.given:
            self._given_at = clock.monotonic()
        for entry, estimate in entries:
            sequence, self._next = self._next, self._next + 1
            self.given[sequence] = entry
            self._sequences[entry.key] = sequence
            self._estimates[sequence] = estimate
            self.load += estimate
            headers.append((sequence, *entry.envelope.header))
            letters.append(entry.letter)
        self.tell(Frame(Kind.TASKS, headers, letters))

    def take_back(self, sequence: int) -> Entry | None:
        """Forget a task that the worker finished or will not start."""
        entry = self.given.pop(sequence, None)
        if entry is not None:
            self._sequences.pop(entry.key, None)
            self.load = max(0.0, self.load - self._estimates.pop(sequence, 0.0))
        if not self.given:
            self.load = 0.0
            self.recalled_at = None
            self.is_exclusive = False
        return entry

    def finished(self, key: Key) -> Entry | None:
        """Forget a task by its claim."""
        sequence = self._sequences.get(key)
        return None if sequence is None else self.take_back(sequence)

    def is_busy_since(self, moment: float) -> bool:
        """Has its main thread been in one task since then?"""
        since = self.slots.since(0)
        return since is not None and since < moment

    def running(self) -> list[Running]:
        """Return what the worker says it is running, as far as its outcome has not come."""
        found = []
        for place, sequence, since in self.slots.running():
            entry = self.given.get(sequence)
            if entry is not None:
                found.append(Running(place, sequence, since, entry))
        return found

    def recall(self) -> None:
        """Ask for the tasks that it has not started."""
        self.recalled_at = clock.monotonic()
        self._signal(signal.SIGUSR1)

    def ask_to_stop(self, task: Running, reason: StopReason) -> None:
        """Stop one task: its worker raises in it."""
        self.slots.ask_stop(task.place, task.sequence, reason)
        task.entry.stop = reason
        task.entry.asked_at = clock.monotonic()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the worker and every process that its tasks started in its group."""
        self.was_killed = True
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            super().kill()  # it has not made its group yet, or nothing of it is left
        except PermissionError:
            super().kill()  # macOS, when a member has changed its user
