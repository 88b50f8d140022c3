"""Read how far tasks are, as they said themselves by ``current_task().progress()``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import sync_to_async

from django_q import conf
from django_q.kernel import ids
from django_q.models import OrmQ, Progress, Task
from django_q.models.dialects.base import parts
from django_q.models.troubles import TROUBLES, explained
from django_q.tasks.results import Name, id_or_name

_BATCH = 500  # ids of one query
_COLUMNS = ("pk", "done", "total", "message", "updated_at")


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How far a task is."""

    done: float  # a whole number is an int
    total: float | None  # None: the task does not know
    message: str
    updated_at: datetime  # when that was written, by the database's clock

    @property
    def percent(self) -> float | None:
        """Return how much is done of 100; None without a total."""
        return None if not self.total else 100 * min(1.0, self.done / self.total)

    @property
    def counts(self) -> str:
        """Return ``420 of 1000 (42 %)``, or what is done where there is no total."""
        done = number(self.done)
        return done if self.percent is None else f"{done} of {number(self.total or 0)} ({int(self.percent)} %)"

    @property
    def text(self) -> str:
        """Return the counts and the message in one line."""
        return f"{self.counts}: {self.message}" if self.message else self.counts


def progress_of(task_id: Name) -> TaskProgress | None:
    """Return how far a task is, by its id or name, or how far it was at its end; None if it never said so."""
    text = id_or_name(task_id)
    try:
        found = text if ids.is_id(text) else _id_of(text)
        return None if found is None else progress_of_many([found]).get(found)
    except TROUBLES as error:
        raise explained(error, conf.current().orm, coroutine="aprogress_of") from error


async def aprogress_of(task_id: Name) -> TaskProgress | None:
    """Return what :func:`progress_of` returns, without blocking the event loop."""
    return await sync_to_async(progress_of)(task_id)


def progress_of_many(task_ids: Iterable[Name]) -> dict[str, TaskProgress]:
    """Return by its id how far each of these tasks is that said so: one query for up to 500 of them."""
    rows = Progress.objects.using(conf.current().orm)
    found: dict[str, TaskProgress] = {}
    for part in parts([id_or_name(each) for each in task_ids], _BATCH):
        for id, done, total, message, updated_at in rows.filter(pk__in=part).values_list(*_COLUMNS):
            found[id] = TaskProgress(_plain(done), None if total is None else _plain(total), message, updated_at)
    return found


def number(value: float) -> str:
    """Return a number as people write it: no more than two decimals."""
    return str(value) if isinstance(value, int) else f"{value:.2f}".rstrip("0").rstrip(".")


def _plain(value: float) -> float:
    return int(value) if value.is_integer() else value


def _id_of(name: str) -> str | None:
    """Return the id of the newest task of a name, whether it has ended or not."""
    alias = conf.current().orm
    queued = OrmQ.objects.using(alias).named(name).order_by("-pk").values_list("pk", flat=True).first()
    if queued is not None:
        return queued
    ended = Task.objects.using(alias).only("pk").named(name)
    return None if ended is None else ended.pk
