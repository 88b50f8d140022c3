"""The verbs that every broker has."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django_q.engine.completion import Settled
from django_q.kernel.messages import Claim, Outcome
from django_q.kernel.queues import EVERY

# What the keepers of the clusters on a host are told; no queue may bear such a name.
DUE = "*due"
STOP = "*stop"
# What those are told who read events, on every host.
EVENTS = "*events"


def is_meant(names: Collection[str], told: str) -> bool:
    """Is who listens for these names meant by what a bell tells? What begins with an asterisk is no queue."""
    return told in names or EVERY in names and not told.startswith(EVERY)


class Listener(ABC):
    """Tells a process that there may be something to do."""

    @abstractmethod
    def filenos(self) -> list[int]:
        """Return the descriptors that become readable when the bell rings."""

    @abstractmethod
    def heard(self) -> bool:
        """Say whether the bell rang since the last call, and forget it."""

    # Does it ring for every commit, wherever it comes from? Then polling is a mere precaution.
    hears_all: bool = False

    # May one ring stand for commits that follow it?
    is_coalesced: bool = False

    # How often to ask heard() although no descriptor became readable, in seconds; None: never.
    look_every: float | None = None

    def close(self) -> None:  # noqa: B027  nothing to close for a listener without descriptors
        """Stop listening."""


class QueueBroker(ABC):
    """Hands tasks out. History, deferred and waiting rows, hooks and heartbeats are always in the database."""

    @abstractmethod
    def enqueue(self, rows: Sequence[Sequence[Any]]) -> None:
        """Store new rows (``models.queue.NEW_COLUMNS`` each)."""

    @abstractmethod
    def announce(self, queues: Iterable[str]) -> None:
        """Wake the clusters that serve these queues. Never raises: a poll finds what was not announced."""

    @abstractmethod
    def claim(self, limit: int, *, queues: Sequence[str], incarnation: str, generation: int) -> list[Claim]:
        """Lease up to ``limit`` ready tasks to a living incarnation. No task is leased twice."""

    @abstractmethod
    def finish(self, outcomes: Sequence[Outcome], *, cluster: str) -> Settled:
        """Record how attempts ended; each claim counts once."""

    @abstractmethod
    def release(self, *, incarnation: str, generations: Iterable[int], known: Iterable[str]) -> int:
        """Give back what dead pushers claimed and the ledger does not know. Return how many."""

    @abstractmethod
    def tell_keepers(self, topic: str) -> None:
        """Tell the clusters on this host that a row is DUE soon, or that one shall STOP. Never raises."""

    @abstractmethod
    def listen(self, queues: Sequence[str]) -> Listener:
        """Return the bell of these queues; ``"*"`` is that of every queue."""

    @abstractmethod
    def listen_for(self, topics: Sequence[str]) -> Listener:
        """Return the bell of DUE and STOP."""

    @abstractmethod
    def depth(self, queue: str) -> int:
        """Return how many tasks of a queue are ready."""
