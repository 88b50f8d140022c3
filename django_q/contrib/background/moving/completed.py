"""Move what has ended: each row becomes one of the history, with ours beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django_q.contrib.background.models import Task
from django_q.contrib.background.moving.copying import TableMove, arguments_of, beside, priority_of
from django_q.contrib.background.moving.tables import OldCompleted
from django_q.management.moving.history import error_of, failure_of
from django_q.management.moving.placing import id_at, remembered
from django_q.management.moving.plan import in_settings_form
from django_q.management.moving.reading import Row
from django_q.management.moving.writing import Item
from django_q.models import Task as Record
from django_q.models.fields import Sealed
from django_q.models.task import HISTORY_COLUMNS

CUT_QUEUE = "the name of its queue has more than 100 characters and was cut"

_LONGEST_QUEUE = 100
_LONGEST_NAME = 100
_UNKNOWN = ("hook", "group", "cluster", "result", "chain", "token", "requeued_from")


@dataclass(frozen=True, slots=True)
class _Content:
    """What is written for one row."""

    record: tuple[Any, ...]  # HISTORY_COLUMNS
    ours: Task


class HistoryMove(TableMove):
    """Moves the tasks that have ended."""

    model = OldCompleted
    kind = "background-done"

    def item(self, row: Row) -> Item | None:
        """Return what is written for a row; None if it stays."""
        example = f"{row['task_name']} ({row['id']})"
        try:
            arguments = arguments_of(row)
        except ValueError as error:
            self.part.leave(str(error), example)
            return None
        stopped = in_settings_form(row["run_at"])
        started = min(in_settings_form(row["locked_at"]), stopped) if row["locked_at"] else stopped
        creator, notes = self.plan.creators.of(row)
        priority, of_priority = priority_of(row)
        queue = row["queue"] or self.plan.settings.name
        notes += [*of_priority, *([CUT_QUEUE] if len(queue) > _LONGEST_QUEUE else [])]
        values = {
            **dict.fromkeys(_UNKNOWN),
            "id": id_at(stopped),
            "name": (row["verbose_name"] or row["task_name"])[:_LONGEST_NAME],
            "func": self.plan.functions.written(row["task_name"]),
            "queue": queue[:_LONGEST_QUEUE],
            "priority": priority,
            # When it was enqueued was not written down.
            "enqueued_at": started,
            "started": started,
            "stopped": stopped,
            "success": row["failed_at"] is None,
            "attempt_count": max(row["attempts"], 0),
            "crashes": 0,
            "reason": None,
            "worker": row["locked_by"] or "",
        }
        values |= self._sealed(values, arguments) | _errors(row, values)
        record = tuple(values.get(column, "") for column in HISTORY_COLUMNS)
        return Item(self.key(row), example, _Content(record, beside(values["id"], row, started, creator)), notes=notes)

    def _sealed(self, values: Row, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Row:
        codec = self.plan.settings.codec()
        return {
            name: Sealed(codec.encode(value, purpose=name, task_id=values["id"], func=values["func"]))
            for name, value in zip(("args", "kwargs"), arguments, strict=True)
        }

    def store(self, items: Sequence[Item]) -> None:
        """Write a batch."""
        contents: list[_Content] = [item.content for item in items]
        Record.objects.using(self.plan.alias).record([content.record for content in contents])
        Task._base_manager.using(self.plan.alias).bulk_create([content.ours for content in contents])


def _errors(row: Row, values: Row) -> Row:
    """Return what is said of the error with which a task failed, or of the last one before it succeeded."""
    if not row["last_error"]:
        return {} if values["success"] else failure_of("")
    if not values["success"]:
        return failure_of(row["last_error"])
    line, _ = error_of(row["last_error"])
    return {"errors": remembered(line, values["started"], values["started"])}
