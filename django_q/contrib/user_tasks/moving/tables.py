"""The tables of django-user-tasks, read as they stand, containers before what is in them."""

from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import F

from django_q.management.moving.reading import Owner, Row, Tables, columns_of, in_batches

# Of the old package's own table names: a registry of their own keeps migrations from seeing them.
_registry = Apps()


class OldStatus(models.Model):
    """What a task told its user."""

    id = models.BigAutoField(primary_key=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()
    # uuid or char(32) on MariaDB, by the Django that made it: it can be read, but not looked up.
    uuid = models.UUIDField(unique=True)
    user: Any = models.ForeignKey(get_user_model(), models.DO_NOTHING, related_name="+", db_constraint=False)
    task_id = models.CharField(max_length=128, unique=True)
    parent: Any = models.ForeignKey("self", models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    is_container = models.BooleanField()
    task_class = models.CharField(max_length=128)
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=128)
    completed_steps = models.IntegerField()
    total_steps = models.IntegerField()
    attempts = models.IntegerField()

    class Meta:
        apps = _registry
        app_label = "user_tasks_old"
        db_table = "user_tasks_usertaskstatus"
        managed = False


class OldArtifact(models.Model):
    """What a task made for its user."""

    id = models.BigAutoField(primary_key=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()
    uuid = models.UUIDField(unique=True)
    status: Any = models.ForeignKey(OldStatus, models.DO_NOTHING, related_name="+", db_constraint=False)
    name = models.CharField(max_length=255)
    file = models.CharField(max_length=100, null=True)  # its name in the storage
    url = models.TextField()
    text = models.TextField()

    class Meta:
        apps = _registry
        app_label = "user_tasks_old"
        db_table = "user_tasks_usertaskartifact"
        managed = False


_OWNER = Owner(
    stores="django-user-tasks stores its rows",
    strangers="is not that of django-user-tasks",
    newest="django-user-tasks 4.0.0",
)


class OldTables(Tables):
    """The tables of django-user-tasks."""

    __slots__ = ()

    def level(self, depth: int, size: int) -> Iterator[list[Row]]:
        """Yield the rows that have so many containers above them, each with the UUID of the nearest one."""
        above = "parent__" * depth
        rows = self.rows(OldStatus).filter(**{f"{above}parent__isnull": True})
        if depth:
            rows = rows.filter(**{f"{above}isnull": False})
        return in_batches(rows.annotate(parent_uuid=F("parent__uuid")), size)

    def artifacts(self, size: int) -> Iterator[list[Row]]:
        """Yield all artifacts, each with the UUID of its status."""
        return in_batches(self.rows(OldArtifact).annotate(status_uuid=F("status__uuid")), size)

    def below(self, row: Row) -> "models.QuerySet[OldStatus, Row]":
        """Return what is in a container."""
        return self.rows(OldStatus).filter(parent=row["id"])


def find(alias: str) -> OldTables:
    """Return the tables in a database. Raises CommandError that says what is not there."""
    return OldTables(alias, columns_of(alias, {OldStatus: frozenset(), OldArtifact: frozenset()}, _OWNER))
