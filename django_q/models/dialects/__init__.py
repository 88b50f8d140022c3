"""The statements that differ from database to database."""

from django.db import connections

from django_q.models.dialects.base import Dialect
from django_q.models.dialects.mysql import MySQL
from django_q.models.dialects.postgresql import PostgreSQL
from django_q.models.dialects.sqlite import SQLite

__all__ = ["Dialect", "dialect_for"]

_DIALECTS: dict[str, type[Dialect]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "mysql": MySQL}


def dialect_for(alias: str) -> Dialect:
    """Return the statements for the database behind an alias.

    Raises :exc:`NotImplementedError` for an engine that is none of SQLite, PostgreSQL, MySQL and MariaDB.
    """
    vendor = connections[alias].vendor
    if vendor not in _DIALECTS:
        raise NotImplementedError(
            f"django_q keeps its queue in SQLite, PostgreSQL, MySQL or MariaDB; DATABASES[{alias!r}] is {vendor!r}. "
            "Name another alias in Q_CLUSTER['orm']."
        )
    return _DIALECTS[vendor](alias)
