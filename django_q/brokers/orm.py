"""The database as the queue."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import Error, connections

from django_q import conf
from django_q.brokers import doorbell
from django_q.brokers.base import Listener, QueueBroker
from django_q.brokers.custom import TOLD, Broker, ticket
from django_q.brokers.listener import CHANNEL, Bells
from django_q.engine import completion
from django_q.engine.completion import Settled
from django_q.kernel import clock
from django_q.kernel.messages import Claim, Envelope, Letter, Outcome
from django_q.kernel.states import Event, TaskKind, TaskState
from django_q.models import OrmQ
from django_q.models.queue import OrmQQuerySet
from django_q.signing import SignedPackage

logger = logging.getLogger("django_q")

_NOTIFY_EVERY = 0.05  # seconds between two notifications of a queue by one process

# When each queue was last notified by this process.
_notified: dict[str, float] = {}


class OrmBroker(QueueBroker):
    """Queue rows in the database of ``Q_CLUSTER["orm"]``."""

    def __init__(self) -> None:
        self.alias = conf.current().orm
        self._queue = OrmQ.objects.using(self.alias)

    def enqueue(self, rows: Sequence[Sequence[Any]]) -> None:
        self._queue.put(rows)

    def announce(self, queues: Iterable[str]) -> None:
        names = set(queues)
        doorbell.ring(self.alias, names)
        if connections[self.alias].vendor == "postgresql":
            for queue in names:
                self._notify(queue)

    def _notify(self, queue: str) -> None:
        # A pusher that was woken keeps looking for longer than this window, so what follows is found all the same.
        moment = clock.monotonic()
        if moment - _notified.get(queue, -1.0) < _NOTIFY_EVERY:
            return
        _notified[queue] = moment
        try:
            with connections[self.alias].cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, queue])
        except Error as error:
            logger.info("Could not notify the clusters of %r: %s", queue, error)

    def claim(self, limit: int, *, queues: Sequence[str], incarnation: str, generation: int) -> list[Claim]:
        timeout = conf.current().timeout
        rows = self._queue.claim(limit, queues=queues, incarnation=incarnation, generation=generation)
        return [claim_of(row, timeout) for row in rows]

    def finish(self, outcomes: Sequence[Outcome], *, cluster: str) -> Settled:
        return completion.finish(outcomes, cluster=cluster)

    def release(self, *, incarnation: str, generations: Iterable[int], known: Iterable[str]) -> int:
        orphans = self._queue.orphans(incarnation=incarnation, generations=generations, known=known)
        return orphans.give_up_claim(Event.RELEASE)

    def tell_keepers(self, topic: str) -> None:
        doorbell.ring(self.alias, [topic])

    def listen(self, queues: Sequence[str]) -> Listener:
        return Bells(self.alias, queues)

    def listen_for(self, topics: Sequence[str]) -> Listener:
        return Bells(self.alias, topics, local=True)

    def depth(self, queue: str) -> int:
        return self._queue.filter(queue=queue, kind=TaskKind.TASK, state=TaskState.READY).count()


def claim_of(row: dict[str, Any], timeout: float | None) -> Claim:
    """Return what the cluster is told of a claimed row; ``timeout`` is that of tasks which say none."""
    if row["options"]:
        timeout = json.loads(row["options"]).get("timeout", timeout)
    # Whatever took a whole cluster or a worker down runs alone, so that the next death names its cause.
    alone = bool(row["rescues"] or row["crashes"])
    return Claim(Envelope(row["id"], row["token"], row["func"], timeout, alone), Letter.of(row).pack())


class ORM(Broker):
    """The database as the queue, with the verbs that Django Q documents. Its tickets are the rows themselves."""

    bulk = 250  # tickets that one look brings

    @staticmethod
    def get_connection(list_key: str | None = None) -> OrmQQuerySet:
        """Return the queue in the database of ``Q_CLUSTER["orm"]``."""
        queue: OrmQQuerySet = OrmQ.objects.using(conf.current().orm)
        return queue

    def enqueue(self, task: str) -> str:
        """Return the id of the task that a ticket stands for: its row is there already."""
        id: str = SignedPackage.loads(task)["id"]
        return id

    def dequeue(self) -> list[tuple[str, str]] | None:
        """Return the ids of the tasks that are ready, each with its ticket; None if there is none."""
        ready = self._tasks().filter(state=TaskState.READY).order_by("-priority", "id")
        return [(told["id"], ticket(**told)) for told in ready.values(*TOLD)[: self.bulk]] or None

    def info(self) -> str:
        return f"ORM {conf.current().orm}"
