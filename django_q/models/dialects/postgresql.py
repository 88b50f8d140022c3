"""PostgreSQL: SKIP LOCKED inside a CTE, so that a claim neither waits nor takes more than its limit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

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
    parts,
)


class PostgreSQL(Dialect):
    """Statements for PostgreSQL 14 and later."""

    # Not now(), the start of the caller's transaction, nor clock_timestamp(), with which no index is ever used.
    now = "statement_timestamp()"

    def later(self, seconds: float) -> str:
        return f"(statement_timestamp() + interval '{seconds:.6f} seconds')"

    def claim(self, limit: int, terms: Terms) -> Rows:
        # The CTE is a fence: a plain sub-select may be run again and lock more rows than its LIMIT. The rows are named
        # by their place: while statistics say that the queue is empty, as they do after a quiet time, the planner
        # takes any join for cheap, and reads the whole queue once for each row. A row that somebody changed in this
        # very moment is missed, and found by the next look.
        ready = self.ready(terms.among, lock="FOR UPDATE SKIP LOCKED").replace("SELECT id", "SELECT ctid AS place", 1)
        sql = (
            f"WITH picked AS MATERIALIZED ({ready})"
            f" UPDATE {self.quote(QUEUE)} SET {self.assignments()} WHERE ctid = ANY(ARRAY(SELECT place FROM picked))"
            f" RETURNING {self.columns(CLAIMED_COLUMNS)}"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(sql, [*terms.chosen(limit), *terms.written()])
            return sorted(cursor.fetchall(), key=claim_order)

    def take(self, pairs: Sequence[Pair]) -> Rows:
        taken: Rows = []
        with self.connection.cursor() as cursor:
            for part in parts(pairs, self.batch):
                # No join here either; the ids are found, and then each row has to match as a pair.
                cursor.execute(
                    f"DELETE FROM {self.quote(QUEUE)} WHERE id = ANY(%s::text[])"
                    f" AND id || ' ' || token = ANY(%s::text[]) RETURNING {self.columns(TAKEN_COLUMNS)}",
                    [[pair[0] for pair in part], [" ".join(pair) for pair in part]],
                )
                taken += cursor.fetchall()
        return taken

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        # COPY takes an eighth of the time of an INSERT of many rows: neither side has thousands of parameters to parse.
        if len(rows) < 2:
            return super().insert(table, columns, rows)
        with self.connection.cursor() as cursor:
            if not hasattr(cursor.connection, "pgconn"):  # psycopg2 copies files only
                return super().insert(table, columns, rows)
            if any(Later in map(type, row) for row in rows):
                cursor.execute(f"SELECT {self.now}")
                rows = _stamped(rows, cursor.fetchone()[0])
            sql = f"COPY {self.quote(table)} ({self.columns(columns)}) FROM STDIN"
            with self.connection.wrap_database_errors, cursor.copy(sql) as copy:
                for row in rows:
                    copy.write_row(row if self.uses_utc else self.adapted(row))

    def adapt(self, value: Any) -> Any:
        return value if self.uses_utc else super().adapt(value)  # the driver knows aware moments


def _stamped(rows: Sequence[Sequence[Any]], now: datetime) -> list[list[Any]]:
    """Return rows with moments of the database's clock in place of spans: COPY takes values only."""
    return [[now + timedelta(seconds=value) if type(value) is Later else value for value in row] for row in rows]
