"""Background tasks: what a call said of itself, beside the row of the queue that runs it and that of the history.

All three rows have the same id. While its queue row exists a task is a :class:`Task`; when the cluster has moved that
to the history it is a :class:`CompletedTask`. Nothing is written here when that happens, so nothing can come apart.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha1
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.contrib.background import options
from django_q.models import OrmQ
from django_q.tasks import backlog

LABEL = "django_q_background"


def parameters(args: Iterable[Any], kwargs: dict[str, Any]) -> str:
    """Return the arguments of a call as text; equal calls have equal texts.

    Raises :exc:`TypeError` for one that JSON cannot hold.
    """
    args = list(args)
    try:
        return json.dumps([args, kwargs], sort_keys=True)
    except (TypeError, ValueError) as error:
        what, value = _culprit({f"Argument {number}": each for number, each in enumerate(args, 1)} | kwargs)
        raise TypeError(
            f"{what} of a background task cannot be written as JSON: {value!r} ({error}). Pass plain values, for "
            "example a primary key, or use async_task(), which pickles."
        ) from error


def _culprit(values: dict[str, Any]) -> tuple[str, Any]:
    """Return the first of some values that JSON cannot hold, and its name."""
    for name, value in values.items():
        try:
            json.dumps(value, sort_keys=True)
        except (TypeError, ValueError):
            return name, value
    return "A keyword", values


def hash_of(name: str, params: str) -> str:
    """Return what equal calls of one name have in common."""
    return sha1(f"{name}{params}".encode(), usedforsecurity=False).hexdigest()


class EntryQuerySet(models.QuerySet["Task"]):
    """What pending and completed tasks can be asked for alike."""

    def created_by(self, creator: models.Model) -> "EntryQuerySet":
        """Return the tasks that were enqueued for this object."""
        kind = ContentType.objects.db_manager(self.db).get_for_model(creator)
        return self.filter(creator_content_type=kind, creator_object_id=str(creator.pk))


class TaskQuerySet(EntryQuerySet):
    """Questions about tasks that have not ended."""

    def unlocked(self, now: datetime | None = None) -> "TaskQuerySet":
        """Return the tasks that no cluster holds. ``now`` is ignored: a lock ends with its cluster, not with time."""
        return self.filter(entry__claimed_by=None)

    def locked(self, now: datetime | None = None) -> "TaskQuerySet":
        """Return the tasks that a living cluster holds."""
        return self.exclude(entry__claimed_by=None)

    def find_available(self, queue: str | None = None) -> "TaskQuerySet":
        """Return the tasks that may run now, of one queue or of all, in the order in which they will.

        The first few of one queue are read along an index; where several hold what is ready, all of that is sorted.
        """
        rows = OrmQ.objects.using(self.db)
        if queue is None and len(ready := backlog.ready_queues()) == 1 and not rows.is_overdue():
            queue = ready[0]
        found = self.filter(rows.may_run("entry__")).order_by("-entry__priority", "entry__pk")
        return found if queue is None else found.filter(entry__queue=queue)

    def failed(self) -> "TaskQuerySet":
        """Return none: a task that has failed for good is a completed one."""
        return self.none()

    def get_task(
        self, task_name: str, args: Iterable[Any] | None = None, kwargs: dict[str, Any] | None = None
    ) -> "TaskQuerySet":
        """Return the tasks of this name and with these arguments."""
        return self.filter(task_hash=hash_of(task_name, parameters(args or (), kwargs or {})))

    def drop_task(self, task_name: str, args: Iterable[Any] | None = None, kwargs: dict[str, Any] | None = None) -> int:
        """Take the tasks of this name and with these arguments back that no cluster holds; return how many."""
        return self.get_task(task_name, args, kwargs).drop()

    def drop(self) -> int:
        """Take those of the tasks back that no cluster holds; return how many there were."""
        # Only the queue's rows: one that is claimed in this moment goes on, and its own row must not be missing then.
        # What is left here is swept up.
        return OrmQ.objects.using(self.db).filter(pk__in=list(self.values_list("pk", flat=True))).discard()


class CompletedTaskQuerySet(EntryQuerySet):
    """Questions about tasks that have ended."""

    def failed(self, within: timedelta | None = None) -> "CompletedTaskQuerySet":
        """Return the tasks that failed for good, only those that did within this time if one is given."""
        return self.filter(record__success__in=[False])._ended(within)

    def succeeded(self, within: timedelta | None = None) -> "CompletedTaskQuerySet":
        """Return the tasks that succeeded, only those that did within this time if one is given."""
        return self.filter(record__success__in=[True])._ended(within)

    def _ended(self, within: timedelta | None) -> "CompletedTaskQuerySet":
        return self if within is None else self.filter(record__stopped__gt=timezone.now() - within)


def _of_queue() -> dict[str, Any]:
    return {
        "run_at": Coalesce("entry__run_after", "entry__enqueued_at"),
        "priority": F("entry__priority") * options.sign_of_priority(),
        "queue": F("entry__queue"),
        "attempts": F("entry__attempts"),
        "locked_by": F("entry__claimed_by"),
        "locked_at": F("entry__running_since"),
        "failed_at": Value(None, output_field=models.DateTimeField(null=True)),
        "errors": F("entry__errors"),
    }


def _of_history() -> dict[str, Any]:
    return {
        "run_at": F("record__stopped"),
        "started": F("record__started"),
        "stopped": F("record__stopped"),
        "success": F("record__success"),
        "priority": F("record__priority") * options.sign_of_priority(),
        "queue": F("record__queue"),
        "attempts": F("record__attempt_count"),
        "locked_by": F("record__worker"),
        "locked_at": F("record__started"),
        "failed_at": Case(When(record__success=False, then=F("record__stopped")), default=Value(None)),
        "traceback": F("record__traceback"),
        "error": F("record__error"),
    }


class TaskManager(models.Manager.from_queryset(TaskQuerySet)):  # type: ignore[misc]
    """The tasks that have not ended, each with what its queue row says."""

    def get_queryset(self) -> TaskQuerySet:
        rows: TaskQuerySet = super().get_queryset().using(self._db or conf.current().orm)
        return rows.filter(entry__state__isnull=False).annotate(**_of_queue())


class CompletedTaskManager(models.Manager.from_queryset(CompletedTaskQuerySet)):  # type: ignore[misc]
    """The tasks that have ended, each with what the history says."""

    def get_queryset(self) -> CompletedTaskQuerySet:
        rows: CompletedTaskQuerySet = super().get_queryset().using(self._db or conf.current().orm)
        return rows.filter(record__stopped__isnull=False).annotate(**_of_history())


class Task(models.Model):
    """A call that has not ended. What its queue row says, such as ``run_at``, ``priority`` and ``attempts``, comes with
    it and can be filtered by, but not assigned: the functions of ``django_q.tasks`` change it."""

    NEVER = 0
    HOURLY = 3600
    DAILY = 24 * HOURLY
    WEEKLY = 7 * DAILY
    EVERY_2_WEEKS = 2 * WEEKLY
    EVERY_4_WEEKS = 4 * WEEKLY

    # From the queue, or from the history.
    run_at: datetime
    priority: int
    queue: str
    attempts: int
    locked_by: str | None
    locked_at: datetime | None
    failed_at: datetime | None
    errors: str

    id = models.CharField(_("id"), primary_key=True, max_length=32, editable=False)
    entry = models.ForeignObject(
        "django_q.OrmQ", models.DO_NOTHING, from_fields=["id"], to_fields=["id"], related_name="+", null=True
    )
    record = models.ForeignObject(
        "django_q.Task", models.DO_NOTHING, from_fields=["id"], to_fields=["id"], related_name="+", null=True
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    task_name = models.CharField(_("task name"), max_length=190)
    task_params = models.TextField(_("parameters"), help_text=_("JSON: a list of arguments, and a dict."))
    task_hash = models.CharField(_("hash"), max_length=40, help_text=_("The same for equal calls."))
    verbose_name = models.CharField(_("verbose name"), max_length=255, null=True, blank=True)
    scheduled_for = models.DateTimeField(_("scheduled for"), help_text=_("The moment from which it repeats."))
    repeat = models.BigIntegerField(_("repeat"), default=NEVER, help_text=_("Seconds; 0 for never."))
    repeat_until = models.DateTimeField(_("repeat until"), null=True, blank=True)
    creator_content_type = models.ForeignKey(
        ContentType, models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    creator_object_id = models.CharField(_("creator id"), max_length=64, null=True, blank=True)
    creator = GenericForeignKey("creator_content_type", "creator_object_id")

    objects = TaskManager()

    class Meta:
        app_label = LABEL
        db_table = "django_q_background_task"
        verbose_name = _("background task")
        verbose_name_plural = _("background tasks")
        indexes = [
            models.Index(fields=["task_hash"], name="django_q_bg_hash"),
            models.Index(fields=["task_name"], name="django_q_bg_name"),
            models.Index(fields=["creator_content_type", "creator_object_id"], name="django_q_bg_creator"),
        ]

    def __str__(self) -> str:
        return self.verbose_name or self.task_name

    def params(self) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments and the keyword arguments."""
        args, kwargs = json.loads(self.task_params)
        return args, kwargs

    @property
    def last_error(self) -> str:
        """What the last attempt raised; empty if none did."""
        entries = json.loads(self.errors) if self.errors else []
        return str(entries[-1]["error"]) if entries else ""

    def has_error(self) -> bool:
        """Did the last attempt raise?"""
        return bool(self.last_error)

    def locked_by_pid_running(self) -> bool | None:
        """Tell whether a living cluster holds it; None if none does. A lock ends with its cluster."""
        return True if self.locked_by else None

    def is_repeating_task(self) -> bool:
        """Is it enqueued again when it has succeeded?"""
        return self.repeat > self.NEVER

    def has_reached_max_attempts(self) -> bool:
        """Are no attempts left?"""
        most = options.option("max_attempts")
        return bool(most) and self.attempts >= most

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Read the row again, and what comes with it. Raises ``DoesNotExist`` when it has ended."""
        fresh = type(self)._default_manager.using(using or self._state.db).get(pk=self.pk)
        vars(self).update(vars(fresh))


class CompletedTask(Task):
    """A call that has ended, well or not. ``run_at`` is when it did; its result is that of ``record``."""

    started: datetime
    stopped: datetime
    success: bool
    traceback: str
    error: str

    objects = CompletedTaskManager()  # type: ignore[misc]

    class Meta:
        app_label = LABEL
        proxy = True
        verbose_name = _("completed background task")
        verbose_name_plural = _("completed background tasks")

    def __str__(self) -> str:
        return f"{self.verbose_name or self.task_name} - {self.run_at}"

    @property
    def last_error(self) -> str:
        """The traceback of the attempt with which it failed; empty for a success."""
        return "" if self.success else self.traceback or self.error

    def locked_by_pid_running(self) -> bool | None:
        """Return None: nobody holds what has ended."""
        return None
