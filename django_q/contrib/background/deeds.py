"""What can be done in the admin with background tasks: another priority, cancel, run again."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_q.admin import deeds as core
from django_q.admin.actions import Deed, Verdict
from django_q.contrib.background import options
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.repetition import run_again
from django_q.models import OrmQ
from django_q.tasks import control

_HIGHEST = 32767


def _move(rows: list[Task], alias: str, *, step: int) -> Iterator[Verdict]:
    """Change priorities in two statements, whatever the rows have; those that a cluster has claimed are left."""
    with transaction.atomic(using=alias):
        queued = OrmQ.objects.using(alias).filter(pk__in=[row.pk for row in rows], claimed_by=None)
        free = set(queued.filter(**_leaves_room(step)).select_for_update().values_list("pk", flat=True))
        OrmQ.objects.using(alias).filter(pk__in=free).change_priority(F("priority") + step * options.sign_of_priority())
    return ((row, "" if row.pk in free else _refusal(row)) for row in rows)


def _leaves_room(step: int) -> dict[str, int]:
    return {"priority__lt": _HIGHEST} if step * options.sign_of_priority() > 0 else {"priority__gt": -_HIGHEST}


def _refusal(row: Task) -> str:
    if abs(row.priority) >= _HIGHEST:
        return _("it has the last of all priorities.")
    return _("a cluster has claimed it.")


def _cancel(rows: list[Task], alias: str) -> Iterator[Verdict]:
    for row in rows:
        yield row, "" if control.cancel(row.pk) else _("it ended meanwhile.")


def _run_again(rows: list[CompletedTask], alias: str) -> Iterator[Verdict]:
    for row in rows:
        run_again(row)
        yield row, ""


def _is_unclaimed(row: Task) -> bool:
    return row.locked_by is None


def _priority(name: str, label: Any, done: Any, step: int) -> Deed:
    return Deed(
        name=name,
        label=label,
        question=gettext_lazy(
            "Change the priority of these tasks by one? What a cluster has claimed keeps what it has."
        ),
        button=gettext_lazy("Yes, change it"),
        done=done,
        flag=CHANGE,
        perform=partial(_move, step=step),
        suits=_is_unclaimed,
    )


RAISE = _priority("raise_selected", gettext_lazy("Priority +1"), gettext_lazy("Priority +1"), 1)
LOWER = _priority("lower_selected", gettext_lazy("Priority -1"), gettext_lazy("Priority -1"), -1)
CANCEL = replace(core.CANCEL, perform=_cancel, suits=bool, skips=())
RUN_AGAIN = Deed(
    name="run_again_selected",
    label=gettext_lazy("Run again"),
    question=gettext_lazy(
        "Run these tasks again? Each is enqueued once more under a new id, with the arguments it had; none is repeated."
    ),
    button=gettext_lazy("Yes, run them again"),
    done=gettext_lazy("Enqueued again"),
    flag=ADDITION,
    perform=_run_again,
)
