"""The admin of class tasks: a list to be read, tasks to be stopped, reloaded and restarted."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.admin.paginator import CappedPaginator
from django_q.contrib.class_tasks import client
from django_q.contrib.class_tasks.models import ClassTask
from django_q.contrib.class_tasks.states import KNOWN, RUNNING

_SHOWN = 60  # characters of a text in a list


class StateFilter(admin.SimpleListFilter):
    """By state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in KNOWN]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in KNOWN else queryset


@admin.register(ClassTask)
class ClassTaskAdmin(admin.ModelAdmin):
    """Rows that runners write, not people; what does not run may be deleted."""

    list_display = ("created", "id", "name", "state", "attempts", "runner", "short_output")
    list_filter = (StateFilter,)
    search_fields = ("=id", "=name")
    search_help_text = _("The whole of an id or a name.")
    ordering = ("-created",)
    sortable_by = ()
    paginator = CappedPaginator
    show_full_result_count = False
    actions = ("stop_selected", "reload_selected", "restart_selected")

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["django_q/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(conf.current().orm)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [field.name for field in self.model._meta.concrete_fields if field.editable]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state != RUNNING)

    def has_control_permission(self, request: HttpRequest) -> bool:
        """May this user stop, reload and restart tasks?"""
        return request.user.has_perm(f"{self.opts.app_label}.control_classtask")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete what does not run."""
        queryset.exclude(state=RUNNING).delete()

    @admin.display(description=_("output"))
    def short_output(self, row: ClassTask) -> str:
        """Return the beginning of the output."""
        return Truncator(row.output or "").chars(_SHOWN)

    @admin.action(permissions=["control"], description=_("Stop selected class tasks"))
    def stop_selected(self, request: HttpRequest, queryset: QuerySet[ClassTask]) -> None:
        """Stop those that run or wait."""
        self._control(request, queryset, client.stop_task, gettext("Stopped"))

    @admin.action(permissions=["control"], description=_("Reload selected class tasks"))
    def reload_selected(self, request: HttpRequest, queryset: QuerySet[ClassTask]) -> None:
        """Let those that run start anew."""
        self._control(request, queryset, client.reload_task, gettext("Reloaded"))

    @admin.action(permissions=["control"], description=_("Restart selected class tasks"))
    def restart_selected(self, request: HttpRequest, queryset: QuerySet[ClassTask]) -> None:
        """Queue those again that have ended or were stopped."""
        self._control(request, queryset, client.restart_task, gettext("Restarted"))

    def _control(
        self, request: HttpRequest, queryset: QuerySet[ClassTask], call: Callable[[str], bool], word: str
    ) -> None:
        done = [row for row in queryset.order_by("pk") if call(row.pk)]
        if done:
            LogEntry.objects.log_actions(request.user.pk, done, CHANGE, word)  # type: ignore[arg-type]
        text = ngettext("%(count)d class task was asked.", "%(count)d class tasks were asked.", len(done))
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, text % {"count": len(done)}, level)
