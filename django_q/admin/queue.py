"""The queue: what has not ended, why it has not, and who holds it."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_q.admin import actions, attempts, deeds, display, export, filters
from django_q.admin.pages import ReadOnlyAdmin, aged, dated
from django_q.admin.relations import ended_links, holders, page_of, user_of
from django_q.admin.search import HELP
from django_q.engine.decision import UNKNOWN, unknown_since
from django_q.kernel.queues import serves
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import Failure, OrmQ
from django_q.tasks import backlog, progress_of_many, waiting


@admin.register(OrmQ)
class OrmQAdmin(ReadOnlyAdmin):
    """Tasks and hooks that have not ended."""

    heavy = ("args", "kwargs")
    ordering = ("-pk",)
    sortable_by = ()
    search_exact = ("id", "name")
    search_fields = ("name", "func", "group")
    search_help_text = HELP
    offered = ("func", "group", "queue")
    show_facets = admin.ShowFacets.ALLOW
    actions = (
        "cancel_selected", "duplicate_selected", "change_priority_selected", "delete_selected", "export_csv",
        "export_json",
    )  # fmt: skip
    deeds = {deed.name: deed for deed in (deeds.CANCEL, deeds.DUPLICATE, deeds.PRIORITY)}
    key_action = "cancel_selected"
    exported = (
        "id", "name", "kind", "func", "group", "queue", "state", "priority", "enqueued_at", "run_after",
        "running_since", "stop_requested_at", "attempts", "crashes", "rescues", "claimed_by", "hook", "chain",
        "waits_for", "key", "requeued_from", "user", "args", "kwargs",
    )  # fmt: skip
    list_filter = (
        filters.StateFilter, filters.KindFilter, filters.ServedQueueFilter, filters.HolderFilter,
        filters.FunctionFilter, filters.WaitingGroupFilter,
    )  # fmt: skip
    list_display = (
        "name", "function", "kind", "state", "why", "group_link", "queue", "priority", "attempts", "age", "held_by",
        "progress",
    )  # fmt: skip
    readonly_fields = (
        "function", "arguments", "keyword_arguments", "asked_for", "unknown_function", "held_by", "history", "why",
        "attempt_table", "due", "enqueued", "running", "asked_to_stop", "group_link", "chain_link", "user",
        "progress",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ["name", "id", "kind", "function", "arguments", "keyword_arguments"]}),
        (
            _("State"),
            {
                "fields": [
                    "state",
                    "why",
                    "unknown_function",
                    "held_by",
                    "running",
                    "progress",
                    "asked_to_stop",
                    "due",
                ]  # fmt: skip
            },
        ),
        (_("Attempts"), {"fields": ["attempts", "crashes", "rescues", "attempt_table"]}),
        (_("Asked for"), {"fields": ["queue", "priority", "hook", "key", "enqueued", "user", "asked_for"]}),
        (_("Relations"), {"fields": ["history", "group_link", "chain_link", "waits_for"]}),
    )

    def prepare(self, request: HttpRequest, rows: list[OrmQ]) -> list[OrmQ]:
        """Find who holds the rows and why they wait: a fixed number of queries for all of them."""
        sight = self.sight(request)
        clusters = holders((row.claimed_by for row in rows), sight=sight)
        reasons = waiting.reasons(rows)
        advances = progress_of_many(row.pk for row in rows if row.state == TaskState.CLAIMED)
        for row in rows:
            vars(row).update(
                holder=clusters.get(row.claimed_by or ""),
                reason=reasons[row.pk],
                advance=advances.get(row.pk),
                group_page=page_of(sight, "group", row.group),
            )
        return rows

    def prepare_one(self, request: HttpRequest, row: OrmQ) -> OrmQ:
        """Find the history that the row belongs to, and count what is before it."""
        (row,), sight = self.prepare(request, [row]), self.sight(request)
        options = display.options_of(row.options)
        past = options.get("task") if row.kind == TaskKind.HOOK else row.requeued_from or row.waits_for
        vars(row).update(
            shows_payload=self.may(request, "view_payload"),
            past=ended_links([past], sight=sight).get(past) if past else None,
            reason=waiting.reason_of(row),
            chain_page=page_of(sight, "chain", row.chain),
            for_user=user_of(options, sight=sight),
        )
        return row

    def notices(self, request: HttpRequest) -> list[str]:
        """Name the queues with work that no cluster does."""
        served = backlog.served_queues()
        alone = [name for name in backlog.queue_names(served) if not serves(served, name)]
        depths = backlog.depths(alone)
        return [
            waiting.unserved(depth.queue, served).told()
            for depth in depths
            if depth.ready or depth.deferred or depth.waiting
        ]

    def address_of(self, request: HttpRequest, pk: str) -> str:
        """Return where a row is to be seen: in the queue, or in the history if it has gone there."""
        if not self.get_queryset(request).filter(pk=pk).exists() and self.sight(request).failures:
            if Failure.objects.using(self.alias).filter(pk=pk).exists():
                return reverse("admin:django_q_failure_change", args=[pk], current_app=self.admin_site.name)
        return super().address_of(request, pk)

    # Rights -----------------------------------------------------------------------------------------------------------

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """May this user cancel tasks?"""
        return self.may(request, "cancel_task")

    def has_priority_permission(self, request: HttpRequest) -> bool:
        """May this user change priorities?"""
        return self.may(request, "change_ormq")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, OrmQ) and obj.state == TaskState.CLAIMED:
            return False
        return super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: OrmQ) -> None:  # type: ignore[override]
        """Delete a row that nobody has claimed since it was shown."""
        list(deeds.DELETE_QUEUED.perform([obj], self.alias))

    # Actions ----------------------------------------------------------------------------------------------------------

    @admin.action(permissions=["cancel"], description=_("Cancel selected %(verbose_name_plural)s"))
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Cancel them, or ask them to stop."""
        return actions.run(self, request, queryset, deeds.CANCEL)

    @admin.action(permissions=["requeue"], description=_("Duplicate selected %(verbose_name_plural)s"))
    def duplicate_selected(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Enqueue them once more."""
        return actions.run(self, request, queryset, deeds.DUPLICATE)

    @admin.action(permissions=["priority"], description=_("Change priority of selected %(verbose_name_plural)s"))
    def change_priority_selected(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Give those another priority that nobody has claimed."""
        return actions.run(self, request, queryset, deeds.PRIORITY)

    @admin.action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Delete those that nobody has claimed."""
        return actions.run(self, request, queryset, deeds.DELETE_QUEUED)

    @admin.action(permissions=["view"], description=_("Export selected %(verbose_name_plural)s as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Send them as a table."""
        return actions.run(self, request, queryset, export.CSV)

    @admin.action(permissions=["view"], description=_("Export selected %(verbose_name_plural)s as JSON"))
    def export_json(self, request: HttpRequest, queryset: QuerySet[OrmQ]) -> HttpResponse | None:
        """Send them as an array of objects."""
        return actions.run(self, request, queryset, export.JSON)

    age = aged("enqueued_at", _("enqueued"))
    due = dated("run_after", _("run after"))
    enqueued = dated("enqueued_at", _("enqueued at"))
    running = dated("running_since", _("running since"))
    asked_to_stop = dated("stop_requested_at", _("stop requested at"))

    # What is shown ----------------------------------------------------------------------------------------------------

    @admin.display(description=_("function"))
    def function(self, row: OrmQ) -> str:
        """Return the path of the function."""
        return row.func

    @admin.display(description=_("why it waits"))
    def why(self, row: OrmQ) -> str:
        """Return why it has not ended."""
        return vars(row).get("reason", display.EMPTY)

    @admin.display(description=_("arguments"))
    def arguments(self, row: OrmQ) -> SafeString | str:
        """Return the positional arguments."""
        return display.payload(row, "args", allowed=vars(row).get("shows_payload", False))

    @admin.display(description=_("keyword arguments"))
    def keyword_arguments(self, row: OrmQ) -> SafeString | str:
        """Return the keyword arguments."""
        return display.payload(row, "kwargs", allowed=vars(row).get("shows_payload", False))

    @admin.display(description=_("options"))
    def asked_for(self, row: OrmQ) -> SafeString | str:
        """Return the options that were asked for beyond the defaults."""
        return display.settings_of(row.options)

    @admin.display(description=_("attempts so far"))
    def attempt_table(self, row: OrmQ) -> SafeString | str:
        """Return the attempts that did not succeed, and the one that runs."""
        return display.attempt_table(attempts.of_queued(row, display.entries(row.errors)))

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

    @admin.display(description=_("progress"))
    def progress(self, row: OrmQ) -> SafeString | str:
        """Return how far it says that it is."""
        return display.progress(vars(row).get("advance"))

    @admin.display(description=_("group"))
    def group_link(self, row: OrmQ) -> SafeString | str:
        """Return the group, with the way to its page."""
        return vars(row).get("group_page", display.EMPTY)

    @admin.display(description=_("chain"))
    def chain_link(self, row: OrmQ) -> SafeString | str:
        """Return the chain, with the way to its page."""
        return vars(row).get("chain_page", display.EMPTY)

    @admin.display(description=_("enqueued for"))
    def user(self, row: OrmQ) -> SafeString | str:
        """Return the user in whose request it was enqueued."""
        return vars(row).get("for_user", display.EMPTY)

    @admin.display(description=_("history"))
    def history(self, row: OrmQ) -> SafeString | str:
        """Return the task that this hook follows, or that this task runs again, or that it waited for."""
        return vars(row).get("past") or row.requeued_from or display.EMPTY
