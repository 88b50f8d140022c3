"""MySQL 8 and MariaDB 10.6: rows are locked by a SELECT first, since UPDATE has no RETURNING there."""

from collections.abc import Sequence

from django.db import transaction

from django_q.kernel.states import TaskState
from django_q.models.dialects.base import (
    CLAIMED_COLUMNS,
    QUEUE,
    TAKEN_COLUMNS,
    Dialect,
    Pair,
    Rows,
    Terms,
    claim_order,
    marks,
    parts,
)


class MySQL(Dialect):
    """Statements for MySQL and MariaDB, meant for READ COMMITTED (Django's default there)."""

    quotation_mark = "`"

    @property
    def now(self) -> str:
        return "UTC_TIMESTAMP(6)" if self.uses_utc else "NOW(6)"

    def later(self, seconds: float) -> str:
        return f"({self.now} + INTERVAL {round(seconds * 1e6):d} MICROSECOND)"

    def walk_queues(self, after: str, limit: int) -> list[tuple[str, bool]]:
        # One statement for each: in one for all, these databases read the whole index.
        found: list[tuple[str, bool]] = []
        table = self.quote(QUEUE)
        is_ready = (
            f"EXISTS (SELECT 1 FROM {table} AS other WHERE other.queue = one.queue AND state = {TaskState.READY:d})"
        )
        with self.connection.cursor() as cursor:
            while len(found) < limit:
                cursor.execute(
                    f"SELECT queue, {is_ready} FROM {table} AS one WHERE queue > %s ORDER BY queue LIMIT 1",
                    [found[-1][0] if found else after],
                )
                row = cursor.fetchone()
                if row is None:
                    break
                found.append((row[0], bool(row[1])))
        return found

    def claim(self, limit: int, terms: Terms) -> Rows:
        columns = self.columns(CLAIMED_COLUMNS)
        select = self.ready(terms.among, lock="FOR UPDATE SKIP LOCKED").replace("SELECT id", f"SELECT {columns}", 1)
        with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
            cursor.execute(select, terms.chosen(limit))
            rows: Rows = list(cursor.fetchall())
            for part in parts(rows, self.batch):
                cursor.execute(
                    f"UPDATE {self.quote(QUEUE)} SET {self.assignments()} WHERE id IN ({marks(len(part))})",
                    [*terms.written(), *(row[0] for row in part)],
                )
        return sorted(rows, key=claim_order)

    def take(self, pairs: Sequence[Pair]) -> Rows:
        wanted = set(pairs)
        taken: Rows = []
        with self.connection.cursor() as cursor:
            for part in parts(pairs, self.batch):
                cursor.execute(
                    f"SELECT {self.columns(TAKEN_COLUMNS)} FROM {self.quote(QUEUE)}"
                    f" WHERE id IN ({marks(len(part))}) FOR UPDATE",
                    [pair[0] for pair in part],
                )
                found = [row for row in cursor.fetchall() if (row[0], row[1]) in wanted]
                if found:
                    cursor.execute(
                        f"DELETE FROM {self.quote(QUEUE)} WHERE id IN ({marks(len(found))})", [row[0] for row in found]
                    )
                taken += found
        return taken
