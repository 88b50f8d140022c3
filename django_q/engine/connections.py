"""The database connections of a process that runs tasks: clean between tasks, kept open while there is work."""

from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_IDLE = 0  # psycopg: no transaction is open


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
    info = getattr(raw, "info", None)
    return info is not None and info.transaction_status != _IDLE
