"""Rows of django-background-tasks, made by hand as it writes them."""

import json
from typing import Any

from django_q.contrib.background.models import hash_of
from django_q.contrib.background.moving.tables import OldCompleted, OldPending
from django_q_tests.integration.moving.old import moment

BARE = "django_q_tests.contrib.background.decorated.bare"
TRACEBACK = """Traceback (most recent call last):
  File "/shop/tasks.py", line 7, in send
    raise ValueError("out of ink")
ValueError: out of ink
"""


def pending(name: str = BARE, *args: Any, alias: str = "default", **columns: Any) -> int:
    """Write a task that waits into the old table and return its number."""
    return int(OldPending.objects.using(alias).create(**_columns(name, args, columns)).pk)


def completed(name: str = BARE, *args: Any, alias: str = "default", **columns: Any) -> int:
    """Write a task that ended into the old table and return its number."""
    ended = {"attempts": 1, "locked_by": "4711", "locked_at": moment(-90), "run_at": moment(-60), **columns}
    return int(OldCompleted.objects.using(alias).create(**_columns(name, args, ended)).pk)


def _columns(name: str, args: Any, given: dict[str, Any]) -> dict[str, Any]:
    params = given.pop("task_params", json.dumps([args, given.pop("kwargs", {})], sort_keys=True))
    usual = {"priority": 0, "run_at": moment(-5), "repeat": 0, "attempts": 0, "last_error": ""}
    return {**usual, "task_name": name, "task_params": params, "task_hash": hash_of(name, params), **given}
