"""SQLite 3.35 and later: one writer, so UPDATE … RETURNING is exclusive by itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django_q.kernel import clock
from django_q.models.dialects.base import (
    CLAIMED_COLUMNS,
    QUEUE,
    TAKEN_COLUMNS,
    Dialect,
    Later,
    Pair,
    Rows,
    Terms,
    claim_order,
    marks,
    parts,
)


class SQLite(Dialect):
    """Statements for SQLite. Its clock is the host's: every process that can open the file runs on it."""

    @property
    def now(self) -> str:
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'{self._zone})"

    def later(self, seconds: float) -> str:
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '{seconds:+.3f} seconds'{self._zone})"

    @property
    def _zone(self) -> str:
        return "" if self.uses_utc else ", 'localtime'"

    def claim(self, limit: int, terms: Terms) -> Rows:
        sql = (
            f"UPDATE {self.quote(QUEUE)} SET {self.assignments()} WHERE id IN ({self.ready(terms.among)})"
            f" RETURNING {self.columns(CLAIMED_COLUMNS)}"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(sql, [*terms.written(), *terms.chosen(limit)])
            return sorted(cursor.fetchall(), key=claim_order)

    def take(self, pairs: Sequence[Pair]) -> Rows:
        taken: Rows = []
        with self.connection.cursor() as cursor:
            for part in parts(pairs, self.batch):
                values = ", ".join(["(%s, %s)"] * len(part))
                cursor.execute(
                    f"DELETE FROM {self.quote(QUEUE)} WHERE (id, token) IN (VALUES {values})"
                    f" RETURNING {self.columns(TAKEN_COLUMNS)}",
                    [value for pair in part for value in pair],
                )
                taken += cursor.fetchall()
        return taken

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        # One statement for all rows: it is parsed once, by the driver as well.
        sql = f"{self.insertion(table, columns)}({marks(len(columns))})"
        values = [self.adapted(row) for row in rows]
        with self.connection.cursor() as cursor:
            if len(values) == 1:
                cursor.execute(sql, values[0])
            else:
                cursor.executemany(sql, values)

    def adapt(self, value: Any) -> Any:
        # The database's clock is this host's, so a moment that is relative to it can be computed here.
        if isinstance(value, Later):
            value = clock.now() + timedelta(seconds=value)
        return super().adapt(value)
