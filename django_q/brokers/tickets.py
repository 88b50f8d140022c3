"""What a custom broker carries, and the queue that is handed out by it."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.signing import BadSignature
from django.db import connections

from django_q import conf
from django_q.brokers.custom import TOLD, Broker, ticket
from django_q.brokers.orm import OrmBroker, claim_of
from django_q.kernel import clock
from django_q.kernel.messages import Claim
from django_q.kernel.states import TaskKind, TaskState
from django_q.models.dialects import dialect_for
from django_q.models.queue import NEW_COLUMNS
from django_q.signing import SignedPackage

logger = logging.getLogger("django_q")

_LATE = 1.0  # seconds after which a task without a ticket gets one,
_AGAIN = 10.0  # and after which it gets another
_BATCH = 250


class TicketBroker(OrmBroker):
    """The database as the queue, of which tasks are handed out in the order in which tickets arrive."""

    def __init__(self, make: Callable[[str], Broker]) -> None:
        super().__init__()
        self._make = make
        self._carriers: dict[str, Broker] = {}
        self._arrived: dict[str, dict[str, Any]] = {}  # queue -> id of a task -> receipt
        self._sent: dict[str, float] = {}  # id of a task -> when its ticket was sent again

    def carrier(self, queue: str) -> Broker:
        """Return this process's broker of a queue."""
        if queue not in self._carriers:
            self._carriers[queue] = self._make(queue)
        return self._carriers[queue]

    def enqueue(self, rows: Sequence[Sequence[Any]]) -> None:
        super().enqueue(rows)
        for row in rows:
            told = dict(zip(NEW_COLUMNS, row, strict=True))
            if told["kind"] == TaskKind.TASK and told["state"] == TaskState.READY:
                self._send_after_commit(told["queue"], ticket(**{key: told[key] for key in TOLD}))

    def claim(self, limit: int, *, queues: Sequence[str], incarnation: str, generation: int) -> list[Claim]:
        claims: list[Claim] = []
        timeout = conf.current().timeout
        for queue in queues:
            if len(claims) < limit:
                rows = self._queue.claim(
                    limit - len(claims),
                    queues=[queue],
                    incarnation=incarnation,
                    generation=generation,
                    among=self._ids(queue),
                )
                claims += [claim_of(row, timeout) for row in rows]
                self._settle(queue, {row["id"] for row in rows})
        return claims

    def _send_after_commit(self, queue: str, text: str) -> None:
        connection = connections[self.alias]
        if connection.in_atomic_block or connection.autocommit:
            # Not a partial: Django logs a name that partials lack.
            connection.on_commit(lambda: self._send(queue, text), robust=True)

    def _send(self, queue: str, text: str) -> None:
        self.carrier(queue).enqueue(text)

    def _ids(self, queue: str) -> list[str]:
        """Return the ids of the tasks whose tickets have arrived."""
        arrived = self._arrived.setdefault(queue, {})
        if not arrived:
            arrived.update(self._read(queue, self.carrier(queue).dequeue() or ()))
        if not arrived:
            self._send_again(queue)
        return list(arrived)[:_BATCH]

    def _read(self, queue: str, tickets: Iterable[tuple[Any, str]]) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for receipt, text in tickets:
            try:
                id = SignedPackage.loads(text)["id"]
            except BadSignature as error:
                logger.error("The broker of %r brought a ticket that is none: %s", queue, error)
                self.carrier(queue).fail(receipt)
                continue
            if id in read:  # brought twice
                self.carrier(queue).acknowledge(receipt)
            read.setdefault(id, receipt)
        return read

    def _settle(self, queue: str, claimed: set[str]) -> None:
        """Acknowledge the tickets of tasks that are no longer ready: nobody has to bring them again."""
        arrived = self._arrived[queue]
        looked_at = list(arrived)[:_BATCH]
        left = [id for id in looked_at if id not in claimed]
        rows = self._queue.filter(pk__in=left, state=TaskState.READY)
        ready = set(rows.values_list("pk", flat=True)) if left else set()
        for id in set(looked_at) - ready:
            self._sent.pop(id, None)
            self.carrier(queue).acknowledge(arrived.pop(id))

    def _send_again(self, queue: str) -> None:
        """Send tickets for tasks that are ready although the broker has none: later steps, retries, lost tickets."""
        now = clock.monotonic()
        self._sent = {id: sent for id, sent in self._sent.items() if now - sent < _AGAIN}
        late = self._queue.filter(queue=queue, kind=TaskKind.TASK, state=TaskState.READY)
        late = late.filter(enqueued_at__lt=dialect_for(self.alias).later_expression(-_LATE))
        for told in late.order_by("-priority", "id").values(*TOLD)[:_BATCH]:
            if told["id"] not in self._sent:
                self._sent[told["id"]] = now
                self._send(queue, ticket(**told))
