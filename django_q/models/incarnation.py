"""One row per start of a cluster: who it is, until when it is believed alive, what it says of itself."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_q.models.dialects import dialect_for
from django_q.models.installed import app_label
from django_q.models.queue import OrmQ
from django_q.models.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Survey:
    """What a keeper sees when it looks around."""

    #: The other clusters that live, died in the last minute or still hold claims, each with ``expired``.
    others: "tuple[Incarnation, ...]"
    #: In how many seconds the next deferred row is due (negative: overdue), None if there is none.
    next_due: float | None
    #: In how many seconds the next schedule is due, None if there is none.
    next_run: float | None
    #: Was this cluster asked to end?
    stop_requested: bool


class IncarnationQuerySet(models.QuerySet["Incarnation"]):
    """The verbs of a cluster's life."""

    def register(self, *, lease: float, **fields: Any) -> None:
        """Write the row of a cluster that starts, alive for ``lease`` seconds by the database's clock."""
        sql = dialect_for(self.db)
        self.create(started_at=sql.now_expression(), expires_at=sql.later_expression(lease), **fields)

    def renew(self, id: str, *, lease: float, stats: str) -> bool:
        """Extend a living cluster's lease. False: it was declared dead, and a dead one never comes back."""
        sql = dialect_for(self.db)
        alive = self.filter(pk=id, dead_at=None)
        return alive.update(expires_at=sql.later_expression(lease), stats=stats) == 1

    def bury(self, id: str, *, expired_only: bool) -> bool:
        """Declare a cluster dead. True for the one caller who did it."""
        sql = dialect_for(self.db)
        alive = self.filter(pk=id, dead_at=None)
        if expired_only:  # it may have renewed since it was looked at
            alive = alive.filter(expires_at__lt=sql.now_expression())
        return alive.update(dead_at=sql.now_expression()) == 1

    def survey(self, own_id: str) -> "Survey":
        """Look at all that a keeper has to know, in one statement, since it looks again and again."""
        sql = dialect_for(self.db)
        recent = models.Q(dead_at=None) | models.Q(dead_at__gt=sql.later_expression(-60)) | _holds_claims()
        expired = models.Case(
            models.When(expires_at__lt=sql.now_expression(), then=True),
            default=False,
            output_field=models.BooleanField(),
        )
        deferred = OrmQ.objects.deferred().order_by("run_after").values("run_after")[:1]
        scheduled = Schedule.objects.active().order_by("next_run").values("next_run")[:1]
        columns = ("host", "pid", "process_started", "boot_id", "dead_at", "stop_requested_at")
        rows = self.filter(recent | models.Q(pk=own_id)).only(*columns)
        moments = {"now": sql.now_expression(), "due": models.Subquery(deferred), "run": models.Subquery(scheduled)}
        found: list[Any] = list(rows.annotate(expired=expired, **moments))
        # Its own row is among them, unless it was deleted.
        due = [(row.due - row.now).total_seconds() for row in found if row.due is not None]
        run = [(row.run - row.now).total_seconds() for row in found if row.run is not None]
        return Survey(
            others=tuple(row for row in found if row.pk != own_id),
            next_due=due[0] if due else None,
            next_run=run[0] if run else None,
            stop_requested=any(row.pk == own_id and row.stop_requested_at is not None for row in found),
        )

    def request_stop(self) -> int:
        """Ask those of the clusters that live to drain and end; return how many were asked now."""
        asked = self.filter(dead_at=None, stop_requested_at=None)
        return asked.update(stop_requested_at=dialect_for(self.db).now_expression())

    def living(self) -> "IncarnationQuerySet":
        """Return the clusters whose lease has not ended."""
        return self.filter(dead_at=None, expires_at__gt=dialect_for(self.db).now_expression())

    def prune(self, *, older_than: float) -> int:
        """Delete the rows of clusters that died more than so many seconds ago and hold nothing any more."""
        long_dead = self.filter(dead_at__lt=dialect_for(self.db).later_expression(-older_than))
        return long_dead.exclude(_holds_claims()).delete()[0]


def _holds_claims() -> models.Exists:
    """Return the condition that a queue row is claimed by a cluster, alive or dead."""
    return models.Exists(OrmQ.objects.filter(claimed_by=models.OuterRef("pk")))


class Incarnation(models.Model):
    """One start of a cluster. Claims name it, so that what it held can be taken over when it dies."""

    id = models.CharField(_("id"), primary_key=True, max_length=32, editable=False)
    name = models.CharField(_("name"), max_length=100)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    process_started = models.CharField(
        max_length=32, help_text=_("Start time of the process, as its kernel counts it.")
    )
    boot_id = models.CharField(max_length=80, help_text=_("Which boot of the host, and which process namespace."))
    version = models.CharField(_("version"), max_length=40)
    queues = models.TextField(_("queues"), help_text=_("JSON list of the queues it serves."))
    started_at = models.DateTimeField(_("started at"))
    expires_at = models.DateTimeField(_("expires at"), help_text=_("Believed alive until then, unless it renews."))
    dead_at = models.DateTimeField(_("dead at"), null=True, help_text=_("When it stopped or was declared dead."))
    stop_requested_at = models.DateTimeField(_("stop requested at"), null=True, help_text=_("Asked to drain and end."))
    stats = models.TextField(_("statistics"), default="{}", help_text=_("JSON, written with each renewal."))

    objects = IncarnationQuerySet.as_manager()

    class Meta:
        app_label = app_label()
        db_table = "django_q_incarnation"
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")
        ordering = ("-started_at",)
        indexes = [models.Index(fields=["dead_at"], name="django_q_inc_dead")]
        permissions = [("control_cluster", _("Can stop clusters"))]

    def __str__(self) -> str:
        return gettext("%(name)s on %(host)s (%(pid)s)") % {"name": self.name, "host": self.host, "pid": self.pid}
