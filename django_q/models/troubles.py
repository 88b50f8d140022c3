"""What an error of the database means to whoever enqueues or reads, where the remedy is known."""

from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, connections

# No such table, no such column.
_UNMIGRATED_STATES = {"42P01", "42703"}  # PostgreSQL: SQLSTATE
_UNMIGRATED_CODES = {1146, 1054}  # MySQL: error number
_UNMIGRATED_WORDS = ("no such table", "no such column", "has no column named")  # SQLite

#: What :func:`explained` understands.
TROUBLES = (DatabaseError, SynchronousOnlyOperation)


def explained(error: Exception, alias: str, *, coroutine: str) -> Exception:
    """Return an error of the same class that names the remedy; the error itself where none is known.

    ``coroutine`` is the name of the function that does the same in coroutines.
    """
    remedy = _remedy(error, alias, coroutine)
    return type(error)(f"{error} {remedy}" if str(error).endswith(".") else f"{error}. {remedy}") if remedy else error


def migrate_command(alias: str) -> str:
    """Return the command that makes the tables in a database."""
    return "manage.py migrate" if alias == "default" else f"manage.py migrate --database {alias}"


def _remedy(error: Exception, alias: str, coroutine: str) -> str:
    if isinstance(error, SynchronousOnlyOperation):
        return f"In a coroutine, write: await {coroutine}(…)"
    if _is_unmigrated(error, connections[alias].vendor):
        return f"The tables of django_q are missing or old in {alias!r}. Run: {migrate_command(alias)}"
    if "database is locked" in str(error):
        return (
            "Another process has been writing to this SQLite file for longer than its timeout. Keep transactions "
            f"short, and let writers queue up: DATABASES[{alias!r}]['OPTIONS'] = "
            "{'transaction_mode': 'IMMEDIATE', 'timeout': 20}"
        )
    return ""


def _is_unmigrated(error: Exception, vendor: str) -> bool:
    if vendor == "sqlite":
        return any(words in str(error) for words in _UNMIGRATED_WORDS)
    if vendor == "mysql":
        return bool(error.args) and error.args[0] in _UNMIGRATED_CODES
    return getattr(error.__cause__, "sqlstate", "") in _UNMIGRATED_STATES
