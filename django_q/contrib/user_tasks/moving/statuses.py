"""Move the rows of tasks: final states as they are; what has not ended stays, or has failed."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from django_q.contrib.user_tasks import states, texts
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.moving.copying import STATUS, Above, Plan, TableMove, create, mark_of, moments_of
from django_q.contrib.user_tasks.moving.users import Users
from django_q.contrib.user_tasks.transitions import StatusQuerySet
from django_q.management.moving.reading import Row
from django_q.management.moving.report import Part
from django_q.management.moving.writing import Item
from django_q.models import Moved

UNFINISHED = "it has not ended: a Celery worker may run it, or died over it"
ITS_CONTAINER_STAYS = "the chain or group that it belongs to is not moved"
IS_HERE = "a user task with its task id or UUID is here already"
ENDED_BY_MOVE = "it had not ended and was moved as failed; if it ends there, another run completes it here"
ENDED_BY_CHILDREN = "it had not ended, but all its tasks had: it has the state that follows from theirs"
DELETED = "what it belongs to was moved before and has been deleted here"
GONE = "moved before as failed, and not so here any more, so that nothing was completed"

# Containers are called celery.chain, celery.group and celery.chord.
_CELERY = "celery."
# Of tasks in chains and chords Celery's task object was written down, as text.
_TASK_OBJECT = re.compile(r"<@task: (\S+) of ")
_AS_THEY_ARE = ("uuid", "user_id", "task_id", "is_container", "name", "total_steps", "attempts")


class StatusMove(TableMove):
    """Moves the rows of tasks, containers before what is in them."""

    kind = STATUS

    def __init__(self, plan: Plan, part: Part) -> None:
        super().__init__(plan, part)
        self._users = Users(plan.old.alias, plan.alias)

    def run(self) -> None:
        """Move all rows, level by level."""
        depth = 0
        while self._level(depth):
            depth += 1

    def _level(self, depth: int) -> bool:
        found = False
        for rows in self.plan.old.level(depth, self.plan.batch):
            found = True
            self.take(rows)
        return found

    # --- what was not here

    def items(self, rows: Sequence[Row]) -> Iterator[Item]:
        """Yield what is written for rows."""
        above = Above.of((row["parent_uuid"] for row in rows), self.plan)
        strangers = self._users.strangers(row["user_id"] for row in rows)
        taken = self._taken(rows)
        for row in rows:
            state = self._state(row)
            if row["parent_uuid"] in above.gone:
                yield Item(self.key(row), _example(row), None, is_needless=True, notes=[DELETED])
            elif row["user_id"] in strangers:
                self.leave(row, strangers[row["user_id"]])
            elif row["uuid"] in taken or row["task_id"] in taken:
                self.leave(row, IS_HERE)
            elif self._is_below_what_stays(row):
                self.leave(row, ITS_CONTAINER_STAYS)
            elif state not in states.FINAL and not self.plan.ends_unfinished:
                self.leave(row, UNFINISHED)
            else:
                yield self._item(row, state, above.here.get(row["parent_uuid"]))

    def _taken(self, rows: Sequence[Row]) -> set[UUID | str]:
        """Return the UUIDs and task ids of rows that are here without having been moved."""
        ours = UserTaskStatus.objects.using(self.plan.alias)
        by_uuid = ours.filter(uuid__in=[row["uuid"] for row in rows])
        by_task = ours.filter(task_id__in=[row["task_id"] for row in rows])
        return {*by_uuid.values_list("uuid", flat=True), *by_task.values_list("task_id", flat=True)}

    def _is_below_what_stays(self, row: Row) -> bool:
        return row["parent_uuid"] is not None and mark_of(STATUS, row["parent_uuid"]) in self.staying

    def _state(self, row: Row) -> str:
        """Return how a row stands: a container whose tasks have all ended has, too, though nobody wrote that."""
        state: str = row["state"]
        if state in states.FINAL or not row["is_container"]:
            return state
        below = {self._state(child) for child in self.plan.old.below(row)}
        if not below or not below <= set(states.FINAL):
            return state
        return next(each for each in (states.FAILED, states.CANCELED, states.SUCCEEDED) if each in below)

    def _item(self, row: Row, state: str, parent: int | None) -> Item:
        is_unfinished, notes = state not in states.FINAL, []
        if is_unfinished:
            state, notes = states.FAILED, [ENDED_BY_MOVE]
        elif state != row["state"]:
            notes = [ENDED_BY_CHILDREN]
        status = UserTaskStatus(
            **{name: row[name] for name in _AS_THEY_ARE},
            **moments_of(row),
            parent_id=parent,
            task_class=_class_of(row),
            state=state,
            completed_steps=_completed(row, state),
            error_text=texts.of_reason(texts.MOVED) if is_unfinished else "",
        )
        return Item(self.key(row), _example(row), status, is_incomplete=is_unfinished, notes=notes)

    def store(self, items: Sequence[Item]) -> None:
        """Write a batch, and for what the move itself ended why it did."""
        create(UserTaskStatus, [item.content for item in items], self.plan.alias)
        ended = {item.content.uuid: item.content for item in items if item.is_incomplete}
        written = UserTaskStatus.objects.using(self.plan.alias).filter(uuid__in=ended)
        errors = [_error(ended[uuid], *rest) for uuid, *rest in written.values_list("uuid", "pk", "modified")]
        create(UserTaskArtifact, errors, self.plan.alias)

    # --- what was moved before it had ended

    def complete(self, rows: Sequence[Row]) -> None:
        """Write how those ended that an earlier run moved as failed."""
        found = [(row, state) for row in rows if (state := self._state(row)) in states.FINAL]
        self.part.completed += len(found) if self.plan.dry_run else self._fill_in(found)

    def _fill_in(self, found: Sequence[tuple[Row, str]]) -> int:
        alias, filled = self.plan.alias, []
        with transaction.atomic(using=alias):
            Moved.objects.using(alias).complete(self.key(row) for row, _ in found)
            for row, state in found:
                if self._is_updated(row, state):
                    filled.append(_uuid_of_error(row["uuid"]))
                else:
                    self.part.note(GONE, _example(row))
            UserTaskArtifact.objects.using(alias).filter(uuid__in=filled).delete()
        return len(filled)

    def _is_updated(self, row: Row, state: str) -> bool:
        ours = UserTaskStatus.objects.using(self.plan.alias).filter(uuid=row["uuid"], state=states.FAILED)
        values: dict[str, Any] = {name: row[name] for name in ("name", "total_steps", "attempts")}
        values["modified"] = moments_of(row)["modified"]
        return bool(ours.update(state=state, completed_steps=_completed(row, state), error_text="", **values))


def _class_of(row: Row) -> str:
    name: str = row["task_class"]
    if row["is_container"]:
        return name.removeprefix(_CELERY)
    found = _TASK_OBJECT.match(name)
    return found[1] if found else name


def _completed(row: Row, state: str) -> int:
    done, total = row["completed_steps"], row["total_steps"]
    return max(done, total) if state == states.SUCCEEDED and row["state"] != state else done


def _error(status: UserTaskStatus, key: int, moment: datetime) -> UserTaskArtifact:
    return UserTaskArtifact(
        uuid=_uuid_of_error(status.uuid),
        status_id=key,
        name=StatusQuerySet.ERROR,
        text=status.error_text,
        created=moment,
        modified=moment,
    )


def _uuid_of_error(uuid: UUID) -> UUID:
    """Return the UUID of the artifact that tells of the end by the move: by it another run finds it again."""
    return uuid5(uuid, texts.MOVED)


def _example(row: Row) -> str:
    return f"{row['name']} ({row['id']})"
