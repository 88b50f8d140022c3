"""What waits, looked at in a bounded number of bounded queries, however long the queue is."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connections

from django_q import conf
from django_q.kernel.queues import named
from django_q.kernel.states import TaskState
from django_q.models import Incarnation, OrmQ
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import HISTORY, QUEUE

#: Rows of one queue and one state that are counted.
MOST = 10_000
#: Queues that are looked at.
MOST_QUEUES = 50
_PRIORITIES = 8  # levels of one queue that are looked at
_HEADS = 10  # rows of each

_STATES = tuple(TaskState)


@dataclass(frozen=True, slots=True)
class Depth:
    """How many rows of a queue are in which state; a number above :data:`MOST` means at least that many."""

    queue: str
    deferred: int
    waiting: int
    ready: int
    claimed: int


def queue_names(served: Iterable[str] = ()) -> list[str]:
    """Return the queues of the settings, those that are served, and those that hold rows: the first fifty."""
    settings = conf.current()
    found = dialect_for(settings.orm).queue_names(MOST_QUEUES)
    return sorted(named({settings.name, *settings.queues, *served, *found}))[:MOST_QUEUES]


def ready_queues() -> list[str]:
    """Return all queues that hold ready rows, however many there are."""
    return dialect_for(conf.current().orm).ready_queues()


def depths(queues: Sequence[str]) -> list[Depth]:
    """Count the rows of these queues by state, each up to :data:`MOST` and one, in one statement."""
    if not queues:
        return []
    connection = connections[conf.current().orm]
    some = f"SELECT 1 FROM {connection.ops.quote_name(QUEUE)} WHERE queue = %s AND state = %s LIMIT {MOST + 1}"
    counts = ", ".join([f"(SELECT COUNT(*) FROM ({some}) AS found)"] * len(_STATES) * len(queues))
    parameters = [value for queue in queues for state in _STATES for value in (queue, state.value)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", parameters)
        found = iter(cursor.fetchone())
    return [Depth(queue, *(next(found) for _ in _STATES)) for queue in queues]


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows there are in each state of the queue and in the history, each up to :data:`MOST` and one."""

    deferred: int
    waiting: int
    ready: int
    claimed: int
    succeeded: int
    failed: int  # or did not succeed for another reason

    @property
    def queued(self) -> int:
        """Return how many nobody has claimed."""
        return self.deferred + self.waiting + self.ready


def totals() -> Totals:
    """Count the queue and the history as far as is worth it, in one statement."""
    connection = connections[conf.current().orm]
    # A bare condition on the success would not be served by the index everywhere.
    parts = [(QUEUE, "state", state.value) for state in _STATES] + [(HISTORY, "success", ok) for ok in (True, False)]
    counts = ", ".join(
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {connection.ops.quote_name(table)} WHERE {column} IN (%s)"
        f" LIMIT {MOST + 1}) AS found)"
        for table, column, _ in parts
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _, _, value in parts])
        return Totals(*cursor.fetchone())


def heads(queue: str) -> Iterator[OrmQ]:
    """Yield the rows of a queue that were put in first, ten of each priority: among them is the oldest that is ready.

    The index of the claim leads to the first rows of one priority, and from there to the next lower one.
    """
    ready = OrmQ.objects.using(conf.current().orm).filter(queue=queue, state=TaskState.READY).defer("args", "kwargs")
    rows = list(ready.order_by("-priority", "pk")[:_HEADS])
    for _ in range(_PRIORITIES):
        yield from rows
        if not rows:
            return
        lowest = rows[-1].priority
        rows = list(ready.filter(priority__lt=lowest).order_by("-priority", "pk")[:_HEADS])


def served_queues() -> frozenset[str]:
    """Return the queues that living clusters name; ``kernel.queues.serves()`` tells whether one is among them."""
    living = Incarnation.objects.using(conf.current().orm).living().values_list("queues", flat=True)
    return frozenset(queue for queues in living for queue in json.loads(queues))
