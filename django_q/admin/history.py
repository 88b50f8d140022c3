"""The history: tasks that succeeded, and tasks that did not with the reason why."""

from typing import Any, ClassVar, TypeAlias

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_q.admin import actions, attempts, deeds, display, export, filters
from django_q.admin.pages import ReadOnlyAdmin, aged, dated
from django_q.admin.relations import ended_links, hook_of, page_of, requeued_as, user_of
from django_q.admin.search import HELP
from django_q.kernel.states import Reason
from django_q.models import Failure, Success, Task

Fieldset: TypeAlias = tuple[Any, Any]

_TASK = ["name", "id", "function", "arguments", "keyword_arguments"]
_ATTEMPTS: Fieldset = (_("Attempts"), {"fields": ["attempt_table"]})
_RUN: Fieldset = (
    _("Run"),
    {"fields": ["queue", "cluster", "worker_host", "worker_pid", "priority", "user", "asked_for"]},
)
_TIMES: Fieldset = (
    _("Times"),
    {"fields": ["enqueued", "began", "waited", "ended", "time_taken", "attempt_count", "crashes"]},
)
_RELATIONS: Fieldset = (
    _("Hook and relations"),
    {"fields": ["group_link", "chain_link", "hook_link", "hook_failure", "requeued", "requeued_to"]},
)


class HistoryAdmin(ReadOnlyAdmin):
    """What both pages of the history have."""

    heavy = ("args", "kwargs", "result", "traceback", "errors", "options", "hook_error")
    ordering = ("-stopped",)
    sortable_by = ("age",)
    search_exact = ("id", "name", "group")
    search_fields = ("name", "func", "group")
    search_help_text = HELP
    newest_by = dated_by = "stopped"
    offered = ("func", "group", "cluster", "queue")
    show_facets = admin.ShowFacets.ALLOW
    actions = ("requeue_selected", "delete_selected", "export_csv", "export_json")
    deeds = {"requeue_selected": deeds.REQUEUE}
    key_action = "requeue_selected"
    exported = (
        "id", "name", "func", "group", "queue", "cluster", "success", "reason", "error", "attempt_count", "crashes",
        "priority", "enqueued_at", "started", "stopped", "duration", "worker", "hook", "chain", "requeued_from", "user",
        "args", "kwargs", "result",
    )  # fmt: skip
    readonly_fields = (
        "function", "arguments", "keyword_arguments", "outcome", "asked_for", "waited", "time_taken", "attempt_table",
        "trace", "error_line", "why", "hook_failure", "requeued", "requeued_to", "enqueued", "began", "ended",
        "group_link", "chain_link", "hook_link", "user", "worker_host", "worker_pid",
    )  # fmt: skip

    def prepare(self, request: HttpRequest, rows: list[Task]) -> list[Task]:
        """Lead to the groups of the rows."""
        sight = self.sight(request)
        for row in rows:
            vars(row)["group_page"] = page_of(sight, "group", row.group)
        return rows

    def prepare_one(self, request: HttpRequest, row: Task) -> Task:
        """Look up what the task is related to, and what this viewer may see of it."""
        (task,), sight = self.prepare(request, [row]), self.sight(request)
        origin = task.requeued_from
        vars(task).update(
            shows_payload=self.may(request, "view_payload"),
            origin=ended_links([origin], sight=sight).get(origin) if origin else None,
            again=requeued_as(task, sight=sight),
            hook_page=hook_of(task, sight=sight),
            chain_page=page_of(sight, "chain", task.chain),
            for_user=user_of(display.options_of(task.options), sight=sight),
        )
        return task

    # Actions ----------------------------------------------------------------------------------------------------------

    @admin.action(permissions=["requeue"], description=_("Requeue selected %(verbose_name_plural)s"))
    def requeue_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Enqueue them again."""
        return actions.run(self, request, queryset, deeds.REQUEUE)

    @admin.action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Delete them from the history."""
        return actions.run(self, request, queryset, deeds.DELETE_HISTORY)

    @admin.action(permissions=["view"], description=_("Export selected %(verbose_name_plural)s as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Send them as a table."""
        return actions.run(self, request, queryset, export.CSV)

    @admin.action(permissions=["view"], description=_("Export selected %(verbose_name_plural)s as JSON"))
    def export_json(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Send them as an array of objects."""
        return actions.run(self, request, queryset, export.JSON)

    age = aged("stopped", _("ended"))
    enqueued = dated("enqueued_at", _("enqueued at"))
    began = dated("started", _("started"))
    ended = dated("stopped", _("stopped"))

    # What is shown ----------------------------------------------------------------------------------------------------

    @admin.display(description=_("function"))
    def function(self, task: Task) -> str:
        """Return the path of the function."""
        return task.func

    @admin.display(description=_("time taken"))
    def time_taken(self, task: Task) -> str:
        """Return how long the last attempt ran."""
        return display.span(task.time_taken())

    @admin.display(description=_("waited"))
    def waited(self, task: Task) -> str:
        """Return how long it took from being enqueued to the start of the last attempt."""
        return display.span(max((task.started - task.enqueued_at).total_seconds(), 0.0))

    @admin.display(description=_("arguments"))
    def arguments(self, task: Task) -> SafeString | str:
        """Return the positional arguments."""
        return self._payload(task, "args")

    @admin.display(description=_("keyword arguments"))
    def keyword_arguments(self, task: Task) -> SafeString | str:
        """Return the keyword arguments."""
        return self._payload(task, "kwargs")

    @admin.display(description=_("result"))
    def outcome(self, task: Task) -> SafeString | str:
        """Return what the function returned."""
        return self._payload(task, "result")

    def _payload(self, task: Task, name: str) -> SafeString | str:
        return display.payload(task, name, allowed=vars(task).get("shows_payload", False))

    @admin.display(description=_("options"))
    def asked_for(self, task: Task) -> SafeString | str:
        """Return the options that were asked for beyond the defaults."""
        return display.settings_of(task.options)

    @admin.display(description=_("attempts"))
    def attempt_table(self, task: Task) -> SafeString | str:
        """Return all attempts, the last one included."""
        return display.attempt_table(attempts.of_ended(task, display.entries(task.errors)))

    @admin.display(description=_("host"))
    def worker_host(self, task: Task) -> str:
        """Return the host whose worker ran it."""
        return task.worker.rpartition(":")[0] or task.worker or display.EMPTY

    @admin.display(description=_("process id"))
    def worker_pid(self, task: Task) -> str:
        """Return the process that ran it."""
        return task.worker.rpartition(":")[2] or display.EMPTY

    @admin.display(description=_("enqueued for"))
    def user(self, task: Task) -> SafeString | str:
        """Return the user in whose request it was enqueued."""
        return vars(task).get("for_user", display.EMPTY)

    @admin.display(description=_("group"))
    def group_link(self, task: Task) -> SafeString | str:
        """Return the group, with the way to its page."""
        return vars(task).get("group_page", display.EMPTY)

    @admin.display(description=_("chain"))
    def chain_link(self, task: Task) -> SafeString | str:
        """Return the chain, with the way to its page."""
        return vars(task).get("chain_page", display.EMPTY)

    @admin.display(description=_("hook"))
    def hook_link(self, task: Task) -> SafeString | str:
        """Return the path of the hook, with the way to it while it is queued."""
        return vars(task).get("hook_page", display.EMPTY)

    @admin.display(description=_("hook error"))
    def hook_failure(self, task: Task) -> SafeString | str:
        """Return how the hook failed."""
        return display.block(task.hook_error)

    @admin.display(description=_("requeued from"))
    def requeued(self, task: Task) -> SafeString | str:
        """Return the task that this one runs again."""
        return vars(task).get("origin") or task.requeued_from or display.EMPTY

    @admin.display(description=_("requeued as"))
    def requeued_to(self, task: Task) -> SafeString | str:
        """Return the tasks that run this one again, as far as they are among the newest."""
        return display.joined(vars(task).get("again", ()))

    @admin.display(description=_("traceback"))
    def trace(self, task: Task) -> SafeString | str:
        """Return the traceback."""
        return display.trace(task.traceback)

    @admin.display(description=_("error"))
    def error_line(self, task: Task) -> SafeString | str:
        """Return the error."""
        return display.block(task.error)

    @admin.display(description=_("reason"))
    def why(self, task: Task) -> Any:
        """Return why it did not succeed."""
        return display.ending(task.reason or Reason.ERROR.value)


_FILTERS = (filters.FunctionFilter, filters.GroupFilter, filters.ClusterFilter, filters.QueueFilter)


@admin.register(Success)
class SuccessAdmin(HistoryAdmin):
    """Tasks that succeeded."""

    list_display = ("name", "func", "age", "time_taken", "attempt_count", "group_link", "queue", "cluster")
    list_filter = (("stopped", filters.PeriodFilter), *_FILTERS)
    fieldsets: ClassVar[tuple[Fieldset, ...]] = (
        (None, {"fields": [*_TASK, "outcome"]}),
        _TIMES,
        _ATTEMPTS,
        _RUN,
        _RELATIONS,
    )


@admin.register(Failure)
class FailureAdmin(HistoryAdmin):
    """Tasks that did not succeed."""

    list_display = (
        "name", "func", "why", "short_error", "age", "time_taken", "attempt_count", "group_link", "queue", "cluster",
    )  # fmt: skip
    list_filter = (("stopped", filters.PeriodFilter), filters.ReasonFilter, *_FILTERS)
    fieldsets: ClassVar[tuple[Fieldset, ...]] = (
        (None, {"fields": ["why", "error_line", "trace", *_TASK]}),
        _TIMES,
        _ATTEMPTS,
        _RUN,
        _RELATIONS,
    )

    @admin.display(description=_("error"))
    def short_error(self, task: Task) -> str:
        """Return the beginning of the error."""
        return display.shortened(task.error)

    short_result = short_error  # as Django Q calls the column
