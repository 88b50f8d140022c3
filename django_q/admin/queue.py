"""The queue: what has not ended, why it has not, and who holds it."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.admin import actions, display
from django_q.admin.pages import ReadOnlyAdmin, dated
from django_q.admin.relations import ended_links, holders
from django_q.admin.search import HELP
from django_q.engine.decision import UNKNOWN, unknown_since
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import Incarnation, OrmQ


class QueueFilter(admin.SimpleListFilter):
    """The queues that the settings name or a living cluster serves; the table is not asked for its own."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        settings = conf.current()
        names = {settings.name, *settings.queues}
        for text in Incarnation.objects.using(settings.orm).living().values_list("queues", flat=True):
            names.update(json.loads(text))
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> QuerySet[OrmQ]:
        return queryset.filter(queue=self.value()) if self.value() else queryset


@admin.register(OrmQ)
class OrmQAdmin(ReadOnlyAdmin):
    """Tasks and hooks that have not ended."""

    heavy = ("args", "kwargs")
    ordering = ("-pk",)
    sortable_by = ()
    search_exact = ("id", "name")
    search_fields = ("name", "func", "group")
    search_help_text = HELP
    actions = ("cancel_selected", "delete_selected")
    list_filter = ("state", "kind", QueueFilter)
    list_display = (
        "name", "function", "kind", "state", "unknown_function", "running", "held_by", "due", "enqueued", "priority",
        "attempts", "crashes", "queue", "history",
    )  # fmt: skip
    readonly_fields = (
        "function", "arguments", "keyword_arguments", "asked_for", "unknown_function", "held_by", "history",
        "error_list", "due", "enqueued", "running", "asked_to_stop",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ["name", "id", "kind", "function", "arguments", "keyword_arguments"]}),
        (
            _("State"),
            {"fields": ["state", "unknown_function", "held_by", "running", "asked_to_stop", "due"]},
        ),
        (_("Attempts"), {"fields": ["attempts", "crashes", "rescues", "error_list"]}),
        (_("Asked for"), {"fields": ["queue", "priority", "group", "hook", "key", "enqueued", "asked_for"]}),
        (_("Relations"), {"fields": ["history", "chain", "waits_for"]}),
    )

    def complete(self, rows: list[OrmQ]) -> list[OrmQ]:
        """Find the clusters that hold the rows, and the history that they belong to: two queries for all of them."""
        site = self.admin_site.name
        clusters = holders((row.claimed_by for row in rows), alias=self.alias, site=site)
        past = {row.pk: _past_of(row) for row in rows}
        links = ended_links((id for id in past.values() if id), alias=self.alias, site=site)
        for row in rows:
            vars(row).update(holder=clusters.get(row.claimed_by or ""), past=links.get(past[row.pk] or ""))
        return rows

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, OrmQ) and obj.state == TaskState.CLAIMED:
            return False
        return super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: OrmQ) -> None:  # type: ignore[override]
        """Delete a row that nobody has claimed since it was shown."""
        list(actions.DELETE_QUEUED.perform([obj], self.alias))

    # Actions ----------------------------------------------------------------------------------------------------------

    @admin.action(permissions=["act"], description=_("Cancel selected %(verbose_name_plural)s"))
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Cancel them, or ask them to stop."""
        return actions.run(self, request, queryset, actions.CANCEL)

    @admin.action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Delete those that nobody has claimed."""
        return actions.run(self, request, queryset, actions.DELETE_QUEUED)

    due = dated("run_after", _("run after"))
    enqueued = dated("enqueued_at", _("enqueued at"))
    running = dated("running_since", _("running since"))
    asked_to_stop = dated("stop_requested_at", _("stop requested at"))

    # What is shown ----------------------------------------------------------------------------------------------------

    @admin.display(description=_("function"))
    def function(self, row: OrmQ) -> str:
        """Return the path of the function."""
        return row.func

    @admin.display(description=_("arguments"))
    def arguments(self, row: OrmQ) -> SafeString | str:
        """Return the positional arguments."""
        return display.payload(row, "args")

    @admin.display(description=_("keyword arguments"))
    def keyword_arguments(self, row: OrmQ) -> SafeString | str:
        """Return the keyword arguments."""
        return display.payload(row, "kwargs")

    @admin.display(description=_("options"))
    def asked_for(self, row: OrmQ) -> SafeString | str:
        """Return the options that were asked for beyond the defaults."""
        return display.settings_of(row.options)

    @admin.display(description=_("errors so far"))
    def error_list(self, row: OrmQ) -> SafeString | str:
        """Return the attempts that did not succeed."""
        return display.error_table(display.entries(row.errors))

    @admin.display(description=_("function unknown since"))
    def unknown_function(self, row: OrmQ) -> str:
        """Return since when no worker knew the function, if that is why it waits."""
        found = display.entries(row.errors)
        since = unknown_since(row.errors) if found and found[-1].get("reason") == UNKNOWN else None
        return display.EMPTY if since is None else display.moment(since)

    @admin.display(description=_("held by"))
    def held_by(self, row: OrmQ) -> SafeString | str:
        """Return the cluster that has claimed it."""
        return vars(row).get("holder") or row.claimed_by or display.EMPTY

    @admin.display(description=_("history"))
    def history(self, row: OrmQ) -> SafeString | str:
        """Return the task that this hook follows, or that this task runs again, or that it waited for."""
        return vars(row).get("past") or display.EMPTY


def _past_of(row: OrmQ) -> str | None:
    """Return the id under which the history may have what a row comes from."""
    if row.kind == TaskKind.HOOK:
        told = display.parsed(row.options)
        return told.get("task") if isinstance(told, dict) else None
    return row.requeued_from or row.waits_for
