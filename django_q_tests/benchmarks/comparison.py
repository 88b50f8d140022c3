"""Ours beside the other packages: the medians of one run of the command, and how they relate."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django_q_tests.benchmarks.table import Record, figure, median

OURS = "ours"
BACKLOGS = "drained_per_s_by_backlog"
DATABASES = {"sqlite": "SQLite", "sqlite-wal": "SQLite (WAL)", "postgres": "PostgreSQL", "mysql": "MySQL"}


@dataclass(frozen=True)
class Column:
    """A figure that both have."""

    name: str
    title: str
    form: str  # how it is written
    is_rate: bool  # more is better


COLUMNS = (
    Column("drained_per_s", "drained, tasks/s", ",.0f", True),
    Column("enqueue_autocommit_per_s", "enqueued one by one, calls/s", ",.0f", True),
    Column("latency_p50_ms", "idle latency p50, ms", ".1f", False),
    Column("latency_p99_ms", "p99, ms", ".1f", False),
    Column("cpu_us_per_task", "CPU per task, µs", ",.0f", False),
    Column("server_cpu_us_per_task", "CPU of PostgreSQL per task, µs", ",.0f", False),
    Column("memory_pss_mib", "memory (PSS), MiB", ".0f", False),
)


@dataclass(frozen=True)
class Cell:
    """A figure of another package beside ours."""

    column: Column
    theirs: float
    lowest: float
    highest: float
    ours: float | None
    is_cut: bool

    @property
    def ratio(self) -> float | None:
        """Return ours / theirs; None where ours was not measured."""
        return None if self.ours is None else self.ours / self.theirs

    def __str__(self) -> str:
        mark = "*" if self.is_cut else ""
        ratio = f" ({times(self.ratio)})" if self.ratio is not None else ""
        return f"{self.theirs:{self.column.form}}{mark}{ratio}"


def ours(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return our records by database, without those that failed."""
    return _by("variant", [record for record in records if record["system"] == OURS])


def theirs(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records of other packages by their names, without those that failed."""
    return _by("system", [record for record in records if record["system"] != OURS])


def cells(records: Sequence[Record], name: str) -> list[Cell | None]:
    """Return a package's figures beside ours on the database that it is compared with."""
    own = theirs(records)[name]
    return [_cell(column, own, ours(records).get(own[0]["variant"], [])) for column in COLUMNS]


def render(records: Sequence[Record]) -> str:
    """Return the table that is printed: a line for each package, and in brackets what ours is of it."""
    found = theirs(records)
    head = f"{'ours / theirs in brackets':<36}{'beside ours on':<16}"
    lines = [head + "".join(f"{column.title:>30}" for column in COLUMNS)]
    for name, own in found.items():
        line = f"{own[0]['title']:<36}{own[0]['variant']:<16}"
        lines.append(line + "".join(f"{str(cell or ''):>30}" for cell in cells(records, name)))
    if any(record["figures"].get("cut") for own in found.values() for record in own):
        lines.append("* The time limit ended it; the rate is over what had ended by then.")
    failed = sorted({str(record["system"]) for record in records if "error" in record})
    return "\n".join([*lines, *(f"failed: {name}" for name in failed)])


def times(ratio: float) -> str:
    """Write a ratio so that small ones tell something too."""
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.1f}×" if ratio >= 0.95 else f"{ratio:.2f}×"


def by_backlog(records: Sequence[Record]) -> dict[int, float]:
    """Return the median of the rates for each number of tasks that waited."""
    found: dict[int, list[float]] = {}
    for record in records:
        for backlog, rate in record["figures"].get(BACKLOGS, {}).items():
            found.setdefault(int(backlog), []).append(rate)
    return {backlog: statistics.median(rates) for backlog, rates in sorted(found.items())}


def _cell(column: Column, own: Sequence[Record], beside: Sequence[Record]) -> Cell | None:
    middle = median(own, column.name)
    if not middle:  # nothing is what a figure is where it has no meaning: SQLite has no server
        return None
    found = [value for record in own if (value := figure(record, column.name)) is not None]
    is_cut = column.name == "drained_per_s" and any(record["figures"].get("cut") for record in own)
    return Cell(column, middle, min(found), max(found), median(beside, column.name), is_cut)


def _by(key: str, records: Sequence[Mapping[str, Any]]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        if "error" not in record:
            found.setdefault(record[key], []).append(record)
    return found
