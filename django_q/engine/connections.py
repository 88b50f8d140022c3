"""The database connections of a process that runs tasks: clean between tasks, kept open while there is work."""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_IDLE = 0  # psycopg: no transaction is open
_begun: "WeakSet[BaseDatabaseWrapper]" = WeakSet()  # a transaction was begun by hand


def watch() -> None:
    """Notice transactions begun by hand, from now on and in this process, where the driver does not tell of them."""
    connection_created.connect(_watch, dispatch_uid="django_q.engine.connections")


def settle(*, failed: bool = False) -> None:
    """Undo what the last task left open. Connections stay, unless one is broken or in the middle of a block."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        if connection.in_atomic_block or connection.errors_occurred or failed:
            _repair(connection)
        elif _is_open(connection):
            _roll_back(connection)
        if connection.queries_log:
            connection.queries_log.clear()


def close() -> None:
    """Close the connections of this thread, which has nothing to do."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _drop(connection)


def _repair(connection: BaseDatabaseWrapper) -> None:
    if connection.in_atomic_block:
        return _drop(connection)
    if _is_open(connection):
        _roll_back(connection)
    if connection.connection is not None:
        connection.close_if_unusable_or_obsolete()


def _roll_back(connection: BaseDatabaseWrapper) -> None:
    normal = connection.settings_dict["AUTOCOMMIT"]
    try:
        if connection.autocommit:  # a transaction begun by hand, of which Django knows nothing
            connection.connection.rollback()
        else:
            connection.rollback()
        _begun.discard(connection)
        if connection.autocommit != normal:
            connection.set_autocommit(normal)
    except Error:
        _drop(connection)


def _drop(connection: BaseDatabaseWrapper) -> None:
    # Otherwise close() keeps the object for the end of a block that never comes.
    connection.in_atomic_block = False
    connection.needs_rollback = False
    connection.savepoint_ids = []
    connection.atomic_blocks = []
    connection.run_on_commit = []
    try:
        connection.close()
    except Error:
        connection.connection = None


def _is_open(connection: BaseDatabaseWrapper) -> bool:
    """Is a transaction open on this connection outside of any atomic block?"""
    if not connection.autocommit:
        return True
    raw: Any = connection.connection
    if connection.vendor == "sqlite":
        return bool(raw.in_transaction)
    if connection.vendor == "postgresql":
        return bool(raw.info.transaction_status != _IDLE)
    return connection in _begun


def _watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    _begun.discard(connection)  # it is a new one
    if connection.vendor not in ("sqlite", "postgresql") and _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def _note(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    answer = execute(sql, params, many, context)
    if isinstance(sql, str) and sql.lstrip()[:5].upper() in ("BEGIN", "START"):
        _begun.add(context["connection"])
    return answer
