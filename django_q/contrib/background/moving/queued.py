"""Move what has not ended: each row becomes one of the queue, with ours beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from django_q.contrib.background.calls import BACKOFF, MARK, PLAIN, usual_options
from django_q.contrib.background.models import Task
from django_q.contrib.background.moving.copying import TableMove, arguments_of, beside, priority_of
from django_q.contrib.background.moving.functions import UnknownName
from django_q.contrib.background.moving.tables import OldPending, held_until
from django_q.exceptions import ClusterError
from django_q.management.moving.history import error_of
from django_q.management.moving.placing import Waiting, draft_at, put, remembered
from django_q.management.moving.plan import in_settings_form
from django_q.management.moving.reading import Row
from django_q.management.moving.writing import Item
from django_q.models import Moved

OVER = "it is marked as failed, so django-background-tasks would never run it"
HELD = "it was locked: it begins when that lock ends"
GONE = (
    "moved by an earlier run, and not in the old table any more: it ended there, or was deleted; what was moved runs "
    "all the same"
)


@dataclass(frozen=True, slots=True)
class _Content:
    """What is written for one row."""

    waiting: Waiting
    ours: Task


class QueueMove(TableMove):
    """Moves the tasks that have not ended."""

    model = OldPending
    kind = "background"

    def run(self) -> None:
        """Move all rows, and then tell of those that were moved before and are gone there."""
        super().run()
        for number in self._gone():
            self.part.note(GONE, f"row {number}")

    def item(self, row: Row) -> Item | None:
        """Return what is written for a row; None if it stays."""
        if row["failed_at"] is not None:
            self.part.leave(OVER, _example(row))
            return None
        try:
            content, notes = self._content(row)
        except UnknownName as error:
            self.part.leave(str(error), _example(row))
            return None
        except (ClusterError, ValueError) as error:
            self.part.leave(f"it cannot be enqueued: {error}", _example(row))
            return None
        return Item(self.key(row), _example(row), content, notes=notes)

    def _content(self, row: Row) -> tuple[_Content, list[str]]:
        path, remarks = self.plan.functions.path(row["task_name"])
        priority, of_priority = priority_of(row)
        creator, of_creator = self.plan.creators.of(row)
        moment, until = in_settings_form(row["run_at"]), held_until(row)
        due = moment if until is None else max(moment, until)
        given = {"cluster": row["queue"] or None, "priority": priority, "run_after": due, **usual_options()}
        marks = {"patient": True, MARK: PLAIN}
        draft = draft_at(moment, path, arguments_of(row), given, self.plan.settings, marks)
        waiting = Waiting([draft], max(row["attempts"], 0), _errors(row, moment))
        notes = [*remarks, *of_priority, *of_creator, *([] if until is None else [HELD])]
        return _Content(waiting, beside(draft.id, row, moment, creator)), notes

    def store(self, items: Sequence[Item]) -> None:
        """Write a batch."""
        contents: list[_Content] = [item.content for item in items]
        put([content.waiting for content in contents], self.plan.alias)
        Task._base_manager.using(self.plan.alias).bulk_create([content.ours for content in contents])

    def _gone(self) -> Iterator[int]:
        """Yield the numbers of the rows that were moved and are not in the old table any more."""
        for marks in self._marks():
            moved = {(int(number), hash) for number, hash in marks}
            there = self.plan.old.rows(OldPending).filter(pk__in=[number for number, _ in moved])
            gone = moved - {(row["id"], row["task_hash"]) for row in there}
            yield from sorted(number for number, _ in gone)

    def _marks(self) -> Iterator[list[tuple[str, str]]]:
        """Yield number and hash of the rows that were moved, a batch at a time."""
        marks = Moved.objects.using(self.plan.alias).filter(key__startswith=f"{self.prefix}:").order_by("key")
        keys = list(marks.values_list("key", flat=True)[: self.plan.batch])
        while keys:
            parts = [key.rsplit(":", 2) for key in keys]
            yield [(number, hash) for head, number, hash in parts if head == self.prefix]
            keys = list(marks.filter(key__gt=keys[-1]).values_list("key", flat=True)[: self.plan.batch])


def _errors(row: Row, due: datetime) -> str:
    """Return the last error as queue rows remember errors."""
    if not row["last_error"]:
        return ""
    line, _ = error_of(row["last_error"])
    # Not written down; it was so long before the row is due, unless somebody moved that.
    ended = min(due - _pause_after(row["attempts"]), in_settings_form(timezone.now()))
    return remembered(line, ended, ended)


def _pause_after(attempts: int) -> timedelta:
    pause: dict[str, Any] = BACKOFF
    return timedelta(seconds=min(attempts ** pause["factor"] + pause["delay"], pause["maximum"]))


def _example(row: Row) -> str:
    return f"{row['task_name']} ({row['id']})"
