"""What clients call, in a web process for example: start tasks, stop them, ask after them."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django_q import conf
from django_q.contrib.class_tasks.exceptions import TaskIsRunning
from django_q.contrib.class_tasks.models import LONGEST_ID, ClassTask, ClassTaskQuerySet
from django_q.contrib.class_tasks.states import ENDED, KNOWN, RUNNING, STOPPED, WAIT
from django_q.events import waking
from django_q.exceptions import InvalidValue

#: What runners are told when there is something to do.
BELL = "*class_tasks"
_UNSAID: Any = object()

#: What :func:`get_task` can be asked for.
KEYS = ("task", "data", "state", "output", "cleanup", "local", "last_update", "attempts")
_COLUMNS = {"task": "name", "data": "data", "cleanup": "cleanup"}


def start_task(task_name: str, task_id: str | None = None, cleanup: bool = True, **task_data: Any) -> str:
    """Queue a task in the caller's transaction and return its id, a new one if none is given.

    A task that waits under the id gets these data; one that has ended or was stopped is replaced. Without ``cleanup``
    its row stays until :func:`remove_task`. Raises :exc:`TypeError` for data that JSON cannot hold, InvalidValue for
    what is no name or no id, and TaskIsRunning while one runs under the id.
    """
    id = _checked("task_id", str(uuid.uuid4()) if task_id is None else task_id)
    data = _encoded(task_data)
    if not rows().put(id, _checked("task_name", task_name), data, cleanup=bool(cleanup)):
        raise TaskIsRunning(f"The task {id!r} is running. Stop it first, or change its data and reload it.")
    ring()
    return id


def stop_task(task_id: str) -> bool:
    """Stop a task: one that waits will not be started. False: it neither waits nor runs, so nothing happens."""
    return _told(rows().stop(task_id))


def reload_task(task_id: str) -> bool:
    """Let a running task stop and start anew with the data that are stored; one that waits will.

    False: it neither waits nor runs, so nothing happens.
    """
    return _told(rows().ask(task_id, "reload")) or rows().filter(pk=task_id, state=WAIT).exists()


def restart_task(task_id: str) -> bool:
    """Queue a task again that has ended or was stopped. False: it waits or runs already, is local or unknown."""
    return _told(rows().requeue(task_id))


def restart_if_state(task_id: str, states: str | Collection[str]) -> bool:
    """Do that only if the task is in one of these states; one text is one state. False: it is not.

    Raises InvalidValue for what is no state.
    """
    chosen = [states] if isinstance(states, str) else list(states)
    if unknown := [state for state in chosen if state not in KNOWN]:
        raise InvalidValue(f"{unknown[0]!r} is no state. Choose among {', '.join(KNOWN)}.")
    return _told(rows().requeue(task_id, chosen))


def remove_task(task_id: str) -> bool:
    """Delete a task that does not run. False: it runs, or there is none."""
    return bool(rows().filter(pk=task_id).exclude(state=RUNNING).delete()[0])


def get_task(task_id: str, keys: str | Sequence[str] | None = None) -> Any:
    """Return what is known of a task: a dict, empty if there is none; a value for one key, a list for several.

    Raises InvalidValue for a key that is not among :data:`KEYS`.
    """
    asked = [keys] if isinstance(keys, str) else keys
    if unknown := [key for key in asked or () if key not in KEYS]:
        raise InvalidValue(f"Nothing is kept under {unknown[0]!r}. Choose among {', '.join(KEYS)}.")
    row = rows().filter(pk=task_id).first()
    found = {} if row is None else said(row)
    if asked is None:
        return found
    values = [found.get(key) for key in asked]
    return values[0] if isinstance(keys, str) else values


def set_task(task_id: str, data: str | Mapping[str, Any], value: Any = _UNSAID) -> bool:
    """Change what is stored, with a dict or a key and a value: ``task``, ``data`` or ``cleanup``.

    What runs keeps what it was started with until it is reloaded. False: there is no such task. Raises InvalidValue for
    other keys, and TypeError for data that are no dict or that JSON cannot hold.
    """
    changes = {data: value} if isinstance(data, str) else dict(data)
    if value is _UNSAID and isinstance(data, str):
        raise TypeError(f"set_task() was given the key {data!r} without a value.")
    if unknown := [key for key in changes if key not in _COLUMNS]:
        raise InvalidValue(
            f"{unknown[0]!r} cannot be set. Choose among {', '.join(_COLUMNS)}; what changes the state of a task are "
            "stop_task(), reload_task() and restart_task()."
        )
    if "data" in changes:
        changes["data"] = _encoded(changes["data"])
    return bool(rows().filter(pk=task_id).update(**{_COLUMNS[key]: each for key, each in changes.items()}))


def get_new_task_ids() -> list[str]:
    """Return the tasks that wait, in the order in which they will be started."""
    return list(rows().filter(state=WAIT).order_by("place", "pk").values_list("pk", flat=True))


def get_active_task_ids() -> list[str]:
    """Return the tasks that run, and those that were stopped and can be restarted."""
    return list(rows().filter(state__in=(RUNNING, STOPPED)).order_by("place", "pk").values_list("pk", flat=True))


def get_end_task_ids() -> list[str]:
    """Return the tasks that have ended and are to be cleaned up."""
    return list(rows().end_queue().order_by("ended_at").values_list("pk", flat=True))


def rows() -> ClassTaskQuerySet:
    """Return the rows, in the database of the cluster."""
    found: ClassTaskQuerySet = ClassTask.objects.using(conf.current().orm)
    return found


def ring() -> None:
    """Wake the runners when the open transaction is committed."""
    waking.wake(conf.current().orm, BELL)


def _told(is_done: bool) -> bool:
    if is_done:
        ring()
    return is_done


def said(row: ClassTask) -> dict[str, Any]:
    """Return what a client may know of a row."""
    return {
        "task": row.name,
        "data": row.parameters,
        "state": row.state,
        "output": row.value if row.state in ENDED else None,
        "cleanup": row.cleanup,
        "local": row.local,
        "last_update": row.beat_at and row.beat_at.timestamp(),
        "attempts": row.attempts,
    }


def _checked(what: str, text: Any) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_ID or "\0" in text:
        raise InvalidValue(f"{what} is {text!r}; pass a text of 1 to {LONGEST_ID} characters.")
    return text


def _encoded(data: Any) -> str:
    if not isinstance(data, Mapping):
        raise TypeError(f"The data of a task are a dict of what its __init__ takes, not {data!r}.")
    try:
        return json.dumps(dict(data), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"The data of a task are stored as JSON, which cannot hold {data!r}: {error}") from error


__all__ = [
    "KEYS",
    "get_active_task_ids",
    "get_end_task_ids",
    "get_new_task_ids",
    "get_task",
    "reload_task",
    "remove_task",
    "restart_if_state",
    "restart_task",
    "set_task",
    "start_task",
    "stop_task",
]
