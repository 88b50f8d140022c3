"""Statements per process, counted inside it and readable from outside at any moment.

Every Django connection gets an execute wrapper that adds to two numbers in a mapped file named after the process, so
nothing is lost when a process is killed. An ``executemany`` is one statement here, as it is one call; its rows are
counted apart. A COPY passes no wrapper, so the driver's method is wrapped for it. What keeps a transaction (BEGIN,
SAVEPOINT) and looks at SQLite's ``data_version`` are not statements.
"""

import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

VARIABLE = "DJANGO_Q_BENCHMARK_COUNTS"  # the directory of the files
_PAIR = struct.Struct("=QQ")
_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT")

_mapped: dict[int, mmap.mmap] = {}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many statements ran, and how many rows went through executemany."""

    statements: int = 0
    rows: int = 0

    def __sub__(self, before: "Counts") -> "Counts":
        return Counts(self.statements - before.statements, self.rows - before.rows)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.statements + other.statements, self.rows + other.rows)


def install() -> None:
    """Count on every connection that this process or its forked children open."""
    if os.environ.get(VARIABLE):
        connection_created.connect(_attach, dispatch_uid="django_q_tests.benchmarks")


def read(pid: int) -> Counts:
    """Return what a process has counted so far; nothing if it never opened a connection."""
    try:
        return Counts(*_PAIR.unpack((Path(os.environ[VARIABLE]) / str(pid)).read_bytes()))
    except FileNotFoundError:
        return Counts()


def _attach(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if _count not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count)
    if connection.vendor == "postgresql":
        connection.connection.cursor_factory = _copying(connection.connection.cursor_factory)


@cache
def _copying(factory: Any) -> Any:
    """Return a cursor class that counts its COPYs."""

    def copy(self: Any, *args: Any, **kwargs: Any) -> Any:
        _add(1, 0)
        return factory.copy(self, *args, **kwargs)

    return type(factory.__name__, (factory,), {"copy": copy})


def _count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if not sql.startswith(_CONTROL):
        _add(1, len(params) if many else 0)
    return execute(sql, params, many, context)


def _add(more_statements: int, more_rows: int) -> None:
    numbers = _numbers()
    statements, rows = _PAIR.unpack_from(numbers)
    _PAIR.pack_into(numbers, 0, statements + more_statements, rows + more_rows)


def _numbers() -> mmap.mmap:
    """Return this process's numbers; a forked child begins its own."""
    pid = os.getpid()
    if pid not in _mapped:
        file = os.open(Path(os.environ[VARIABLE]) / str(pid), os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(file, _PAIR.size)
        _mapped.clear()
        _mapped[pid] = mmap.mmap(file, _PAIR.size)
        os.close(file)
    return _mapped[pid]
