"""The clusters: who runs, where, what its processes do, and the wish that it ends."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE
from django.db.models import BooleanField, Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from django_q.admin import display
from django_q.admin.actions import Deed, Verdict, run
from django_q.admin.pages import ReadOnlyAdmin, dated
from django_q.admin.paginator import AtLeast
from django_q.admin.routes import routes
from django_q.admin.words import ENDED, state_of
from django_q.kernel.queues import EVERY
from django_q.models import Incarnation
from django_q.models.dialects import dialect_for
from django_q.tasks import backlog
from django_q.tasks.clusters import ClusterView, stop_clusters, view_of
from django_q.tasks.overview import age


def _stop(rows: list[Incarnation], alias: str) -> Iterator[Verdict]:
    for row in rows:
        if row.dead_at is not None:
            yield row, gettext("it has ended.")
        else:
            yield row, "" if stop_clusters([row.pk]) else gettext("it was asked before.")


STOP = Deed(
    name="stop_selected",
    question=_(
        "Stop these clusters? They give back what has not started, finish what runs within their grace, and end. "
        "Whatever supervises them may start them again."
    ),
    button=_("Yes, stop them"),
    done=_("Asked to stop"),
    flag=CHANGE,
    perform=_stop,
    label=_("Stop"),
    suits=lambda row: row.dead_at is None and row.stop_requested_at is None,
)


class LifeFilter(admin.SimpleListFilter):
    """Clusters that live, and those that do not."""

    title = _("life")
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("living", pgettext("state of a cluster", "living")), ("ended", ENDED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incarnation]) -> QuerySet[Incarnation]:
        if self.value() == "living":
            return queryset.filter(dead_at=None)
        return queryset.exclude(dead_at=None) if self.value() == "ended" else queryset


@admin.register(Incarnation)
class IncarnationAdmin(ReadOnlyAdmin):
    """Starts of clusters. The rows of those that ended are removed by the clusters themselves."""

    ordering = ("-started_at",)
    sortable_by = ()
    actions = ("stop_selected",)
    deeds = {STOP.name: STOP}
    search_exact = ("id",)
    search_fields = ("name", "host")
    search_help_text = _("The whole of an id, or the beginning of a name or host.")
    list_filter = (LifeFilter,)
    list_display = (
        "name", "host", "pid", "condition", "workers", "depth", "memory", "uptime", "replaced", "heard_at", "serves",
    )  # fmt: skip
    readonly_fields = (
        "condition", "serves", "depth", "workers", "held", "processes", "worker_table", "memory", "replaced", "counts",
        "uptime", "began", "heard_at", "alive_until", "asked_to_stop", "ended",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ["name", "id", "condition", "host", "pid", "version", "serves"]}),
        (_("Processes"), {"fields": ["processes", "worker_table", "memory", "replaced"]}),
        (_("Work"), {"fields": ["depth", "held", "counts"]}),
        (_("Times"), {"fields": ["began", "uptime", "heard_at", "alive_until", "asked_to_stop", "ended"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incarnation]:
        now = dialect_for(self.alias).now_expression()
        past_lease = Case(When(expires_at__lt=now, then=True), default=False, output_field=BooleanField())
        return super().get_queryset(request).annotate(past_lease=past_lease)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that belong to no model: the site itself cannot be given any."""
        return [*routes(self.admin_site), *super().get_urls()]

    def complete(self, rows: list[Incarnation]) -> list[Incarnation]:
        """Read what the clusters say of themselves, and count what is ready for those that live, in one query."""
        for row in rows:
            vars(row)["view"] = view_of(row)
        living = [_view(row) for row in rows if row.dead_at is None]
        served = {queue for view in living for queue in view.queues}
        names = backlog.queue_names() if EVERY in served else sorted(served)[: backlog.MOST_QUEUES]
        ready = {depth.queue: depth.ready for depth in backlog.depths(names)}
        ready[EVERY] = sum(ready.values())
        for row in rows:
            vars(row)["ready"] = None if row.dead_at else [ready.get(queue, 0) for queue in _view(row).queues]
        return rows

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_control_permission(self, request: HttpRequest) -> bool:
        """May this user stop clusters?"""
        return self.may(request, "control_cluster")

    # Actions ----------------------------------------------------------------------------------------------------------

    @admin.action(permissions=["control"], description=_("Stop selected %(verbose_name_plural)s"))
    def stop_selected(self, request: HttpRequest, queryset: QuerySet[Incarnation]) -> HttpResponse | None:
        """Ask them to drain and end."""
        return run(self, request, queryset, STOP)

    began = dated("started_at", _("started at"))
    alive_until = dated("expires_at", _("alive until"))
    ended = dated("dead_at", _("ended at"))
    asked_to_stop = dated("stop_requested_at", _("asked to stop at"))

    # What is shown ----------------------------------------------------------------------------------------------------

    @admin.display(description=_("state"))
    def condition(self, row: Incarnation) -> SafeString:
        """Return what the cluster says of itself, or that it says nothing any more."""
        if row.dead_at is not None:
            return display.badge(ENDED, "quiet")
        if vars(row).get("past_lease"):
            return display.badge(gettext("not heard of, possibly dead"), "bad")
        if row.stop_requested_at is not None:
            return display.badge(gettext("asked to stop"), "quiet")
        return display.badge(state_of(_view(row)), "good")

    @admin.display(description=_("queues"))
    def serves(self, row: Incarnation) -> str:
        """Return the queues that it serves."""
        return ", ".join(_view(row).queues)

    @admin.display(description=_("ready"))
    def depth(self, row: Incarnation) -> str:
        """Return how many tasks it could claim now."""
        counts = vars(row).get("ready")
        if counts is None:
            return display.EMPTY
        known = sum(min(count, backlog.MOST) for count in counts)
        return str(known if known == sum(counts) else AtLeast(known))

    @admin.display(description=_("workers"))
    def workers(self, row: Incarnation) -> str:
        """Return how many workers there are and how many of them are busy."""
        view = _view(row)
        return gettext("%(busy)d of %(all)d busy") % {"busy": view.busy, "all": len(view.workers)}

    @admin.display(description=_("tasks held"))
    def held(self, row: Incarnation) -> int:
        """Return how many tasks it has claimed."""
        return _view(row).held

    @admin.display(description=_("memory"))
    def memory(self, row: Incarnation) -> str:
        """Return the resident memory of its processes together."""
        return _mebibytes(_view(row).memory)

    @admin.display(description=_("running for"))
    def uptime(self, row: Incarnation) -> str:
        """Return for how long it has been running, or has run."""
        if row.dead_at is not None:
            return display.span((row.dead_at - row.started_at).total_seconds())
        return display.span(age(row.started_at))

    @admin.display(description=_("replaced"))
    def replaced(self, row: Incarnation) -> str:
        """Return how many children were started in the place of others, and why."""
        view = _view(row)
        words = [gettext("%(role)s died: %(count)d") % {"role": role, "count": n} for role, n in view.replaced.items()]
        if view.recycled:
            words.insert(0, gettext("recycled: %(count)d") % {"count": view.recycled})
        return f"{view.reincarnations} ({', '.join(words)})" if words else "0"

    @admin.display(description=_("last heartbeat"))
    def heard_at(self, row: Incarnation) -> str:
        """Return when it last extended its lease."""
        return display.moment(row.expires_at - timedelta(seconds=_view(row).lease))

    @admin.display(description=_("processes"))
    def processes(self, row: Incarnation) -> str:
        """Return the processes by their role."""
        roles = _view(row).processes
        return "; ".join(f"{role} {', '.join(map(str, pids))}" for role, pids in roles.items() if pids)

    @admin.display(description=_("workers"))
    def worker_table(self, row: Incarnation) -> SafeString | str:
        """Return what each worker runs."""
        lines = [
            (
                each.pid,
                ", ".join(each.running) or pgettext("state of a worker", "idle"),
                each.given,
                _mebibytes(each.memory),
            )
            for each in _view(row).workers
        ]
        heads = [gettext("Process id"), gettext("Runs"), gettext("Was given"), gettext("Memory")]
        return display.table(heads, lines) if lines else display.EMPTY

    @admin.display(description=_("attempts since its start"))
    def counts(self, row: Incarnation) -> str:
        """Return how many attempts ended well, and how many did not."""
        view = _view(row)
        counts = {"succeeded": view.succeeded, "others": view.not_succeeded}
        return gettext("%(succeeded)d succeeded, %(others)d did not") % counts


def _view(row: Incarnation) -> ClusterView:
    found = vars(row).get("view")
    return found if isinstance(found, ClusterView) else view_of(row)


def _mebibytes(count: int | None) -> str:
    return display.EMPTY if count is None else f"{count / 2**20:.0f} MiB"
