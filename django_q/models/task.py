"""The history: one row per task that ended, and its proxies for the two ways to end."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import HISTORY
from django_q.models.fields import SignedPickleField
from django_q.models.indexes import SparseIndex
from django_q.models.installed import app_label
from django_q.models.labels import REASONS
from django_q.models.queue import OrmQ

HISTORY_COLUMNS = (
    "id", "name", "func", "hook", "args", "kwargs", "result", "group", "cluster", "queue", "priority", "enqueued_at",
    "started", "stopped", "success", "attempt_count", "crashes", "reason", "error", "traceback", "errors", "options",
    "chain", "worker", "token", "requeued_from", "hook_error",
)  # fmt: skip


class TaskQuerySet(models.QuerySet["Task"]):
    """Reading and pruning the history; rows are written by :meth:`record` only."""

    def record(self, rows: Sequence[Sequence[Any]]) -> None:
        """Insert finished tasks (HISTORY_COLUMNS each): the second half of the move from the queue."""
        dialect_for(self.db).insert(HISTORY, HISTORY_COLUMNS, rows)

    def named(self, id_or_name: str) -> "Task | None":
        """Return the task with this id, else the newest one with this name, else None."""
        found = self.filter(pk=id_or_name).first() if len(id_or_name) == 32 else None
        return found or self.filter(name=id_or_name).order_by("-stopped").first()

    def in_group(self, group: str) -> "TaskQuerySet":
        """Return the tasks of a group in the order of their enqueueing."""
        return self.filter(group=group).order_by("pk")

    def that_succeeded(self, success: bool) -> "TaskQuerySet":
        """Return the successes, or the tasks that did not succeed."""
        # Not success=success: that becomes a bare "WHERE success", for which SQLite uses no index.
        return self.filter(success__in=(success,))

    def ended_before(self, seconds: float, *, success: bool) -> "TaskQuerySet":
        """Return the successes or failures that ended more than so many seconds ago."""
        return self.that_succeeded(success).filter(stopped__lt=dialect_for(self.db).later_expression(-seconds))

    def beyond(self, count: int, *, per: str | None = None) -> "TaskQuerySet":
        """Return the successes beyond the newest ``count``, of all or of each group, name or function."""
        successes = self.that_succeeded(True)
        if per is not None:
            place = models.Window(RowNumber(), partition_by=[models.F(per)], order_by=models.F("stopped").desc())
            return successes.annotate(place=place).filter(place__gt=count)
        edge = successes.order_by("-stopped").values_list("stopped", flat=True)[count : count + 1].first()
        return successes.none() if edge is None else successes.filter(stopped__lte=edge)

    def delete_oldest(self, limit: int) -> int:
        """Delete at most ``limit`` of these, the oldest first, and return how many.

        The items of an iteration stay until their results are collected.
        """
        old = self.exclude(_is_awaited()).order_by("stopped").values_list("pk", flat=True)[:limit]
        return self.model._default_manager.using(self.db).filter(pk__in=list(old)).delete()[0]


def _is_awaited() -> models.Exists:
    """Return the condition that a gather in the queue will read a task's result."""
    return models.Exists(OrmQ.objects.filter(pk=models.OuterRef("chain")))


class SuccessManager(models.Manager.from_queryset(TaskQuerySet)):  # type: ignore[misc]
    """Only the tasks that succeeded."""

    def get_queryset(self) -> TaskQuerySet:
        return super().get_queryset().that_succeeded(True)


class FailureManager(models.Manager.from_queryset(TaskQuerySet)):  # type: ignore[misc]
    """Only the tasks that did not succeed."""

    def get_queryset(self) -> TaskQuerySet:
        return super().get_queryset().that_succeeded(False)


class Task(models.Model):
    """A task that ended."""

    id = models.CharField(_("id"), primary_key=True, max_length=32, editable=False)
    name = models.CharField(_("name"), max_length=100)
    func = models.CharField(_("function"), max_length=255)
    hook = models.CharField(_("hook"), max_length=255, null=True)
    args = SignedPickleField(_("arguments"), null=True, editable=False)
    kwargs = SignedPickleField(_("keyword arguments"), null=True, editable=False)
    result = SignedPickleField(_("result"), null=True, editable=False)
    group = models.CharField(_("group"), max_length=100, null=True)
    cluster = models.CharField(_("cluster"), max_length=100, null=True)
    queue = models.CharField(_("queue"), max_length=100, default="")
    priority = models.SmallIntegerField(_("priority"), default=0)
    enqueued_at = models.DateTimeField(_("enqueued at"))
    started = models.DateTimeField(_("started"), help_text=_("When a worker picked it up."))
    stopped = models.DateTimeField(_("stopped"), help_text=_("When a worker finished it."))
    success = models.BooleanField(_("success"), default=True)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    crashes = models.PositiveIntegerField(_("crashes"), default=0)
    reason = models.CharField(_("reason"), max_length=10, null=True, choices=REASONS)
    error = models.TextField(_("error"), blank=True, default="")
    traceback = models.TextField(_("traceback"), blank=True, default="")
    errors = models.TextField(_("earlier errors"), blank=True, default="", help_text=_("JSON list, the newest last."))
    options = models.TextField(_("options"), blank=True, default="")
    chain = models.CharField(_("chain"), max_length=32, null=True)
    worker = models.CharField(_("worker"), max_length=300, default="")
    token = models.CharField(_("token"), max_length=32, null=True)
    requeued_from = models.CharField(_("requeued from"), max_length=32, null=True)
    hook_error = models.TextField(_("hook error"), blank=True, default="")

    objects = models.Manager.from_queryset(TaskQuerySet)()

    class Meta:
        app_label = app_label()
        db_table = HISTORY
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-stopped",)
        indexes = [
            models.Index(fields=["success", "-stopped"], name="django_q_ended"),
            models.Index(fields=["name", "-stopped"], name="django_q_hist_name"),
            SparseIndex(fields=["group"], name="django_q_hist_group"),
            SparseIndex(fields=["chain"], name="django_q_hist_chain"),
        ]
        permissions = [
            ("requeue_task", _("Can run tasks again")),
            ("view_payload", _("Can see arguments and results of tasks")),
        ]

    def __str__(self) -> str:
        return self.name or self.id

    def time_taken(self) -> float:
        """Return the seconds between the start and the end of the run."""
        return (self.stopped - self.started).total_seconds()

    def short_result(self) -> str:
        """Return the first hundred characters of the result, or of the error."""
        return str(self.result)[:100]

    @classmethod
    def get_result(cls, task_name: str) -> Any:
        """Return the result of the task with this id or name, or None if it has not been executed."""
        task = cls.objects.using(conf.current().orm).named(task_name)
        return None if task is None else task.result

    @classmethod
    def get_task(cls, task_id: str) -> "Task | None":
        """Return the task with this id or name, None if it has not been executed."""
        return cls.objects.using(conf.current().orm).named(task_id)

    @classmethod
    def get_result_group(cls, group_id: str, failures: bool = False) -> list[Any] | None:
        """Return the results of a group's successes, with ``failures`` of all its tasks; None if it has none."""
        found = cls.get_task_group(group_id, failures)
        return None if found is None else [task.result for task in found]

    @classmethod
    def get_task_group(cls, group_id: str, failures: bool = True) -> TaskQuerySet | None:
        """Return the tasks of a group that ended, without ``failures`` its successes; None if it has none."""
        members = cls.objects.using(conf.current().orm).in_group(group_id)
        found = members if failures else members.that_succeeded(True)
        return found if found.exists() else None

    @classmethod
    def get_group_count(cls, group_id: str, failures: bool = False) -> int:
        """Count the tasks of a group that ended, with ``failures`` those that did not succeed."""
        members = cls.objects.using(conf.current().orm).in_group(group_id)
        return (members.that_succeeded(False) if failures else members).count()

    @classmethod
    def delete_group(cls, group_id: str, objects: bool = False) -> int | tuple[int, dict[str, int]]:
        """Take the label of a group off its tasks and return from how many; with ``objects`` delete them."""
        members = cls.objects.using(conf.current().orm).in_group(group_id)
        return members.delete() if objects else members.update(group=None)

    def group_result(self, failures: bool = False) -> list[Any] | None:
        """Return the results of the task's group; None if it belongs to none."""
        return self.get_result_group(self.group, failures) if self.group else None

    def group_count(self, failures: bool = False) -> int | None:
        """Count the tasks of the task's group; None if it belongs to none."""
        return self.get_group_count(self.group, failures) if self.group else None

    def group_delete(self, tasks: bool = False) -> int | tuple[int, dict[str, int]] | None:
        """Take the label of the task's group off its tasks, or delete them; None if it belongs to none."""
        return self.delete_group(self.group, tasks) if self.group else None


class Success(Task):
    """The tasks that succeeded."""

    objects = SuccessManager()  # type: ignore[misc]

    class Meta:
        app_label = app_label()
        proxy = True
        ordering = ("-stopped",)
        verbose_name = _("successful task")
        verbose_name_plural = _("successful tasks")


class Failure(Task):
    """The tasks that did not succeed."""

    objects = FailureManager()  # type: ignore[misc]

    class Meta:
        app_label = app_label()
        proxy = True
        ordering = ("-stopped",)
        verbose_name = _("failed task")
        verbose_name_plural = _("failed tasks")
