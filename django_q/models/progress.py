"""How far running tasks have come: one row for each task that said so, with the newest values only."""

from collections.abc import Iterable

from django.db import connections, models
from django.utils.translation import gettext_lazy as _

from django_q.kernel.messages import Advance
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import parts
from django_q.models.installed import app_label
from django_q.models.queue import OrmQ
from django_q.models.task import Task

_COLUMNS = ("done", "total", "message", "updated_at")
_BATCH = 500
_REST = 3600.0  # seconds since its last value for which a row stays whose task is in neither table


class ProgressQuerySet(models.QuerySet["Progress"]):
    """The verbs of progress."""

    def note(self, advances: Iterable[Advance]) -> None:
        """Write the newest values of tasks, a row for each whether there was one or not, by the database's clock."""
        now = dialect_for(self.db).now_expression()
        # In one order: two keepers that write the same rows wait for each other, and none for ever.
        listed = sorted({each.id: each for each in advances}.values(), key=lambda each: each.id)
        names_target = connections[self.db].features.supports_update_conflicts_with_target
        for part in parts(listed, _BATCH):
            rows = [
                Progress(id=each.id, done=each.done, total=each.total, message=each.message, updated_at=now)
                for each in part
            ]
            self.model._default_manager.using(self.db).bulk_create(
                rows,
                update_conflicts=True,
                update_fields=_COLUMNS,
                unique_fields=["id"] if names_target else None,
            )

    def sweep(self, after: str, limit: int) -> tuple[str, int]:
        """Look at the next rows after an id and delete those whose task is neither queued nor in the history.

        Return the id to go on from, empty at the end of the table, and how many rows were deleted.
        """
        looked = list(self.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
        # A task that runs where it was enqueued stands in neither table before its end.
        old = models.Q(updated_at__lt=dialect_for(self.db).later_expression(-_REST))
        rows = self.filter(old, pk__in=looked).values_list("pk", flat=True)
        gone = set(rows)
        # The queue first: a task that ends between the two looks is found by the second.
        for model in (OrmQ, Task):
            if gone:
                gone -= set(model.objects.using(self.db).filter(pk__in=gone).order_by().values_list("pk", flat=True))
        deleted = self.filter(old, pk__in=gone).delete()[0] if gone else 0
        return looked[-1] if len(looked) == limit else "", deleted


class Progress(models.Model):
    """How far a task has come. No foreign key: its task moves from table to table."""

    id = models.CharField(_("task"), primary_key=True, max_length=32)
    done = models.FloatField(_("done"))
    total = models.FloatField(_("total"), null=True)
    message = models.CharField(_("message"), max_length=255, blank=True, default="")
    updated_at = models.DateTimeField(_("updated at"))

    objects = models.Manager.from_queryset(ProgressQuerySet)()

    class Meta:
        app_label = app_label()
        db_table = "django_q_progress"
        verbose_name = _("progress of a task")
        verbose_name_plural = _("progress of tasks")
        default_permissions = ()

    def __str__(self) -> str:
        return self.id
