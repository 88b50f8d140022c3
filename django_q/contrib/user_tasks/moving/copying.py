"""How a table of django-user-tasks is gone through: a batch at a time, each row once, below what is here of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Case, DateTimeField, Value, When

from django_q.conf import Settings
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.moving.tables import OldTables
from django_q.management.moving import writing
from django_q.management.moving.plan import in_settings_form
from django_q.management.moving.reading import Row
from django_q.management.moving.report import Part
from django_q.management.moving.writing import Item
from django_q.models import Moved

STATUS = "user-task"  # with what the marks of statuses begin

_AT_ONCE = 100  # moments that one statement writes


@dataclass(frozen=True, slots=True)
class Plan:
    """From where, and how."""

    old: OldTables
    settings: Settings
    batch: int
    dry_run: bool
    ends_unfinished: bool  # is what has not ended moved as failed?

    @property
    def alias(self) -> str:
        """Return the alias of the database of our own tables."""
        return self.settings.orm


class TableMove(ABC):
    """Moves one table. The UUID of a row is the key of its mark, since it is the same wherever the row is copied."""

    kind: ClassVar[str]  # with what the marks of its rows begin

    def __init__(self, plan: Plan, part: Part) -> None:
        self.plan = plan
        self.part = part
        self.staying: set[str] = set()  # marks of the rows that are not moved

    def take(self, rows: Sequence[Row]) -> None:
        """Move a batch."""
        self.part.found += len(rows)
        known = Moved.objects.using(self.plan.alias).known(map(self.key, rows))
        fresh = [row for row in rows if self.key(row) not in known]
        self.part.before += len(rows) - len(fresh)
        items = list(self.items(fresh))
        refused = [] if self.plan.dry_run else writing.write(self.plan.alias, items, self._store_needed)
        self.part.count(items, refused)
        self.staying.update(item.key for item, _ in refused)
        self.complete([row for row in rows if known.get(self.key(row))])

    def key(self, row: Row) -> str:
        """Return the key of the mark of a row."""
        return mark_of(self.kind, row["uuid"])

    def leave(self, row: Row, reason: str) -> None:
        """Say why a row is not moved."""
        self.staying.add(self.key(row))
        self.part.leave(reason, f"{row['name']} ({row['id']})")

    @abstractmethod
    def items(self, rows: Sequence[Row]) -> Iterator[Item]:
        """Yield what is written for rows, without those that stay, which the report then names."""

    @abstractmethod
    def store(self, items: Sequence[Item]) -> None:
        """Write a batch."""

    @abstractmethod
    def complete(self, rows: Sequence[Row]) -> None:
        """Bring up to date what an earlier run could only move in part."""

    def _store_needed(self, items: Sequence[Item]) -> None:
        self.store([item for item in items if not item.is_needless])


@dataclass(frozen=True, slots=True)
class Above:
    """What is here of the statuses that rows belong to."""

    here: Mapping[UUID, int]  # our keys
    gone: frozenset[UUID]  # moved once, and deleted here since

    @classmethod
    def of(cls, uuids: Iterable[UUID | None], plan: Plan) -> "Above":
        """Look for these statuses."""
        wanted = {uuid for uuid in uuids if uuid is not None}
        rows = UserTaskStatus.objects.using(plan.alias).filter(uuid__in=wanted)
        here = dict(rows.values_list("uuid", "pk")) if wanted else {}
        marks = {mark_of(STATUS, uuid): uuid for uuid in wanted - here.keys()}
        known = Moved.objects.using(plan.alias).known(marks) if marks else {}
        return cls(here, frozenset(marks[mark] for mark in known))


def mark_of(kind: str, uuid: UUID) -> str:
    """Return the key of the mark of a row."""
    return f"{kind}:{uuid.hex}"


def moments_of(row: Row) -> dict[str, datetime]:
    """Return when a row was made and changed, as Django stores it now."""
    return {name: in_settings_form(row[name]) for name in ("created", "modified")}


def create(model: Any, rows: Sequence[Any], alias: str) -> None:
    """Write rows with the moments at which they were changed: the field would write that of now."""
    moments = {row.uuid: row.modified for row in rows}
    model._base_manager.using(alias).bulk_create(rows)
    uuids = list(moments)
    for start in range(0, len(uuids), _AT_ONCE):
        part = uuids[start : start + _AT_ONCE]
        whens = [When(uuid=uuid, then=Value(moments[uuid], output_field=DateTimeField())) for uuid in part]
        model._base_manager.using(alias).filter(uuid__in=part).update(modified=Case(*whens))
