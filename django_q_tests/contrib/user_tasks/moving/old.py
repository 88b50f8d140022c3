"""Rows of django-user-tasks, made by hand as it writes them."""

import itertools
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User

from django_q.contrib.user_tasks.moving.tables import OldArtifact, OldStatus

MADE = datetime(2024, 2, 29, 9, 30, 15, 123456, tzinfo=timezone.utc)
CHANGED = datetime(2024, 2, 29, 9, 45, 0, 654321, tzinfo=timezone.utc)

_numbers = itertools.count()


def status(name: str = "Export", *, alias: str = "default", **columns: Any) -> OldStatus:
    """Write a task that succeeded into the old table."""
    if "user" not in columns:
        columns["user"] = User.objects.using(alias).get_or_create(username="ann")[0]
    usual = {
        "created": MADE,
        "modified": CHANGED,
        "uuid": uuid4(),
        "task_id": f"celery-{next(_numbers)}",
        "is_container": False,
        "task_class": "shop.tasks.export",
        "name": name,
        "state": "Succeeded",
        "completed_steps": 3,
        "total_steps": 3,
        "attempts": 1,
    }
    return OldStatus.objects.using(alias).create(**usual | columns)


def container(task_class: str = "celery.group", **columns: Any) -> OldStatus:
    """Write a container that succeeded into the old table."""
    return status(columns.pop("name", "All"), is_container=True, task_class=task_class, **columns)


def artifact(of: OldStatus, *, alias: str = "default", **columns: Any) -> OldArtifact:
    """Write what a task made into the old table."""
    usual = {"created": MADE, "modified": CHANGED, "uuid": uuid4(), "name": "Output", "url": "", "text": ""}
    return OldArtifact.objects.using(alias).create(status_id=of.pk, **usual | columns)
