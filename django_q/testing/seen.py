"""What was enqueued, as tests look at it: decoded, and out of the way of the queue's verbs."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django_q import conf
from django_q.kernel.states import TaskKind
from django_q.models import OrmQ, Task

_MARKS = ("hook_pickled", "user")  # what a row carries beside what was asked for
_LONGEST_CALL = 200  # characters


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A task that was enqueued, with its arguments as a worker gets them."""

    id: str
    name: str
    func: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    queue: str
    group: str | None = None
    hook: str | None = None
    priority: int = 0
    run_after: datetime | None = None  # None as well for what has ended: the history does not keep it
    enqueued_at: datetime | None = None
    #: timeout, max_attempts, backoff, save, cached and ack_failure, where they differ from the settings
    options: dict[str, Any] = field(default_factory=dict)
    has_ended: bool = False

    def __str__(self) -> str:
        return call_text(self.func, self.args, self.kwargs)


def enqueued_tasks() -> list[Enqueued]:
    """Return all tasks that the database knows, in the order in which they were enqueued; those that ended too."""
    alias = conf.current().orm
    waiting = OrmQ.objects.using(alias).filter(kind=TaskKind.TASK)
    ended = Task.objects.using(alias).defer("result", "traceback")
    found = [_of_row(row) for row in waiting] + [_of_row(task) for task in ended]
    return sorted(found, key=lambda task: task.id)


def call_text(func: str, args: Any, kwargs: Any) -> str:
    """Return a call as one would write it, cut where it grows long."""
    given = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    text = f"{func}({', '.join(given)})"
    return text if len(text) <= _LONGEST_CALL else f"{text[: _LONGEST_CALL - 2]}…)"


def _of_row(row: OrmQ | Task) -> Enqueued:
    options = json.loads(row.options) if row.options else {}
    return Enqueued(
        id=row.pk,
        name=row.name,
        func=row.func,
        args=tuple(row.args or ()),
        kwargs=row.kwargs or {},
        queue=row.queue,
        group=row.group,
        hook=row.hook,
        priority=row.priority,
        run_after=row.run_after if isinstance(row, OrmQ) else None,
        enqueued_at=row.enqueued_at,
        options={name: value for name, value in options.items() if name not in _MARKS},
        has_ended=isinstance(row, Task),
    )
