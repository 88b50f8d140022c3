"""Hooks: what runs after a task and is given its row of history."""

import json
from collections.abc import Callable
from typing import Any

from django_q import conf
from django_q.kernel.messages import Letter
from django_q.models import Task
from django_q.models.fields import sealed_bytes


def load(letter: Letter, task_id: str) -> tuple[Callable[..., Any] | None, Task]:
    """Return a hook's callable if it travels with the task that it follows, else None, and that task's row."""
    settings = conf.current()
    try:
        task = Task.objects.using(settings.orm).get(pk=task_id)
    except Task.DoesNotExist as error:
        text = f"Task {task_id} is no longer in the history: it was deleted before its hook ran."
        raise Task.DoesNotExist(text) from error
    return (_carried(task) if _is_carried(letter) else None), task


def _is_carried(letter: Letter) -> bool:
    return bool(letter.options) and bool(json.loads(letter.options).get("pickled"))


def _carried(task: Task) -> Callable[..., Any] | None:
    blob = sealed_bytes(task, "kwargs") or b""
    codec = conf.current().codec()
    return codec.decode_call(blob, purpose="kwargs", task_id=task.pk, func=task.func)[0]
