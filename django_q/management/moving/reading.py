"""Tables of another package, found by their columns and read as they stand; never written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError
from django.db import connections, models

Row = dict[str, Any]
#: The tables of a package, each with the columns that came with later versions of it.
Wanted = Mapping[type[models.Model], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of an old package in one database, and which of the known columns each has."""

    alias: str
    columns: Mapping[type[models.Model], tuple[str, ...]]

    def rows(self, model: Any) -> "models.QuerySet[Any, Row]":
        """Return the rows of a table as dicts of the columns that are there."""
        return model.objects.using(self.alias).values(*self.columns[model])

    def batches(self, model: Any, size: int) -> Iterator[list[Row]]:
        """Yield all rows of a table in the order of their keys, so many at a time."""
        return in_batches(self.rows(model), size)


def in_batches(rows: "models.QuerySet[Any, Row]", size: int) -> Iterator[list[Row]]:
    """Yield rows in the order of their keys, so many at a time."""
    rows = rows.order_by("pk")
    batch = list(rows[:size])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1]["id"])[:size])


@dataclass(frozen=True, slots=True)
class Owner:
    """How messages speak of the package whose tables are looked for."""

    stores: str  # "X stores its rows"
    strangers: str  # "is not X's"
    newest: str  # the version whose tables are read


def columns_of(alias: str, wanted: Wanted, owner: Owner) -> dict[type[models.Model], tuple[str, ...]]:
    """Return which of the known columns each table has. Raises CommandError that says what is not there."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        missing = [_table(model) for model in wanted if _table(model) not in there]
        if missing:
            raise CommandError(
                f"The database {alias!r} has no table {' and no table '.join(missing)}: {owner.stores} there. Name the "
                "database that was used then with --database, or bring its tables up to date with the migrations of "
                "the old package first."
            )
        described = {
            model: {column.name for column in connection.introspection.get_table_description(cursor, _table(model))}
            for model in wanted
        }
    return {model: _known(model, wanted[model], present, owner) for model, present in described.items()}


def _known(model: type[models.Model], later: frozenset[str], present: set[str], owner: Owner) -> tuple[str, ...]:
    known = [field.attname for field in model._meta.concrete_fields]
    lacking = [name for name in known if name not in present and name not in later]
    if lacking:
        raise CommandError(
            f"The table {_table(model)} {owner.strangers}: it has no column {' and no column '.join(lacking)}. Bring "
            f"it up to date with the migrations of {owner.newest} first."
        )
    return tuple(name for name in known if name in present)


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table
