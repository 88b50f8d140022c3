"""The tables of django-background-tasks, read as they stand, and what a lock in them says."""

from datetime import datetime, timedelta

from django.apps.registry import Apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from django_q.management.moving.plan import in_settings_form
from django_q.management.moving.reading import Owner, Row, Tables, columns_of

_USUAL_RUN_TIME = 3600  # seconds, where MAX_RUN_TIME does not say

# Of the old package's own label and table names: a registry of their own keeps migrations from seeing them.
_registry = Apps()


class _Old(models.Model):
    """What both tables hold."""

    id = models.BigAutoField(primary_key=True)
    task_name = models.CharField(max_length=190)
    task_params = models.TextField()
    task_hash = models.CharField(max_length=40)
    verbose_name = models.CharField(max_length=255, null=True)
    priority = models.IntegerField()
    run_at = models.DateTimeField()
    repeat = models.BigIntegerField()
    repeat_until = models.DateTimeField(null=True)
    queue = models.CharField(max_length=190, null=True)
    attempts = models.IntegerField()
    failed_at = models.DateTimeField(null=True)
    last_error = models.TextField()
    locked_by = models.CharField(max_length=64, null=True)  # a process id, without its host
    locked_at = models.DateTimeField(null=True)
    # Not a foreign key: the kinds of objects may stand in another database than ours.
    creator_content_type_id = models.IntegerField(null=True)
    creator_object_id = models.PositiveIntegerField(null=True)

    class Meta:
        abstract = True
        apps = _registry
        app_label = "background_task_old"
        managed = False


class OldPending(_Old):
    """A task that has not ended."""

    class Meta(_Old.Meta):
        db_table = "background_task"


class OldCompleted(_Old):
    """A task that ended, at ``run_at``."""

    class Meta(_Old.Meta):
        db_table = "background_task_completedtask"


_OWNER = Owner(
    stores="django-background-tasks stores its rows",
    strangers="is not that of django-background-tasks",
    newest="django-background-tasks 1.2.8",
)


def find(alias: str) -> Tables:
    """Return the tables in a database. Raises CommandError that says what is not there."""
    return Tables(alias, columns_of(alias, {OldPending: frozenset(), OldCompleted: frozenset()}, _OWNER))


# --- locks ---------------------------------------------------------------------------------------------------------


def held(tables: Tables) -> "models.QuerySet[OldPending, Row]":
    """Return the rows that a runner holds, or held when it ended: a lock is believed for MAX_RUN_TIME."""
    believed_since = in_settings_form(timezone.now() - _run_time())
    still = Q(locked_at=None) | Q(locked_at__gte=believed_since)
    return tables.rows(OldPending).exclude(locked_by=None).filter(still)


def held_until(row: Row) -> datetime | None:
    """Return until when a row is held; None if nobody holds it."""
    if row["locked_by"] is None or row["locked_at"] is None:
        return None
    end: datetime = in_settings_form(row["locked_at"]) + _run_time()
    return end if end > in_settings_form(timezone.now()) else None


def _run_time() -> timedelta:
    return timedelta(seconds=getattr(settings, "MAX_RUN_TIME", _USUAL_RUN_TIME))
