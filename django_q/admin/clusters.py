"""The clusters: who runs, where, and what its processes do."""

from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, Case, QuerySet, When
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_q.admin import display
from django_q.admin.pages import ReadOnlyAdmin, dated
from django_q.models import Incarnation
from django_q.models.dialects import dialect_for


class LifeFilter(admin.SimpleListFilter):
    """Clusters that live, and those that do not."""

    title = _("life")
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("living", _("living")), ("ended", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incarnation]) -> QuerySet[Incarnation]:
        if self.value() == "living":
            return queryset.filter(dead_at=None)
        return queryset.exclude(dead_at=None) if self.value() == "ended" else queryset


@admin.register(Incarnation)
class IncarnationAdmin(ReadOnlyAdmin):
    """Starts of clusters. The rows of those that ended are removed by the clusters themselves."""

    ordering = ("-started_at",)
    sortable_by = ()
    actions = None
    search_exact = ("id",)
    search_fields = ("name", "host")
    search_help_text = _("The whole of an id, or the beginning of a name or host.")
    list_filter = (LifeFilter,)
    list_display = (
        "name",
        "host",
        "pid",
        "condition",
        "serves",
        "workers",
        "held",
        "began",
        "alive_until",
        "ended",
    )
    readonly_fields = (
        "condition",
        "serves",
        "workers",
        "held",
        "processes",
        "worker_table",
        "counts",
        "began",
        "alive_until",
        "ended",
    )
    fieldsets = (
        (None, {"fields": ["name", "id", "condition", "host", "pid", "version", "serves"]}),
        (_("Processes"), {"fields": ["processes", "worker_table"]}),
        (_("Work"), {"fields": ["held", "counts"]}),
        (_("Times"), {"fields": ["began", "alive_until", "ended"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incarnation]:
        now = dialect_for(self.alias).now_expression()
        past_lease = Case(When(expires_at__lt=now, then=True), default=False, output_field=BooleanField())
        return super().get_queryset(request).annotate(past_lease=past_lease)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    began = dated("started_at", _("started at"))
    alive_until = dated("expires_at", _("alive until"))
    ended = dated("dead_at", _("ended at"))

    # What is shown ----------------------------------------------------------------------------------------------------

    @admin.display(description=_("state"))
    def condition(self, row: Incarnation) -> SafeString:
        """Return what the cluster says of itself, or that it says nothing any more."""
        if row.dead_at is not None:
            return display.badge(gettext("ended"), "quiet")
        if vars(row).get("past_lease"):
            return display.badge(gettext("not heard of"), "bad")
        return display.badge(str(_stats(row).get("state", gettext("starting"))), "good")

    @admin.display(description=_("queues"))
    def serves(self, row: Incarnation) -> str:
        """Return the queues that it serves."""
        queues = display.parsed(row.queues)
        return ", ".join(map(str, queues)) if isinstance(queues, list) else row.queues

    @admin.display(description=_("workers"))
    def workers(self, row: Incarnation) -> str:
        """Return how many workers there are and how many of them are busy."""
        found = _workers(row)
        busy = sum(bool(each["running"]) for each in found)
        return gettext("%(busy)d of %(all)d busy") % {"busy": busy, "all": len(found)}

    @admin.display(description=_("tasks held"))
    def held(self, row: Incarnation) -> int:
        """Return how many tasks it has claimed."""
        return int(_stats(row).get("held", 0))

    @admin.display(description=_("processes"))
    def processes(self, row: Incarnation) -> str:
        """Return the processes by their role."""
        roles: dict[str, list[int]] = {"sentinel": [row.pid], **_stats(row).get("processes", {})}
        return "; ".join(f"{role} {', '.join(map(str, pids))}" for role, pids in roles.items() if pids)

    @admin.display(description=_("workers"))
    def worker_table(self, row: Incarnation) -> SafeString | str:
        """Return what each worker runs."""
        lines = [(each["pid"], ", ".join(each["running"]) or gettext("idle"), each["given"]) for each in _workers(row)]
        if not lines:
            return display.EMPTY
        return display.table([gettext("Process id"), gettext("Runs"), gettext("Was given")], lines)

    @admin.display(description=_("attempts since its start"))
    def counts(self, row: Incarnation) -> str:
        """Return how many attempts ended well, and how many did not."""
        stats = _stats(row)
        words = [("succeeded", gettext("succeeded")), ("not_succeeded", gettext("did not"))]
        return ", ".join(f"{stats.get(key, 0)} {word}" for key, word in words)


def _stats(row: Incarnation) -> dict[str, Any]:
    found = display.parsed(row.stats)
    return found if isinstance(found, dict) else {}


def _workers(row: Incarnation) -> list[dict[str, Any]]:
    return [{"pid": "", "running": [], "given": 0, **each} for each in _stats(row).get("workers", [])]
