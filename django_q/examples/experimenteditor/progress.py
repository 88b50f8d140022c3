"""Where tasks are, for pages that show it: in the queue, or in the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from django_q.examples.experimenteditor.models import RunResult
from django_q.kernel.states import TaskState
from django_q.models import OrmQ, Task


@dataclass(frozen=True)
class Step:
    """A task as people want to see it."""

    task_id: str
    name: str
    state: str
    detail: str = ""
    due: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("succeeded", "failed", "canceled", "gone")


@dataclass(frozen=True)
class Stage:
    """A part of a run's life: when it is or was, and whether it is behind us, now, ahead, or will never be."""

    name: str
    state: str  # done, now, ahead, failed
    at: datetime | None


def stages_of(run: RunResult) -> list[Stage]:
    """Return the life of a run: planned, started, finished, results."""
    now = timezone.now()
    done = [True, run.posted_at is not None, run.posted_at is not None and run.end <= now, run.is_complete]
    at = [run.start, run.posted_at, run.end if done[2] else None, None]
    current = done.index(False) if False in done else None
    names = ("Planned", "Started", "Finished", "Results")
    stages = []
    for index, name in enumerate(names):
        state = "done" if done[index] else "ahead"
        if index == current:
            state = "failed" if run.error else "now"
        stages.append(Stage(name, state, at[index]))
    return stages


def steps_of(run: RunResult) -> list[Step]:
    """Return the tasks of a run in the order in which they are due."""
    tasks = list(run.tasks.all())
    return look([(task.task_id, task.name, task.due) for task in tasks])


def look(tasks: Sequence[tuple[str, str, datetime | None]]) -> list[Step]:
    """Return the present state of tasks (id, name, due), in two queries.

    The queue is read first: a task that ends between the two queries is found in the history.
    """
    ids = [task_id for task_id, _, _ in tasks]
    queued = OrmQ.objects.defer("args", "kwargs").in_bulk(ids)
    ended = Task.objects.in_bulk(ids)
    return [Step(task_id, name, *_state(ended.get(task_id), queued.get(task_id)), due) for task_id, name, due in tasks]


def _state(task: Task | None, row: OrmQ | None) -> tuple[str, str]:
    if task is not None and task.success:
        return "succeeded", _line(task.result)
    if task is not None:
        return "canceled" if task.reason == "canceled" else "failed", _line(task.error)
    if row is None:
        return "gone", "It was deleted, or its transaction is still open."
    if row.running_since:
        return "running", ""
    return {TaskState.DEFERRED: "planned", TaskState.CLAIMED: "running"}.get(TaskState(row.state), "queued"), ""


def _line(value: object) -> str:
    """Return what fits into a cell."""
    line = " ".join(str(value).split())
    return line if len(line) <= 200 else f"{line[:199]}…"
