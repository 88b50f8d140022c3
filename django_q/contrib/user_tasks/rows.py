"""Make the rows of user tasks: with the rows of the queue, or by a worker that finds none."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from django_q import conf
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.transitions import CHAIN, CHORD, GROUP
from django_q.models import OrmQ
from django_q.tasks import enqueue
from django_q.tasks.enqueue import Draft

#: The mark of a user task among the options of a queue row. Its value is the id of that row: a row that was copied
#: from another one has the mark of that.
MARK = "user_task"

#: What a call belongs to, as :attr:`~django_q.tasks.enqueue.Draft.within` has it.
Place = tuple[tuple[str, str], ...]

_CLASSES = {enqueue.CHAIN: CHAIN, enqueue.ITERATION: GROUP, enqueue.CHORD: CHORD}
_NAME, _CLASS = 255, 128  # characters


@dataclass(frozen=True, slots=True)
class Pending:
    """A row that is not written yet."""

    status: UserTaskStatus
    container_name: str  # what the call says of the chain or iteration that it belongs to


def pending(
    task_id: str, arguments: dict[str, Any], given: dict[str, Any], *, task_class: str, name: str, total: int
) -> Pending:
    """Return the row of a call, not written yet. Raises :exc:`TypeError` if no user is named or there is none such."""
    everything = {**given, **arguments}
    if everything.get("user_id") is None:
        raise TypeError("Each invocation of a UserTaskMixin subclass must include the user_id")
    _check_user(everything["user_id"])
    status = UserTaskStatus(
        user_id=everything["user_id"],
        task_id=task_id,
        task_class=task_class[:_CLASS],
        name=str(name)[:_NAME],
        total_steps=total,
    )
    return Pending(status, str(everything.get("user_task_name") or "")[:_NAME])


def _check_user(user_id: Any) -> None:
    users = get_user_model()._base_manager.using(conf.current().orm)
    try:
        exists = users.filter(pk=user_id).exists()
    except (TypeError, ValueError, ValidationError):  # nothing that the key of a user could be
        exists = False
    if not exists:
        raise TypeError(f"Invalid user_id: {user_id!r}")


def write(rows: Sequence[tuple[Draft, Pending]], alias: str) -> None:
    """Write the rows of calls that are enqueued together, and one for each chain, iteration or chord of them.

    The caller has a transaction open.
    """
    members: dict[Place, list[Pending]] = {}
    for draft, row in rows:
        for depth in range(1, len(draft.within) + 1):
            members.setdefault(draft.within[:depth], []).append(row)
    keys: dict[Place, Any] = {(): None}
    for place in sorted(members, key=len):  # those above others first
        container = _container(place[-1], members[place], parent=keys[place[:-1]])
        container.save(force_insert=True, using=alias)
        keys[place] = container.pk
    for draft, row in rows:
        row.status.parent_id = keys[draft.within]
    UserTaskStatus.objects.using(alias).bulk_create([row.status for _, row in rows], batch_size=500)


def _container(place: tuple[str, str], members: Sequence[Pending], *, parent: int | None) -> UserTaskStatus:
    (kind, key), first = place, members[0].status
    return UserTaskStatus(
        user_id=first.user_id,
        task_id=key,
        parent_id=parent,
        task_class=_CLASSES[kind],
        is_container=True,
        name=next((row.container_name for row in members if row.container_name), first.name),
        total_steps=sum(row.status.total_steps for row in members),
    )


def find(task_id: str) -> UserTaskStatus | None:
    """Return the row of a task."""
    return UserTaskStatus.objects.filter(task_id=task_id).first()


def was_deleted(task_id: str) -> bool:
    """Did a task that has no row have one?"""
    stored = OrmQ.objects.using(conf.current().orm).filter(pk=task_id).values_list("options", flat=True).first()
    return bool(json.loads(stored).get(MARK) == task_id) if stored else False


def adopt(row: UserTaskStatus) -> None:
    """Write the row of a task that was enqueued without one: by a path that meant nothing there, or as a copy."""
    alias = conf.current().orm
    with transaction.atomic(using=alias):
        row.save(force_insert=True, using=alias)
        queue = OrmQ.objects.using(alias).filter(pk=row.task_id)
        for stored in queue.values_list("options", flat=True):
            marked = {**(json.loads(stored) if stored else {}), MARK: row.task_id}
            queue.update(options=json.dumps(marked, separators=(",", ":")))
