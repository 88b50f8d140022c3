"""The history: tasks that succeeded, and tasks that did not with the reason why."""

from typing import Any, ClassVar, TypeAlias

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_q.admin import actions, display
from django_q.admin.pages import ReadOnlyAdmin, dated
from django_q.admin.relations import ended_links
from django_q.admin.search import HELP
from django_q.kernel.states import Reason
from django_q.models import Failure, Success, Task

Fieldset: TypeAlias = tuple[Any, Any]

_QUIET = {Reason.CANCELED.value, Reason.STOPPED.value}

_TASK = ["name", "id", "function", "arguments", "keyword_arguments"]
_RUN: Fieldset = (_("Run"), {"fields": ["queue", "cluster", "worker", "group", "priority", "asked_for"]})
_TIMES: Fieldset = (
    _("Times"),
    {"fields": ["enqueued", "began", "waited", "ended", "time_taken", "attempt_count", "crashes"]},
)
_HOOK: Fieldset = (_("Hook and relations"), {"fields": ["hook", "hook_failure", "chain", "requeued"]})


class HistoryAdmin(ReadOnlyAdmin):
    """What both pages of the history have."""

    heavy = ("args", "kwargs", "result", "traceback", "errors", "options", "hook_error")
    ordering = ("-stopped",)
    sortable_by = ("ended",)
    search_exact = ("id", "name", "group")
    search_fields = ("name", "func", "group")
    search_help_text = HELP
    newest_by = "stopped"
    actions = ("requeue_selected", "delete_selected")
    readonly_fields = (
        "function", "arguments", "keyword_arguments", "outcome", "asked_for", "waited", "time_taken", "earlier_errors",
        "trace", "error_line", "why", "hook_failure", "requeued", "enqueued", "began",
        "ended",
    )  # fmt: skip

    def complete(self, rows: list[Task]) -> list[Task]:
        """Find the tasks that these ran again; for one row only: the lists do not show it."""
        if len(rows) == 1 and rows[0].requeued_from:
            links = ended_links([rows[0].requeued_from], alias=self.alias, site=self.admin_site.name)
            setattr(rows[0], "origin", links.get(rows[0].requeued_from))  # noqa: B010
        return rows

    # Actions ----------------------------------------------------------------------------------------------------------

    @admin.action(permissions=["act"], description=_("Requeue selected %(verbose_name_plural)s"))
    def requeue_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Enqueue them again."""
        return actions.run(self, request, queryset, actions.REQUEUE)

    @admin.action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Delete them from the history."""
        return actions.run(self, request, queryset, actions.DELETE_HISTORY)

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
        return display.payload(task, "args")

    @admin.display(description=_("keyword arguments"))
    def keyword_arguments(self, task: Task) -> SafeString | str:
        """Return the keyword arguments."""
        return display.payload(task, "kwargs")

    @admin.display(description=_("result"))
    def outcome(self, task: Task) -> SafeString | str:
        """Return what the function returned."""
        return display.payload(task, "result")

    @admin.display(description=_("options"))
    def asked_for(self, task: Task) -> SafeString | str:
        """Return the options that were asked for beyond the defaults."""
        return display.settings_of(task.options)

    @admin.display(description=_("earlier errors"))
    def earlier_errors(self, task: Task) -> SafeString | str:
        """Return the attempts before the last one."""
        return display.error_table(display.entries(task.errors))

    @admin.display(description=_("hook error"))
    def hook_failure(self, task: Task) -> SafeString | str:
        """Return how the hook failed."""
        return display.block(task.hook_error)

    @admin.display(description=_("requeued from"))
    def requeued(self, task: Task) -> SafeString | str:
        """Return the task that this one runs again."""
        return getattr(task, "origin", None) or task.requeued_from or display.EMPTY

    @admin.display(description=_("traceback"))
    def trace(self, task: Task) -> SafeString | str:
        """Return the traceback."""
        return display.block(task.traceback)

    @admin.display(description=_("error"))
    def error_line(self, task: Task) -> SafeString | str:
        """Return the error."""
        return display.block(task.error)

    @admin.display(description=_("reason"))
    def why(self, task: Task) -> Any:
        """Return why it did not succeed: canceled and stopped are somebody's will, the others are not."""
        reason = task.reason or Reason.ERROR.value
        return display.badge(task.get_reason_display() or reason, "quiet" if reason in _QUIET else "bad")


@admin.register(Success)
class SuccessAdmin(HistoryAdmin):
    """Tasks that succeeded."""

    list_display = ("name", "func", "ended", "time_taken", "attempt_count", "group", "queue", "cluster", "began")
    list_filter = ("stopped",)
    fieldsets: ClassVar[tuple[Fieldset, ...]] = (
        (None, {"fields": [*_TASK, "outcome"]}),
        _TIMES,
        _RUN,
        _HOOK,
        (_("Attempts before"), {"fields": ["earlier_errors"]}),
    )


@admin.register(Failure)
class FailureAdmin(HistoryAdmin):
    """Tasks that did not succeed."""

    list_display = (
        "name", "func", "why", "short_error", "ended", "time_taken", "attempt_count", "group", "queue", "cluster",
        "began",
    )  # fmt: skip
    list_filter = ("reason", "stopped")
    fieldsets: ClassVar[tuple[Fieldset, ...]] = (
        (None, {"fields": ["why", "error_line", "trace", *_TASK]}),
        _TIMES,
        (_("Attempts before"), {"fields": ["earlier_errors"]}),
        _RUN,
        _HOOK,
    )

    @admin.display(description=_("error"))
    def short_error(self, task: Task) -> str:
        """Return the beginning of the error."""
        return display.shortened(task.error)
