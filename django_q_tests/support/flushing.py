"""Empties a database behind a test that commits: the tables that hold rows, and no others.

Django's own way truncates every table and makes permissions and content types anew, which takes half a second each time
on a server.
"""

from typing import Any

from django.apps import apps
from django.db import connections, transaction
from django.test import TransactionTestCase

# What migrations and their signals have written stays as it is.
_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def flush(alias: str) -> None:
    """Delete all rows but those that migrations have written."""
    connection = connections[alias]
    installed = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    tables = sorted(installed & set(connection.introspection.table_names()) - _KEPT)
    quote = connection.ops.quote_name
    found = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(found)
        used = [name for (name,) in cursor.fetchall()]
    # On SQLite a transaction that has read does not wait for another one's writes; one that begins with a write does.
    with transaction.atomic(using=alias), connection.cursor() as cursor, connection.constraint_checks_disabled():
        for name in used:
            cursor.execute(f"DELETE FROM {quote(name)}")


def _tear_down(case: Any) -> None:
    for alias in case._databases_names(include_mirrors=False):
        flush(alias)


def install() -> None:
    """Let every test that commits use this."""
    TransactionTestCase._fixture_teardown = _tear_down  # type: ignore[method-assign]
