"""The sentinel's memory of every claim, from its arrival until the monitor confirms what became of it."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django_q.cluster.slots import StopReason
from django_q.kernel import clock
from django_q.kernel.messages import Envelope, Report, Verdict
from django_q.kernel.states import Ending

Key = tuple[str, str]  # id and token


class Place(Enum):
    """Where a claim is."""

    BACKLOG = "backlog"  # not handed out yet
    MARKING = "marking"  # its start is being written before it is handed out alone
    SEAT = "seat"  # handed to a worker
    OUTCOME = "outcome"  # ended; the monitor has not confirmed it yet


@dataclass(slots=True, eq=False)
class Entry:
    """One claim and what is known of it."""

    envelope: Envelope
    letter: bytes
    place: Place = Place.BACKLOG
    marked: bool = False  # its start has been written
    stop: StopReason | None = None  # somebody wants it stopped
    asked_at: float | None = None  # when its worker was told
    outcome: tuple[tuple[Any, ...], bytes] | None = None

    @property
    def key(self) -> Key:
        """Return id and token, which name this claim and no other."""
        return (self.envelope.id, self.envelope.token)


class Ledger:
    """All claims of this incarnation. Nothing leaves it but by a confirmation."""

    def __init__(self) -> None:
        self.backlog: deque[Entry] = deque()
        self.alone: deque[Entry] = deque()  # marked, waiting for an empty seat
        self.unconfirmed_bytes = 0
        self.unconfirmed = 0  # outcomes
        self._entries: dict[Key, Entry] = {}
        self._unsent: list[Key] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, key: Key) -> Entry | None:
        """Return the entry of a claim, or None when it was confirmed or never known."""
        return self._entries.get(key)

    def find(self, id: str) -> Entry | None:
        """Return the newest claim of a task that has not ended."""
        found = [
            entry for (known, _), entry in self._entries.items() if known == id and entry.place is not Place.OUTCOME
        ]
        return found[-1] if found else None

    def admit(self, envelope: Envelope, letter: bytes) -> Entry:
        """Enter a claim; one that must run alone waits until its start is written."""
        entry = Entry(envelope, letter)
        self._entries[entry.key] = entry
        if envelope.alone:
            entry.place = Place.MARKING
        else:
            self.backlog.append(entry)
        return entry

    def to_mark(self) -> list[Entry]:
        """Return the claims whose start has to be written before they are handed out."""
        return [entry for entry in self if entry.place is Place.MARKING and not entry.marked]

    def marked(self, key: Key) -> None:
        """Note that the start of a claim is written, so that it may be handed out alone."""
        entry = self._entries.get(key)
        if entry is not None and entry.place is Place.MARKING and not entry.marked:
            entry.marked = True
            self.alone.append(entry)

    def seated(self, entry: Entry) -> None:
        """Note that a claim was handed to a worker."""
        entry.place = Place.SEAT

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Return claims that no worker started to the head of the backlog, in their order."""
        for entry in reversed(list(entries)):
            if entry.envelope.alone:
                entry.place = Place.MARKING
                self.alone.appendleft(entry)
            else:
                entry.place = Place.BACKLOG
                self.backlog.appendleft(entry)

    def ended(self, key: Key, header: tuple[Any, ...], report: bytes) -> Entry | None:
        """Keep an outcome until it is confirmed. None: the claim is not ours any more."""
        entry = self._entries.get(key)
        if entry is None or entry.place is Place.OUTCOME:
            return None
        self._leave_queue(entry)
        entry.place = Place.OUTCOME
        entry.outcome = (header, report)
        entry.letter = b""
        self.unconfirmed_bytes += len(report)
        self.unconfirmed += 1
        self._unsent.append(key)
        return entry

    def conclude(self, entry: Entry, ending: Ending, *, worker: str = "", error: str = "") -> None:
        """Write the outcome that a worker could not or did not have to write."""
        moment = clock.epoch()
        report = Report(started=moment, stopped=moment, error=error, worker=worker)
        verdict = Verdict(*entry.key, int(ending), 0.0, False)
        self.ended(entry.key, as_tuple(verdict), report.pack())

    def outcomes(self) -> tuple[list[tuple[Any, ...]], list[bytes]]:
        """Return headers and letters of what the monitor has not been sent yet."""
        kept = [self._entries[key].outcome for key in self._unsent if key in self._entries]
        self._unsent.clear()
        sendable = [outcome for outcome in kept if outcome is not None]
        return [header for header, _ in sendable], [report for _, report in sendable]

    def send_again(self) -> None:
        """Note that the monitor died: whatever it has not confirmed goes to the next one."""
        self._unsent = [key for key, entry in self._entries.items() if entry.place is Place.OUTCOME]

    def confirm(self, key: Key) -> None:
        """Forget a claim whose outcome is recorded, or was discarded for good."""
        entry = self._entries.pop(key, None)
        if entry is not None and entry.outcome is not None:
            self.unconfirmed_bytes -= len(entry.outcome[1])
            self.unconfirmed -= 1

    def ids(self) -> list[str]:
        """Return the ids of all claims."""
        return [id for id, _ in self._entries]

    def _leave_queue(self, entry: Entry) -> None:
        for queue in (self.backlog, self.alone):
            if entry.place in (Place.BACKLOG, Place.MARKING) and entry in queue:
                queue.remove(entry)


def as_tuple(verdict: Verdict) -> tuple[Any, ...]:
    """Return the header of an outcome's frame."""
    return (verdict.id, verdict.token, verdict.ending, verdict.seconds, verdict.is_async)
