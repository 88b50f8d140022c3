"""What a worker runs, in memory that it shares with the sentinel: no lock, one writer for each number.

A seat has one entry for the worker's main thread (:data:`MAIN`) and one for each coroutine. The worker writes which of
its tasks an entry runs and since when, the sentinel which one is to stop and why. The sentinel numbers tasks from 1.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

MAIN = 0

_SEQUENCE, _STARTED, _STOP_SEQUENCE, _STOP_REASON = range(4)
_SIZE = 4


class StopReason(IntEnum):
    """Why the sentinel wants a task to end."""

    TIMEOUT = 1
    CANCEL = 2
    SHUTDOWN = 3


@dataclass(frozen=True, slots=True)
class Slots:
    """The entries of one seat. Travels to the child under every start method."""

    entries: int
    array: Any  # doubles, which this platform writes in one piece

    @classmethod
    def create(cls, context: Any, entries: int) -> "Slots":
        """Make the memory for a seat, with the multiprocessing context that starts its worker."""
        return cls(entries, context.RawArray("d", entries * _SIZE))

    def begin(self, entry: int, sequence: int, moment: float) -> None:
        """Say that an entry runs a task now. For the worker."""
        base = entry * _SIZE
        # The moment first: whoever sees the task sees its own start or a later one, so none is overdue too early.
        self.array[base + _STARTED] = moment
        self.array[base + _SEQUENCE] = sequence

    def end(self, entry: int) -> None:
        """Say that an entry runs nothing. For the worker, once the outcome is in the pipe."""
        self.array[entry * _SIZE + _SEQUENCE] = 0

    def running(self) -> list[tuple[int, int, float]]:
        """Return entry, sequence and start of all that runs. For the sentinel."""
        sequences = self.array[_SEQUENCE::_SIZE]
        array = self.array
        return [
            (entry, int(sequence), array[entry * _SIZE + _STARTED])
            for entry, sequence in enumerate(sequences)
            if sequence
        ]

    def since(self, entry: int) -> float | None:
        """Return since when an entry has been running its task, None if it runs none. For the sentinel."""
        base = entry * _SIZE
        return self.array[base + _STARTED] if self.array[base + _SEQUENCE] else None

    def ask_stop(self, entry: int, sequence: int, reason: StopReason) -> None:
        """Ask that an entry's task ends, if it still is this one; a TERM makes the worker look. For the sentinel."""
        base = entry * _SIZE
        self.array[base + _STOP_REASON] = reason
        self.array[base + _STOP_SEQUENCE] = sequence

    def stop_asked(self, entry: int) -> StopReason | None:
        """Return why the task that an entry runs now has to end, None if it may go on. For the worker."""
        base = entry * _SIZE
        sequence = self.array[base + _STOP_SEQUENCE]
        if not sequence or sequence != self.array[base + _SEQUENCE]:
            return None
        return StopReason(int(self.array[base + _STOP_REASON]))

    def clear(self) -> None:
        """Forget everything, before the next worker takes the seat. For the sentinel."""
        for index in range(self.entries * _SIZE):
            self.array[index] = 0
