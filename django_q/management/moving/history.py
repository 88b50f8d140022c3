"""Move Django Q's history: each task keeps its id; what is pickled without a signature only where that is trusted."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from django_q import conf
from django_q.engine.failures import clean
from django_q.exceptions import PayloadError
from django_q.kernel.states import Reason
from django_q.management.moving import writing
from django_q.management.moving.packages import open_column
from django_q.management.moving.plan import Plan, in_settings_form
from django_q.management.moving.reading import Row
from django_q.management.moving.report import Part
from django_q.management.moving.tables import OldTask
from django_q.management.moving.writing import Item
from django_q.models import Moved, OrmQ, Task
from django_q.models.fields import Sealed
from django_q.models.task import HISTORY_COLUMNS

_LONGEST_PATH = 255
_PAYLOADS = ("args", "kwargs", "result")
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = '  File "'
_TIMEOUT = "TimeoutException"

UNTRUSTED = "without arguments, result and error: these are unsigned pickles (see below)"
EARLIER = "an earlier attempt of a task that waits: it is on that one's record"
IS_HERE = "a task with its id is here already"
SHORTENED = "the path of its function or hook has more than 255 characters and was cut"
GONE = "its row was deleted here since it was moved, so that nothing was completed"


@dataclass(slots=True)
class HistoryMove:
    """Moves the history, but for the earlier attempts of what was moved into the queue."""

    plan: Plan
    part: Part
    absorbed: Set[str]

    def run(self) -> None:
        """Move all tasks, batch by batch."""
        for rows in self.plan.old.batches(OldTask, self.plan.batch):
            self.part.found += len(rows)
            # What this run put on the record of a queued task was not moved before, though it is marked already.
            others = [row for row in rows if not self._is_absorbed(row)]
            known = Moved.objects.using(self.plan.alias).known(mark_of(row["id"]) for row in others)
            fresh = [row for row in others if mark_of(row["id"]) not in known]
            self.part.before += len(others) - len(fresh)
            self._move(fresh)
            self._complete([row for row in others if known.get(mark_of(row["id"]))])

    def _is_absorbed(self, row: Row) -> bool:
        if row["id"] in self.absorbed:
            self.part.moved += 1
            self.part.note(EARLIER, row["id"])
        return row["id"] in self.absorbed

    # What was not here ------------------------------------------------------------------------------------------------

    def _move(self, rows: list[Row]) -> None:
        here = self._present([row["id"] for row in rows])
        items = []
        for row in rows:
            if row["id"] in here:
                self.part.leave(IS_HERE, row["id"])
            else:
                items.append(self._item(row))
        refused = [] if self.plan.dry_run else writing.write(self.plan.alias, items, self._store)
        self.part.count(items, refused)

    def _present(self, ids: list[str]) -> set[str]:
        queued, ended = (model.objects.using(self.plan.alias).filter(pk__in=ids) for model in (OrmQ, Task))
        return {*queued.values_list("pk", flat=True), *ended.values_list("pk", flat=True)}

    def _item(self, row: Row) -> Item:
        values, notes = _columns(row, self.plan.settings.name), []
        is_incomplete = False
        if any(len(row[name] or "") > _LONGEST_PATH for name in ("func", "hook")):
            notes.append(SHORTENED)
        if any(row[name] is not None for name in _PAYLOADS):
            try:
                values |= self._opened(row)
            except PayloadError as error:
                is_incomplete = True
                notes.append(str(error))
        content = tuple(values.get(column, "") for column in HISTORY_COLUMNS)
        return Item(mark_of(row["id"]), row["id"], content, is_incomplete=is_incomplete, notes=notes)

    def _opened(self, row: Row) -> dict[str, Any]:
        """Return the columns that come from pickles. Raises PayloadError where they may not or cannot be read."""
        if not self.plan.trusts_pickles:
            raise PayloadError(UNTRUSTED)
        try:
            found = {name: open_column(row[name]) for name in _PAYLOADS}
            sealed = {name: _sealed(row, name, value) for name, value in found.items()}
        except PayloadError as error:
            raise PayloadError(f"without arguments, result and error: {error}") from error
        return sealed if row["success"] else sealed | failure_of(found["result"])

    def _store(self, items: Sequence[Item]) -> None:
        Task.objects.using(self.plan.alias).record([item.content for item in items])

    # What was here without its payloads -------------------------------------------------------------------------------

    def _complete(self, rows: list[Row]) -> None:
        """Fill in what an earlier run was not to read."""
        if not self.plan.trusts_pickles:
            return
        done = []
        for row in rows:
            try:
                done.append((row["id"], self._opened(row)))
            except PayloadError as error:
                self.part.note(str(error), row["id"])
        self.part.completed += len(done) if self.plan.dry_run else self._fill_in(done)

    def _fill_in(self, found: Sequence[tuple[str, dict[str, Any]]]) -> int:
        alias, filled = self.plan.alias, 0
        with transaction.atomic(using=alias):
            Moved.objects.using(alias).complete(mark_of(id) for id, _ in found)
            for id, values in found:
                changed = Task.objects.using(alias).filter(pk=id).update(**values)
                filled += changed
                if not changed:
                    self.part.note(GONE, id)
        return filled


def mark_of(id: str) -> str:
    """Return the key of the mark of a task."""
    return f"task:{id}"


def error_of(result: Any) -> tuple[str, str]:
    """Return the line and the traceback of an error, from what Django Q stores as the result of a failure."""
    text = clean(result if isinstance(result, str) else repr(result))
    start = text.find(_TRACEBACK)
    if start < 0:
        return text.strip(), ""
    lines = text[start:].splitlines()
    last_frame = max((number for number, line in enumerate(lines) if line.startswith(_FRAME)), default=0)
    # What stands behind the last frame; a message may go on for more lines.
    named = (line for line in lines[last_frame + 1 :] if line and not line[0].isspace())
    return next(named, text[:start].rstrip(" :")), text[start:]


def _columns(row: Row, name: str) -> Row:
    """Return what the columns of a task say that are not pickled."""
    started = in_settings_form(row["started"])
    return {
        **{column: row[column] for column in ("id", "name", "group", "success")},
        "func": row["func"][:_LONGEST_PATH],
        "hook": row["hook"] and row["hook"][:_LONGEST_PATH],
        **dict.fromkeys(_PAYLOADS),
        "cluster": row.get("cluster"),
        "queue": row.get("cluster") or name,
        "priority": 0,
        # Django Q knows when a task was enqueued, calls that "started", and does not know when a worker began.
        "enqueued_at": started,
        "started": started,
        "stopped": in_settings_form(row["stopped"]),
        "attempt_count": max(row.get("attempt_count", 1), 0),
        "crashes": 0,
        "reason": None if row["success"] else Reason.ERROR.value,
        **dict.fromkeys(("chain", "token", "requeued_from")),
    }


def _sealed(row: Row, purpose: str, value: Any) -> Sealed | None:
    if value is None:
        return None
    codec = conf.current().codec()
    return Sealed(codec.encode(value, purpose=purpose, task_id=row["id"], func=row["func"][:_LONGEST_PATH]))


def failure_of(result: Any) -> dict[str, Any]:
    """Return the columns of a failure that come from its error."""
    error, traceback = error_of(result)
    reason = Reason.TIMEOUT if _TIMEOUT in error else Reason.ERROR
    return {"error": error, "traceback": traceback, "reason": reason.value}
