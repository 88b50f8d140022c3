"""Records outcomes in batches and confirms each to the sentinel once its transaction is committed."""

import logging

from django.db import DataError, Error, IntegrityError, connections

from django_q.brokers.base import DUE
from django_q.cluster.channels import Frame, Kind
from django_q.cluster.database import DatabaseRole
from django_q.kernel import clock
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending

logger = logging.getLogger("django_q.cluster")

_BATCH = 500
_FIRST = 50  # outcomes in the first batch: a monitor that takes too long is replaced, and would begin with the same
_SLOW = 2.0  # seconds that a batch may take before the next ones are smaller
_FULL = 100  # outcomes that are not waited beyond
_BUSY = 10  # outcomes in a batch after which the next one is waited for
_WAIT = 0.005  # seconds that a batch may wait to grow
_WORKER = 300  # characters of a worker's name that its column holds
_GIVE_UP = 5  # refusals of one outcome alone, on a connection that works, until it is recorded without its result
_LARGE = 1 << 20  # bytes of a result that may be more than a server accepts in one statement


class Monitor(DatabaseRole):
    """The one process that moves tasks from the queue to the history."""

    title = "monitor"

    def setup(self) -> None:
        super().setup()
        self.outcomes: list[Outcome] = []
        self._oldest = 0.0  # when the first of them came
        self._last = 0  # how many the last batch held
        self._most = _FIRST
        self._refusals = 0  # of the first outcome, one after the other
        self._stopping = False

    def work(self) -> float:
        if not self.outcomes:
            self.done = self._stopping
            return 0.0 if self.done else 1.0
        if self._is_growing():
            return max(0.0, self._oldest + _WAIT - clock.monotonic())
        batch = self.outcomes[: self._most]
        began = clock.monotonic()
        try:
            settled = self.broker.finish(batch, cluster=self.berth.cluster)
        except Exception as error:
            self._suspect(batch, error)
            raise
        del self.outcomes[: len(batch)]
        self._refusals = 0
        self._last, self._oldest = len(batch), clock.monotonic()
        self._most = max(1, self._most // 4) if self._oldest - began > _SLOW else min(_BATCH, self._most * 4)
        self.sender.send(Kind.CONFIRMED, [(outcome.id, outcome.token) for outcome in batch])
        if settled.ready:
            self.broker.announce(settled.ready)
        if settled.due:
            self.broker.tell_keepers(DUE)
        return 0.0 if self.outcomes else 1.0

    def hear(self, frame: Frame) -> None:
        if frame.kind is Kind.STOP:
            self._stopping = True
        elif frame.kind is Kind.OUTCOMES:
            if not self.outcomes:
                self._oldest = clock.monotonic()
            for header, letter in zip(frame.headers, frame.letters, strict=True):
                self.outcomes.append(Outcome(header[0], header[1], Ending(header[2]), Report.unpack(letter)))

    def _is_growing(self) -> bool:
        """Would patience make a better batch? Not when the last one was small: then somebody waits for this."""
        young = clock.monotonic() < self._oldest + _WAIT
        return self._last > _BUSY and len(self.outcomes) < _FULL and young and not self._stopping and not self.failures

    def _suspect(self, batch: list[Outcome], error: Exception) -> None:
        """Find the outcome that the database refuses by recording one at a time; that one loses its result."""
        self._most = 1
        if len(batch) > 1 or not _may_be_refused(batch[0], error) or not self._is_reachable():
            self._refusals = 0
            return
        self._refusals += 1
        if self._refusals >= _GIVE_UP:
            logger.error("The result of task %s cannot be stored: %s", batch[0].id, error)
            self.outcomes[0] = _without_result(batch[0], error)
            self._refusals = 0

    def _is_reachable(self) -> bool:
        self._drop_connection()
        connection = connections[self.alias]
        try:
            connection.ensure_connection()
            return connection.is_usable()
        except Error:
            return False


def _may_be_refused(outcome: Outcome, error: Exception) -> bool:
    """Can it be this very outcome that the database does not take? Locks, outages and read-only standbys pass."""
    if isinstance(error, Error) and not isinstance(error, DataError | IntegrityError):
        return len(outcome.report.result) > _LARGE and "locked" not in str(error)
    return True


def _without_result(outcome: Outcome, error: Exception) -> Outcome:
    old = outcome.report
    text = f"{type(error).__name__}: ran, but what it left cannot be stored: {error}"[:1000]
    safe = text.encode("ascii", "backslashreplace").decode().replace("\0", "")
    report = Report(started=old.started, stopped=old.stopped, error=safe, worker=old.worker[:_WORKER])
    return Outcome(outcome.id, outcome.token, Ending.FAILED, report)
