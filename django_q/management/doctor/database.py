"""The database itself: whether it answers, what it is, its tables and its clock."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone as zones

from django_q.kernel import clock
from django_q.kernel.distributions import PACKAGE
from django_q.management.doctor.finding import Finding, error, flat, warning, well
from django_q.models.dialects import dialect_for

# What the statements of the queue need; Django refuses most of what is older by itself.
_OLDEST = {"SQLite": (3, 35), "PostgreSQL": (14,), "MariaDB": (10, 6), "MySQL": (8, 0, 11)}
_TRIPS = 5
_SLOW = 0.1  # seconds of a round trip
_APART = 1.0  # seconds between two clocks that are called equal
# Who asks what is wrong must not wait for ever, though the settings may be as patient as they like.
_PATIENCE = 10  # seconds for a connection
_IMPATIENT = {  # seconds for a lock
    "sqlite": "PRAGMA busy_timeout = 3000",
    "postgresql": "SET lock_timeout = 3000",
    "mysql": "SET lock_wait_timeout = 3, innodb_lock_wait_timeout = 3",
}
_AS_BEFORE = {
    "sqlite": "PRAGMA busy_timeout = {timeout:.0f}",
    "postgresql": "RESET lock_timeout",
    "mysql": "SET lock_wait_timeout = DEFAULT, innodb_lock_wait_timeout = DEFAULT",
}


def reached(alias: str) -> Iterator[Finding]:
    """Yield whether the database answers, how fast, and whether it is one that can hold the queue."""
    try:
        connection = connections[alias]
        missing = _missing_file(connection)
        if missing:
            yield error("database", f"{alias!r} is the file {missing}, which does not exist", f"run {_migrate(alias)}")
            return
        _connect(connection)
        seconds = min(_round_trip(connection) for _ in range(_TRIPS))
        found = list(_judge(connection, connection.get_database_version(), seconds))
    except (Error, ImproperlyConfigured) as failure:
        seen = f"{alias!r} of Q_CLUSTER['orm'] cannot be reached: {flat(failure)}"
        yield error("database", seen, f"start its server, or mend DATABASES[{alias!r}]")
        return
    yield from found


def _judge(connection: Any, version: tuple[int, ...], seconds: float) -> Iterator[Finding]:
    alias, product = connection.alias, _product(connection)
    number = ".".join(map(str, version))
    if product not in _OLDEST:
        seen = f"{alias!r} is {product}, which cannot hold the queue"
        yield error("database", seen, "let Q_CLUSTER['orm'] name SQLite, PostgreSQL, MySQL or MariaDB")
    elif version < _OLDEST[product]:
        oldest = ".".join(map(str, _OLDEST[product]))
        yield error(
            "database", f"{alias!r} is {product} {number}, which is too old", f"use {product} {oldest} or later"
        )
    elif seconds > _SLOW:
        seen = f"{alias!r} is {product} {number}; a round trip takes {seconds * 1e3:.0f} ms"
        yield warning("database", seen, "run clusters nearer to it, or look at its load and the network")
    else:
        yield well("database", f"{alias!r} is {product} {number}; a round trip takes {seconds * 1e3:.1f} ms")
    yield from _MODES.get(connection.vendor, _nothing)(connection)


def _sqlite_mode(connection: Any) -> Iterator[Finding]:
    if connection.is_in_memory_db():
        seen = f"{connection.alias!r} is a database in memory, which no other process sees"
        yield error("journal", seen, f"let DATABASES[{connection.alias!r}] name a file")
        return
    mode = str(_value(connection, "PRAGMA journal_mode")).lower()
    if mode == "wal":
        yield well("journal", "SQLite keeps a write-ahead log")
    elif settings.DEBUG:
        yield well("journal", f"SQLite's journal_mode is {mode}: good for a desk; a server wants 'wal'")
    else:
        seen = f"SQLite's journal_mode is {mode}: readers and writers wait for each other"
        yield warning(
            "journal",
            seen,
            f"DATABASES[{connection.alias!r}]['OPTIONS'] = {{'init_command': 'PRAGMA journal_mode=WAL'}}",
        )


def _mysql_mode(connection: Any) -> Iterator[Finding]:
    column = "tx_isolation" if connection.mysql_is_mariadb else "transaction_isolation"
    level = str(_value(connection, f"SELECT @@{column}"))
    if level == "READ-COMMITTED":
        yield well("isolation", f"transactions are {level}")
    else:
        seen = f"transactions are {level}: clusters wait for each other's locks, and waits do not see what has ended"
        fix = f"DATABASES[{connection.alias!r}]['OPTIONS'] = {{'isolation_level': 'read committed'}}"
        yield warning("isolation", seen, fix)


def _nothing(connection: Any) -> Iterator[Finding]:
    return iter(())


_MODES = {"sqlite": _sqlite_mode, "mysql": _mysql_mode}


def migrated(alias: str) -> Iterator[Finding]:
    """Yield whether the tables are those that this version expects."""
    try:
        executor = MigrationExecutor(connections[alias])
        ours = [node for node in executor.loader.graph.leaf_nodes() if node[0].startswith(PACKAGE)]
        plan = executor.migration_plan(ours)
    except Error as failure:
        yield error("migrations", f"they cannot be read: {flat(failure)}", "let this user read django_migrations")
        return
    missing = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    known = set(executor.loader.disk_migrations or ())
    newer = [".".join(key) for key in executor.loader.applied_migrations if key[0] == PACKAGE and key not in known]
    if missing:
        yield error("migrations", f"not applied in {alias!r}: {', '.join(missing)}", f"run {_migrate(alias)}")
    elif newer:
        seen = f"{alias!r} was migrated by another version: {', '.join(sorted(newer))}"
        yield warning("migrations", seen, "install the version that the other processes run")
    else:
        yield well("migrations", "all are applied")


def clock_of(alias: str) -> Iterator[Finding]:
    """Yield how far the database's clock is from this process's."""
    before = clock.now()
    theirs = _moment(_value(connections[alias], f"SELECT {dialect_for(alias).now}"))
    after = clock.now()
    apart = (theirs - (before + (after - before) / 2)).total_seconds()
    if abs(apart) > _APART:
        which = "ahead of" if apart > 0 else "behind"
        seen = f"the database's clock is {abs(apart):.1f} s {which} this process's"
        fix = "let NTP set both; with USE_TZ = False the server's time zone has to be TIME_ZONE"
        yield warning("clock", seen, fix)
    else:
        yield well("clock", f"the database's clock and this process's are {abs(apart):.3f} s apart")


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if zones.is_aware(moment):
        return moment
    return zones.make_aware(moment, timezone.utc if settings.USE_TZ else zones.get_default_timezone())


@contextmanager
def impatience(alias: str) -> Iterator[None]:
    """Let statements fail that wait for a lock."""
    connection = connections[alias]
    timeout = connection.settings_dict["OPTIONS"].get("timeout", 5) * 1e3
    _execute(connection, _IMPATIENT[connection.vendor])
    try:
        yield
    finally:
        if connection.is_usable():
            _execute(connection, _AS_BEFORE[connection.vendor].format(timeout=timeout))


def _connect(connection: Any) -> None:
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor in ("postgresql", "mysql"):
        connection.settings_dict["OPTIONS"] = {"connect_timeout": _PATIENCE, **options}
    try:
        connection.ensure_connection()
    finally:
        connection.settings_dict["OPTIONS"] = options


def _round_trip(connection: BaseDatabaseWrapper) -> float:
    start = clock.monotonic()
    _value(connection, "SELECT 1")
    return clock.monotonic() - start


def _execute(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _value(connection: BaseDatabaseWrapper, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return cursor.fetchone()[0]


def _product(connection: Any) -> str:
    if connection.vendor == "mysql":
        return "MariaDB" if connection.mysql_is_mariadb else "MySQL"
    return str(connection.display_name)


def _missing_file(connection: Any) -> str:
    """Return the path of a SQLite file that does not exist: to connect would make it."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return ""
    name = str(connection.settings_dict["NAME"])
    return "" if name.startswith("file:") or os.path.exists(name) else name


def _migrate(alias: str) -> str:
    return "manage.py migrate" + ("" if alias == "default" else f" --database {alias}")
