"""What streams say of their runs: which task one belongs to, and how it ended."""

import json
from typing import Any

from django_q.exceptions import TaskCanceled, TaskStopped, TaskTimeout, TryAgain

SUCCESS, ERROR, TIMEOUT, CANCELED, RETRY = "success", "error", "timeout", "canceled", "retry"

_OF_ERRORS: dict[type[BaseException], str] = {
    TaskTimeout: TIMEOUT,
    TaskCanceled: CANCELED,
    TaskStopped: CANCELED,
    TryAgain: RETRY,
}


def of_error(error: BaseException) -> str:
    """Return how a run ended that raised this."""
    return next((outcome for kind, outcome in _OF_ERRORS.items() if isinstance(error, kind)), ERROR)


def of_attempt(attempt: Any) -> str:
    """Return how an attempt ended, as the cluster tells of it: as above, or "lost"."""
    return SUCCESS if attempt.success else str(attempt.reason or ERROR)


def about(task_id: str | None) -> dict[str, Any]:
    """Return what is kept with the beginning of a run."""
    return {"task": task_id}


def task_of(payload: str) -> str | None:
    """Return the id of the task whose run began with this; None for another kind of stream."""
    found = json.loads(payload) if payload else None
    return found.get("task") if isinstance(found, dict) else None


def outcome_of(payload: str) -> str:
    """Return how a run ended that ended with this."""
    found = json.loads(payload) if payload else None
    return str(found.get("outcome", SUCCESS)) if isinstance(found, dict) else SUCCESS
