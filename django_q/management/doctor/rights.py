"""What this user may do: every statement is tried on no row, and rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, connections, transaction

from django_q import conf
from django_q.kernel import ids
from django_q.management.doctor.finding import Finding, error, flat, well
from django_q.models import Incarnation, OrmQ, Progress, Task
from django_q.models.dialects import dialect_for

_BUSY = "another process holds a lock for long: end it, or run manage.py qcheck again when it is done"
_TABLES = (OrmQ, Task, Incarnation, Progress)
_STATEMENTS = {
    "SELECT": "SELECT {columns} FROM {table} WHERE 1 = 0",
    "INSERT": "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE 1 = 0",
    "UPDATE": "UPDATE {table} SET {key} = {key} WHERE 1 = 0",
    "DELETE": "DELETE FROM {table} WHERE 1 = 0",
}


def findings(alias: str) -> Iterator[Finding]:
    """Yield whether a cluster could do its work with the rights of this process."""
    try:
        with transaction.atomic(using=alias):
            refused = dict(_refusals(alias))
            transaction.set_rollback(True, using=alias)
    except Error as failure:  # a lock that somebody holds, or a connection that broke
        yield error("rights", f"whether tables can be written to is not known: {flat(failure)}", _BUSY)
        return
    if refused:
        what = ", ".join(refused)
        reason = next(iter(refused.values()))
        yield error("rights", f"{_who(alias)} may not {what}: {reason}", _remedy(alias, reason))
    else:
        yield well("rights", f"{_who(alias)} may do what a cluster does")


def _refusals(alias: str) -> Iterator[tuple[str, str]]:
    """Yield each statement that is refused, and why."""
    sql = dialect_for(alias)
    for model in _TABLES:
        columns = sql.columns([str(field.column) for field in model._meta.concrete_fields])
        names = {"table": sql.quote(model._meta.db_table), "columns": columns, "key": sql.quote("id")}
        for verb, statement in _STATEMENTS.items():
            with _collecting() as reasons, transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                cursor.execute(statement.format(**names))
            yield from ((f"{verb} in {model._meta.db_table}", reason) for reason in reasons)
    # The statement itself, in the name of a cluster that never was: it gets nothing.
    with _collecting() as reasons, transaction.atomic(using=alias):
        OrmQ.objects.using(alias).claim(1, queues=[conf.current().name], incarnation=ids.new_id(), generation=0)
    yield from (("claim a task", reason) for reason in reasons)


@contextmanager
def _collecting() -> Iterator[list[str]]:
    """Keep what a database says against a statement, unless another process is in the way."""
    reasons: list[str] = []
    try:
        yield reasons
    except Error as failure:
        if "lock" in str(failure).lower():
            raise
        reasons.append(flat(failure))


def _who(alias: str) -> str:
    user = connections[alias].settings_dict.get("USER")
    return f"the user {user!r}" if user else "this process"


def _remedy(alias: str, reason: str) -> str:
    connection: Any = connections[alias]
    if connection.vendor == "sqlite":
        return f"let this user write {connection.settings_dict['NAME']} and the directory that it is in"
    if "read-only" in reason:
        return f"let DATABASES[{alias!r}] name the primary server, which can be written to"
    tables = ", ".join(model._meta.db_table for model in _TABLES)
    return f"let {_who(alias)} {', '.join(_STATEMENTS)} in {tables}"
