"""What every database must be able to say, and what most of them say alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from django.conf import settings
from django.db import connections
from django.db.models import DateTimeField
from django.db.models.expressions import RawSQL
from django.utils import timezone

from django_q.kernel.states import TaskKind, TaskState

QUEUE = "django_q_queue"
HISTORY = "django_q_history"
INCARNATION = "django_q_incarnation"

# What a claim hands to the cluster, and what the move to the history copies. Both in the order of the statements.
CLAIMED_COLUMNS = (
    "id", "func", "kind", "name", "group", "queue", "attempts", "crashes", "rescues", "options", "priority", "args",
    "kwargs",
)  # fmt: skip
TAKEN_COLUMNS = (
    "id", "token", "kind", "name", "func", "group", "hook", "queue", "priority", "args", "kwargs", "options",
    "attempts", "crashes", "errors", "chain", "enqueued_at", "requeued_from",
)  # fmt: skip

Rows = list[tuple[Any, ...]]
Pair = tuple[str, str]  # id and token


@dataclass(frozen=True, slots=True)
class Terms:
    """What a claim may take, and what it writes on the rows that it takes."""

    queue: str
    incarnation: str
    generation: int
    token: str
    among: Sequence[str] | None = None  # the tasks that it may take; what is no task it may take all the same

    def chosen(self, limit: int) -> list[Any]:
        """Return the parameters of :meth:`Dialect.ready`."""
        return [self.queue, self.incarnation, *(self.among or ()), limit]

    def written(self) -> list[Any]:
        """Return the parameters of :meth:`Dialect.assignments`."""
        return [self.incarnation, self.generation, self.token]


class Later(float):
    """A moment so many seconds from now by the database's clock, as a value of an INSERT; ``Later(0)`` is now."""


_MOMENTS = frozenset({datetime, Later})
# What stands in the statement itself. A placeholder costs a driver as much as the value of a text.
_WRITTEN = frozenset({Later, int, type(None)})

# Two looks into the index of the claim for each name. DISTINCT would read all of it; an EXISTS, or no order, would
# leave it to PostgreSQL's guesses whether all rows are read.
_QUEUE_NAMES = """
WITH RECURSIVE known (queue, place) AS (
    SELECT MIN(queue), 1 FROM {table} WHERE queue > %s
    UNION ALL
    SELECT (
        SELECT later.queue FROM {table} AS later WHERE later.queue > known.queue ORDER BY later.queue LIMIT 1
    ), known.place + 1
    FROM known WHERE known.queue IS NOT NULL AND known.place < {limit}
)
SELECT queue, (
    SELECT 1 FROM {table} AS other
    WHERE other.queue = known.queue AND other.state = {ready} ORDER BY other.priority DESC, other.id LIMIT 1
) IS NOT NULL
FROM known WHERE queue IS NOT NULL LIMIT {limit}
"""
_WALK = 500  # queues that one walk finds


class Dialect:
    """The statements of the queue for one alias; each is one trip to the database unless it says else."""

    # Rows that one INSERT or IN list may carry.
    batch: ClassVar[int] = 500
    quotation_mark: ClassVar[str] = '"'

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.connection = connections[alias]

    # Clocks -----------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        """Return the SQL of the database's clock in the form in which Django stores moments."""
        raise NotImplementedError

    def later(self, seconds: float) -> str:
        """Return the SQL of a moment so many seconds from now (negative: ago)."""
        raise NotImplementedError

    def now_expression(self) -> RawSQL:
        """Return :attr:`now` for use in a queryset."""
        return RawSQL(self.now, (), output_field=DateTimeField())

    def later_expression(self, seconds: float) -> RawSQL:
        """Return :meth:`later` for use in a queryset."""
        return RawSQL(self.later(seconds), (), output_field=DateTimeField())

    # Statements -------------------------------------------------------------------------------------------------------

    def claim(self, limit: int, terms: Terms) -> Rows:
        """Lease up to ``limit`` ready rows of a queue, if the incarnation lives; return CLAIMED_COLUMNS in order."""
        raise NotImplementedError

    def take(self, pairs: Sequence[Pair]) -> Rows:
        """Delete the claimed rows whose id and token match, and return their TAKEN_COLUMNS."""
        raise NotImplementedError

    def queue_names(self, limit: int) -> list[str]:
        """Return the first so many queues that hold rows, however many rows they hold."""
        return [queue for queue, _ in self.walk_queues("", limit)]

    def ready_queues(self) -> list[str]:
        """Return the queues that hold ready rows; it costs two looks into an index for each queue that holds any."""
        found: list[tuple[str, bool]] = []
        while not found or len(found) % _WALK == 0:
            walked = self.walk_queues(found[-1][0] if found else "", _WALK)
            found += walked
            if not walked:
                break
        return [queue for queue, is_ready in found if is_ready]

    def walk_queues(self, after: str, limit: int) -> list[tuple[str, bool]]:
        """Return the first so many queues that hold rows and come after a name, and whether any row is ready."""
        sql = _QUEUE_NAMES.format(table=self.quote(QUEUE), limit=limit, ready=f"{TaskState.READY:d}")
        with self.connection.cursor() as cursor:
            cursor.execute(sql, [after])
            return [(queue, bool(is_ready)) for queue, is_ready in cursor.fetchall()]

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, many to a statement."""
        head = self.insertion(table, columns)
        with self.connection.cursor() as cursor:
            for part in parts(rows, self.batch):
                values = ", ".join(f"({', '.join(map(self._literal, row))})" for row in part)
                flat = [value for row in part for value in self.adapted(row) if type(value) not in _WRITTEN]
                cursor.execute(head + values, flat)

    def adapted(self, row: Sequence[Any]) -> list[Any]:
        """Return a row as the driver stores it."""
        return [self.adapt(value) if type(value) in _MOMENTS else value for value in row]

    def adapt(self, value: Any) -> Any:
        """Return a moment as the driver stores it where it stands in place of a model's field."""
        if isinstance(value, datetime):
            if value.tzinfo is not None and value.tzinfo is self.connection.timezone:
                return str(value.replace(tzinfo=None))  # as below, without looking at it five times
            if timezone.is_aware(value) and not self.uses_utc:
                value = timezone.make_naive(value)
            return self.connection.ops.adapt_datetimefield_value(value)
        return value

    def _literal(self, value: Any) -> str:
        """Return a value as SQL, or a placeholder for it."""
        kind = type(value)
        if kind not in _WRITTEN:
            return "%s"
        if kind is Later:
            return self.later(value) if value else self.now
        return "NULL" if value is None else str(value)

    # Helpers ----------------------------------------------------------------------------------------------------------

    def quote(self, name: str) -> str:
        """Quote a table's or a column's name: one of ours, which holds no quotation mark."""
        return f"{self.quotation_mark}{name}{self.quotation_mark}"

    def columns(self, names: Sequence[str], table: str = "") -> str:
        """Return a quoted list of columns, of a table if it is named."""
        return _quoted(self.quotation_mark, tuple(names), table)

    def insertion(self, table: str, columns: Sequence[str]) -> str:
        """Return the beginning of an INSERT, up to the values."""
        return f"INSERT INTO {self.quote(table)} ({self.columns(columns)}) VALUES "

    def ready(self, among: Sequence[str] | None = None, *, lock: str = "") -> str:
        """Return the SELECT of the ids that a claim takes; parameters: queue, incarnation, those among which, limit."""
        chosen = ""
        if among is not None:
            listed = f" OR id IN ({marks(len(among))})" if among else ""
            chosen = f" AND (kind <> {TaskKind.TASK:d}{listed})"
        return (
            f"SELECT id FROM {self.quote(QUEUE)} WHERE queue = %s AND state = {TaskState.READY:d}"
            f" AND EXISTS (SELECT 1 FROM {self.quote(INCARNATION)} WHERE id = %s AND dead_at IS NULL){chosen}"
            f" ORDER BY priority DESC, id LIMIT %s {lock}"
        )

    def assignments(self) -> str:
        """Return the SET list of a claim; parameters: incarnation, generation, token."""
        return f"state = {TaskState.CLAIMED:d}, claimed_by = %s, generation = %s, token = %s"

    @property
    def uses_utc(self) -> bool:
        """Does Django store moments in UTC here?"""
        return settings.USE_TZ


@lru_cache(maxsize=64)
def _quoted(mark: str, names: tuple[str, ...], table: str) -> str:
    prefix = f"{mark}{table}{mark}." if table else ""
    return ", ".join(f"{prefix}{mark}{name}{mark}" for name in names)


def marks(count: int) -> str:
    """Return so many placeholders."""
    return ", ".join(["%s"] * count)


def parts(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Cut a sequence into pieces of at most ``size``."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def claim_order(row: tuple[Any, ...]) -> tuple[int, str]:
    """Sort key of CLAIMED_COLUMNS: higher priority first, then in the order of enqueueing."""
    return (-row[CLAIMED_COLUMNS.index("priority")], row[0])
