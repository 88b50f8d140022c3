"""Passes progress through the sentinel: the newest of each task, one batch at a time, and never more than fits."""

from collections.abc import Iterable

from django_q.cluster.channels import Frame, Kind
from django_q.kernel import clock

_PACE = 0.25  # seconds between two batches
_MOST = 10_000  # tasks whose progress is kept; beyond it, the one that was heard of first is forgotten
_BATCH = 1000

Header = tuple[str, float, float | None, str]


class Relay:
    """What workers said and no keeper has written. One that is slow costs only values that newer ones follow."""

    def __init__(self) -> None:
        self._newest: dict[str, Header] = {}
        self._sent: dict[str, Header] = {}  # with the keeper, which has not confirmed it
        self._sent_at = float("-inf")

    @property
    def is_waiting(self) -> bool:
        """Is there something to be passed on soon?"""
        return bool(self._newest) and not self._sent

    def take(self, headers: Iterable[Header]) -> None:
        """Keep what a worker said."""
        for header in headers:
            self._newest.pop(header[0], None)
            self._newest[header[0]] = header
        while len(self._newest) > _MOST:
            del self._newest[next(iter(self._newest))]

    def next(self) -> Frame | None:
        """Return what to tell the keeper now; None while it has not written what it was told, or that is too fresh."""
        is_fresh = clock.monotonic() - self._sent_at < _PACE
        if not self.is_waiting or (is_fresh and len(self._newest) < _BATCH):  # a full batch cannot get better
            return None
        self._sent_at = clock.monotonic()
        self._sent = {id: self._newest.pop(id) for id in list(self._newest)[:_BATCH]}
        return Frame(Kind.PROGRESS, list(self._sent.values()))

    def rest(self) -> Frame | None:
        """Return all that is left, for a keeper that is about to be stopped."""
        left, self._newest = list(self._newest.values()), {}
        return Frame(Kind.PROGRESS, left) if left else None

    def written(self) -> None:
        """Forget what the keeper was told: it has written it."""
        self._sent = {}

    def again(self) -> None:
        """Keep what a keeper was told that died, where nothing newer has come."""
        self._newest = {**self._sent, **self._newest}
        self._sent = {}
