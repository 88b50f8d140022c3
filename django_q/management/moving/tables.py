"""The tables of Django Q and Django Q2, read as they stand: whatever era wrote them, and never written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import connections, models

Row = dict[str, Any]

DJANGO_Q = "Django Q"
DJANGO_Q2 = "Django Q2"

# Their labels and table names are taken by nobody here: a registry of their own keeps migrations from seeing them.
_registry = Apps()


class OldTask(models.Model):
    """A task that ended, as both packages store it."""

    id = models.CharField(primary_key=True, max_length=32)
    name = models.CharField(max_length=100)
    func = models.CharField(max_length=256)
    hook = models.CharField(max_length=256, null=True)
    # Pickles as base64 text, unsigned: they are not opened by being read.
    args = models.TextField(null=True)
    kwargs = models.TextField(null=True)
    result = models.TextField(null=True)
    group = models.CharField(max_length=100, null=True)
    cluster = models.CharField(max_length=100, null=True)
    started = models.DateTimeField()
    stopped = models.DateTimeField()
    success = models.BooleanField()
    attempt_count = models.IntegerField()

    class Meta:
        apps = _registry
        app_label = "django_q_old"
        db_table = "django_q_task"
        managed = False


class OldSchedule(models.Model):
    """A schedule, as both packages store it."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, null=True)
    func = models.CharField(max_length=256)
    hook = models.CharField(max_length=256, null=True)
    args = models.TextField(null=True)
    kwargs = models.TextField(null=True)
    schedule_type = models.CharField(max_length=2)
    minutes = models.IntegerField(null=True)
    repeats = models.IntegerField()
    next_run = models.DateTimeField(null=True)
    cron = models.CharField(max_length=100, null=True)
    task = models.CharField(max_length=100, null=True)
    cluster = models.CharField(max_length=100, null=True)
    intended_date_kwarg = models.CharField(max_length=100, null=True)

    class Meta:
        apps = _registry
        app_label = "django_q_old"
        db_table = "django_q_schedule"
        managed = False


class OldQueued(models.Model):
    """A signed package that waits, as both packages store it; ``lock`` is the moment from which it may be taken."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=100)
    payload = models.TextField()
    lock = models.DateTimeField(null=True)

    class Meta:
        apps = _registry
        app_label = "django_q_old"
        db_table = "django_q_ormq"
        managed = False


# What came with later migrations, and what a row without it would say.
_LATER: Mapping[type[models.Model], frozenset[str]] = {
    OldTask: frozenset({"attempt_count", "cluster"}),
    OldSchedule: frozenset({"cron", "cluster", "intended_date_kwarg"}),
    OldQueued: frozenset(),
}
_OF_Q2 = ((OldTask, "cluster"), (OldSchedule, "intended_date_kwarg"))


@dataclass(frozen=True, slots=True)
class OldTables:
    """The tables of an old package in one database, and which of the known columns each has."""

    alias: str
    columns: Mapping[type[models.Model], tuple[str, ...]]

    @property
    def era(self) -> str:
        """Return the name of the package whose columns these are."""
        return DJANGO_Q2 if any(name in self.columns[model] for model, name in _OF_Q2) else DJANGO_Q

    @property
    def locks_when_taken(self) -> bool:
        """Is ``lock`` the moment at which a row was taken? In Django Q2 it is the one until which it is held."""
        return self.era == DJANGO_Q

    def rows(self, model: Any) -> "models.QuerySet[Any, Row]":
        """Return the rows of a table as dicts of the columns that are there."""
        return model.objects.using(self.alias).values(*self.columns[model])

    def batches(self, model: Any, size: int) -> Iterator[list[Row]]:
        """Yield all rows in the order of their keys, so many at a time."""
        rows = self.rows(model).order_by("pk")
        batch = list(rows[:size])
        while batch:
            yield batch
            batch = list(rows.filter(pk__gt=batch[-1]["id"])[:size])


def find(alias: str) -> OldTables:
    """Return the tables of an old package in a database. Raises CommandError that says what is not there."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        missing = [model._meta.db_table for model in _LATER if model._meta.db_table not in there]
        if missing:
            raise CommandError(
                f"The database {alias!r} has no table {' and no table '.join(missing)}: Django Q and Django Q2 store "
                "their rows there. Name the database that they used with --database, or bring their tables up to date "
                "with their own migrations first."
            )
        described = {
            model: {column.name for column in connection.introspection.get_table_description(cursor, _table(model))}
            for model in _LATER
        }
    return OldTables(alias, {model: _columns_of(model, present) for model, present in described.items()})


def _columns_of(model: type[models.Model], present: set[str]) -> tuple[str, ...]:
    known = [field.name for field in model._meta.concrete_fields]
    lacking = [name for name in known if name not in present and name not in _LATER[model]]
    if lacking:
        raise CommandError(
            f"The table {_table(model)} is neither Django Q's nor Django Q2's: it has no column "
            f"{' and no column '.join(lacking)}. Bring it up to date with the migrations of django-q 1.3.9 or of "
            "django-q2 first."
        )
    return tuple(name for name in known if name in present)


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table
