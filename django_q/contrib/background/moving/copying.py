"""How a table of django-background-tasks is gone through: a batch at a time, each row once."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings as django_settings

from django_q.conf import Settings
from django_q.contrib.background import options
from django_q.contrib.background.models import Task
from django_q.contrib.background.moving.creators import Creators
from django_q.contrib.background.moving.functions import Functions
from django_q.management.moving import writing
from django_q.management.moving.plan import in_settings_form
from django_q.management.moving.reading import Row, Tables
from django_q.management.moving.report import Part
from django_q.management.moving.writing import Item
from django_q.models import Moved

CUT_PRIORITY = "its priority was cut to what a row holds, -32767 to 32767"

_HIGHEST = 32767
OLD_ORDERING = "BACKGROUND_TASK_PRIORITY_ORDERING"


@dataclass(frozen=True, slots=True)
class Plan:
    """From where, and how."""

    old: Tables
    settings: Settings
    batch: int
    dry_run: bool
    functions: Functions
    creators: Creators

    @property
    def alias(self) -> str:
        """Return the alias of the database of our own tables."""
        return self.settings.orm


class TableMove(ABC):
    """Moves one table."""

    model: ClassVar[Any]
    kind: ClassVar[str]  # with what the marks of its rows begin

    def __init__(self, plan: Plan, part: Part) -> None:
        self.plan = plan
        self.part = part

    def run(self) -> None:
        """Move all rows, batch by batch."""
        for rows in self.plan.old.batches(self.model, self.plan.batch):
            self.part.found += len(rows)
            known = Moved.objects.using(self.plan.alias).known(map(self.key, rows))
            fresh = [row for row in rows if self.key(row) not in known]
            self.part.before += len(rows) - len(fresh)
            items = [item for row in fresh if (item := self.item(row)) is not None]
            refused = [] if self.plan.dry_run else writing.write(self.plan.alias, items, self.store)
            self.part.count(items, refused)

    @property
    def prefix(self) -> str:
        """Return what the marks of the rows of this table and this database have in common."""
        return f"{self.kind}:{self.plan.old.alias}"

    def key(self, row: Row) -> str:
        """Return the key of the mark of a row: its number, and its hash in case a server gives that again."""
        return f"{self.prefix}:{row['id']}:{row['task_hash']}"

    @abstractmethod
    def item(self, row: Row) -> Item | None:
        """Return what is written for a row; None if it stays, which the report then says."""

    @abstractmethod
    def store(self, items: Sequence[Item]) -> None:
        """Write a batch."""


def arguments_of(row: Row) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments and keywords of a task. Raises ValueError for what is no JSON of these two."""
    try:
        args, kwargs = json.loads(row["task_params"])
        return tuple(args), dict(kwargs)
    except (TypeError, ValueError) as error:
        raise ValueError("its parameters are no JSON of a list and a dict") from error


def beside(id: str, row: Row, scheduled_for: datetime, creator: dict[str, Any]) -> Task:
    """Return our own row, which stands beside that of the queue or the history."""
    until = row["repeat_until"]
    return Task(
        id=id,
        task_name=row["task_name"],
        task_params=row["task_params"],
        task_hash=row["task_hash"],
        verbose_name=row["verbose_name"],
        scheduled_for=scheduled_for,
        repeat=max(row["repeat"], 0),
        repeat_until=None if until is None else in_settings_form(until),
        **creator,
    )


def priority_of(row: Row) -> tuple[int, list[str]]:
    """Return the priority that lets a row run in the order that it had, and what is to be said of it."""
    wanted = row["priority"] * sign_of_old_priority()
    kept = max(-_HIGHEST, min(_HIGHEST, wanted))
    return kept, [] if kept == wanted else [CUT_PRIORITY]


def sign_of_old_priority() -> int:
    """Return by what an old priority is multiplied, greater being first. While the old setting is set, it decides."""
    usual = options.option("priority_ordering")
    return -1 if getattr(django_settings, OLD_ORDERING, usual) == options.SMALLER_FIRST else 1
