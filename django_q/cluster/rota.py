"""In which queues a pusher looks, and in which order."""

from collections import deque
from collections.abc import Sequence

from django_q.kernel import clock
from django_q.kernel.queues import EVERY
from django_q.tasks import backlog


class Rota:
    """The queues of a pusher: those that the settings name, in their order, or every queue that holds ready rows.

    Of every queue another one comes first each time: one that is never empty must not keep the others waiting.
    """

    def __init__(self, queues: Sequence[str], *, every: float) -> None:
        self.is_open = EVERY in queues
        self._queues = deque(() if self.is_open else queues)
        self._every = every  # seconds after which names are asked for again, though nobody rang
        self._asked_at = -every
        self._is_stale = self.is_open
        self._has_asked = False

    def next(self) -> list[str]:
        """Return the queues to look into."""
        self._has_asked = self.is_open and (self._is_stale or clock.monotonic() - self._asked_at >= self._every)
        if self._has_asked:
            self._renew()
        if self.is_open:
            self._queues.rotate(-1)
        return list(self._queues)

    def doubt(self) -> bool:
        """Note that there may be ready rows in queues that are not known. Is it worth to look again at once?"""
        self._is_stale = self.is_open
        return self.is_open and not self._has_asked

    def _renew(self) -> None:
        """Ask which queues hold ready rows, and go on where the rota was."""
        found = set(backlog.ready_queues())
        known = [queue for queue in self._queues if queue in found]
        self._queues = deque([*known, *sorted(found.difference(known))])
        self._asked_at = clock.monotonic()
        self._is_stale = False
