"""The admin of background tasks: those that wait or run, and those that have ended."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_q.admin import actions, display
from django_q.admin.filters import Narrow
from django_q.admin.pages import ReadOnlyAdmin, dated
from django_q.admin.relations import holders
from django_q.admin.sight import Sight
from django_q.contrib.background import deeds
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.pages import FromTheQueue, Waiting, is_plain
from django_q.models import Failure, OrmQ, Success
from django_q.tasks import backlog

_SHORT = 80  # characters of parameters in a list

Link = SafeString | str


class NameFilter(Narrow):
    """Tasks of one name."""

    title = _("task name")
    parameter_name = column = "task_name"
    indexed = True


class _Joined(admin.SimpleListFilter):
    """Rows by a column of the queue or the history: they are looked for among the newest."""

    is_wide = False

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.condition(self.value()) if self.value() else None
        if wanted is None:
            return queryset
        self.is_wide = True
        return queryset.filter(**wanted)

    def condition(self, value: str | None) -> dict[str, Any] | None:
        """Return what a value asks for, None for one that means nothing."""
        raise NotImplementedError


class QueueFilter(_Joined):
    """Tasks of one queue."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({*backlog.queue_names(), *filter(None, [self.value()])})]

    def condition(self, value: str | None) -> dict[str, Any]:
        return {"queue": str(value).replace("\0", "")}


class ErrorFilter(_Joined):
    """Tasks whose last attempt raised, or not."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Yes")), ("0", _("No"))]

    def condition(self, value: str | None) -> dict[str, Any] | None:
        known: dict[str, dict[str, Any]] = {"1": {"entry__errors__gt": ""}, "0": {"entry__errors": ""}}
        return known.get(str(value))


class FailureFilter(ErrorFilter):
    """Tasks that failed for good, or not."""

    def condition(self, value: str | None) -> dict[str, Any] | None:
        return {"1": {"record__success__in": [False]}, "0": {"record__success__in": [True]}}.get(str(value))


class LockFilter(_Joined):
    """Tasks that a cluster holds, or not."""

    title = _("held by a cluster")
    parameter_name = "locked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Yes")), ("0", _("No"))]

    def condition(self, value: str | None) -> dict[str, Any] | None:
        return {"1": {"entry__claimed_by__isnull": False}, "0": {"entry__claimed_by__isnull": True}}.get(str(value))


class BackgroundAdmin(ReadOnlyAdmin):
    """What both lists have."""

    sortable_by = ()
    search_exact = ("id", "task_name", "verbose_name")
    search_fields = ("task_name", "verbose_name")
    search_help_text = _("The whole of an id or name, else the beginning of a name among the newest 10,000.")
    offered = ("task_name",)
    readonly_fields: ClassVar[tuple[str, ...]] = (
        "parameters", "run_at", "priority", "queue", "attempts", "error", "locked_by", "creator", "row", "every",
    )  # fmt: skip

    def prepare(self, request: HttpRequest, rows: list[Task]) -> list[Task]:
        """Look creators up, in one query for each of their models."""
        found = _creators(rows, self.sight(request))
        shows = request.user.has_perm("django_q.view_payload")
        for row in rows:
            vars(row).update(creator_link=found.get(row.pk, display.EMPTY), shows_payload=shows)
        return rows

    run_at = dated("run_at", _("run at"))

    @admin.display(description=_("parameters"))
    def parameters(self, row: Task) -> Link:
        """Return the arguments."""
        return display.settings_of(row.task_params) if vars(row).get("shows_payload") else display.EMPTY

    @admin.display(description=_("parameters"))
    def short_parameters(self, row: Task) -> str:
        """Return the beginning of the arguments."""
        return display.shortened(row.task_params, _SHORT) if vars(row).get("shows_payload") else display.EMPTY

    @admin.display(description=_("priority"))
    def priority(self, row: Task) -> int:
        """Return the priority, as the call said it."""
        return row.priority

    @admin.display(description=_("queue"))
    def queue(self, row: Task) -> str:
        """Return the queue."""
        return row.queue

    @admin.display(description=_("attempts"))
    def attempts(self, row: Task) -> int:
        """Return how many attempts there were."""
        return row.attempts

    @admin.display(description=_("has error"), boolean=True)
    def has_error(self, row: Task) -> bool:
        """Tell whether the last attempt raised."""
        return row.has_error()

    @admin.display(description=_("last error"))
    def error(self, row: Task) -> Link:
        """Return what the last attempt raised."""
        return display.trace(row.last_error)

    @admin.display(description=_("locked by"))
    def locked_by(self, row: Task) -> Link:
        """Return who holds it, or ran it."""
        return vars(row).get("holder") or row.locked_by or display.EMPTY

    @admin.display(description=_("creator"))
    def creator(self, row: Task) -> Link:
        """Return what it was enqueued for."""
        return vars(row).get("creator_link", display.EMPTY)

    @admin.display(description=_("repeat"))
    def every(self, row: Task) -> str:
        """Return the seconds between two runs."""
        return str(row.repeat) if row.repeat else display.EMPTY

    @admin.display(description=_("row"))
    def row(self, row: Task) -> Link:
        """Return the row of the queue, or of the history."""
        return vars(row).get("row_link", display.EMPTY)


@admin.register(Task)
class TaskAdmin(BackgroundAdmin):
    """Tasks that have not ended."""

    ordering = ("-entry__pk",)
    actions = ("raise_selected", "lower_selected", "cancel_selected")
    deeds = {deed.name: deed for deed in (deeds.RAISE, deeds.LOWER, deeds.CANCEL)}
    key_action = "cancel_selected"
    list_filter = (NameFilter, QueueFilter, ErrorFilter, LockFilter)
    list_display = (
        "__str__", "short_parameters", "run_at", "priority", "attempts", "has_error", "locked_by", "queue", "creator",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ["task_name", "verbose_name", "id", "parameters", "creator", "row"]}),
        (_("State"), {"fields": ["run_at", "queue", "priority", "locked_by", "attempts", "error"]}),
        (_("Repetition"), {"fields": ["every", "scheduled_for", "repeat_until"]}),
    )

    def prepare(self, request: HttpRequest, rows: list[Task]) -> list[Task]:
        """Find who holds the rows."""
        sight = self.sight(request)
        clusters = holders((row.locked_by for row in rows), sight=sight)
        for row in super().prepare(request, rows):
            vars(row).update(holder=clusters.get(row.locked_by or ""), row_link=sight.link(OrmQ, row.pk, row.pk))
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Waiting

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Paginator:
        kind = FromTheQueue if is_plain(request) else self.paginator
        return kind(queryset, per_page, *args, **kwargs)

    def has_priority_permission(self, request: HttpRequest) -> bool:
        """May this user change priorities?"""
        return self.may(request, "change_task")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """May this user cancel tasks?"""
        return bool(request.user.has_perm("django_q.cancel_task"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a task that waits is canceled

    @admin.action(permissions=["priority"], description=_("Priority +1"))
    def raise_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Let those run earlier that nobody has claimed."""
        return actions.run(self, request, queryset, deeds.RAISE)

    @admin.action(permissions=["priority"], description=_("Priority -1"))
    def lower_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Let those run later that nobody has claimed."""
        return actions.run(self, request, queryset, deeds.LOWER)

    @admin.action(permissions=["cancel"], description=_("Cancel selected %(verbose_name_plural)s"))
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
        """Cancel them, or ask them to stop."""
        return actions.run(self, request, queryset, deeds.CANCEL)


@admin.register(CompletedTask)
class CompletedTaskAdmin(BackgroundAdmin):
    """Tasks that have ended."""

    ordering = ("-record__pk",)
    actions = ("run_again_selected",)
    deeds = {deeds.RUN_AGAIN.name: deeds.RUN_AGAIN}
    key_action = "run_again_selected"
    list_filter = (NameFilter, QueueFilter, FailureFilter)
    list_display = (
        "verbose_or_name", "short_parameters", "run_at", "priority", "attempts", "has_error", "locked_by", "queue",
        "creator",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ["task_name", "verbose_name", "id", "parameters", "creator", "row"]}),
        (_("Run"), {"fields": ["began", "run_at", "queue", "priority", "locked_by", "attempts", "error"]}),
        (_("Repetition"), {"fields": ["every", "scheduled_for", "repeat_until"]}),
    )
    readonly_fields: ClassVar[tuple[str, ...]] = (*BackgroundAdmin.readonly_fields, "began")

    began = dated("started", _("started"))

    def prepare(self, request: HttpRequest, rows: list[CompletedTask]) -> list[CompletedTask]:  # type: ignore[override]
        """Lead to the history."""
        sight = self.sight(request)
        for row in super().prepare(request, list(rows)):
            model = Success if vars(row)["success"] else Failure
            vars(row)["row_link"] = sight.link(model, row.pk, row.pk)
        return rows

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("django_q.requeue_task"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # it goes with its row of the history

    @admin.display(description=_("task name"))
    def verbose_or_name(self, row: CompletedTask) -> str:
        """Return the name without the moment, which has a column of its own."""
        return row.verbose_name or row.task_name

    @admin.action(permissions=["requeue"], description=_("Run selected %(verbose_name_plural)s again"))
    def run_again_selected(self, request: HttpRequest, queryset: QuerySet[CompletedTask]) -> HttpResponse | None:
        """Enqueue them once more."""
        return actions.run(self, request, queryset, deeds.RUN_AGAIN)


def _creators(rows: list[Task], sight: Sight) -> dict[str, Link]:
    """Return who enqueued each row, by its id: a link for who may see that."""
    wanted: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.creator_content_type_id is not None and row.creator_object_id is not None:
            wanted[row.creator_content_type_id][row.creator_object_id].append(row.pk)
    found: dict[str, Link] = {}
    for kind, ids in wanted.items():
        model = ContentType.objects.db_manager(rows[0]._state.db).get_for_id(kind).model_class()
        for key, text in _texts(model, ids, sight):
            found |= dict.fromkeys(ids[key], text)
    return found


def _texts(model: type[Model] | None, ids: dict[str, Any], sight: Sight) -> Iterator[tuple[str, Link]]:
    """Yield objects by their keys; the bare key of what is gone."""
    objects: dict[str, Model] = {}
    if model is not None:
        keys = list(filter(None, (_key(model, id) for id in ids)))
        objects = {str(each.pk): each for each in model._default_manager.filter(pk__in=keys)}
    for id in ids:
        each = objects.get(id)
        yield id, id if each is None else _link(each, sight)


def _key(model: type[Model], id: str) -> Any:
    try:
        return model._meta.pk.to_python(id)
    except ValidationError:
        return None


def _link(each: Model, sight: Sight) -> Link:
    page = sight.site._registry.get(type(each))
    if page is None or not page.has_view_permission(sight.request, each):
        return str(each)
    name = f"admin:{each._meta.app_label}_{each._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[each.pk], current_app=sight.site.name), each)
