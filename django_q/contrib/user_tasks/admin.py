"""The admin of user tasks: lists of any size, nothing to be edited, tasks to be canceled."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename, get_user_model
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.admin.paginator import CappedPaginator
from django_q.contrib.user_tasks import states
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.models import OrmQ, Task

_SHOWN = 60  # characters of a text in a list


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that tasks write, not people; they may be deleted."""

    ordering = ("-created", "-id")
    paginator = CappedPaginator
    show_full_result_count = False
    # Not joined but read for the rows of a page: MariaDB would begin with the other table, and sort all of this one.
    list_select_related = ()
    related: str

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["django_q/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(conf.current().orm).prefetch_related(self.related)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.concrete_fields] + list(self.readonly_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class StateFilter(admin.SimpleListFilter):
    """By state; those of tasks in their own words are one choice."""

    title = _("state")
    parameter_name = "state"
    _OTHER = "other"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, states.text_of(state)) for state in states.KNOWN] + [(self._OTHER, gettext("in its own words"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in states.KNOWN:
            return queryset.filter(state=self.value())
        return queryset.exclude(state__in=states.KNOWN) if self.value() == self._OTHER else queryset


class NameFilter(admin.SimpleListFilter):
    """By name; nobody counts what other names there are."""

    title = _("name")
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("Output", gettext("Output")), ("Error", gettext("Error"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(name=self.value()) if self.value() in ("Output", "Error") else queryset


class ArtifactInline(admin.StackedInline):
    """What a task made."""

    model = UserTaskArtifact
    fields = readonly_fields = ("created", "name", "file", "url", "text")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(UserTaskStatus)
class UserTaskStatusAdmin(ReadOnlyAdmin):
    """Tasks and containers."""

    list_display = ("created", "uuid", "shown_state", "user", "name", "progress")
    list_filter = (StateFilter,)
    related = "user"
    readonly_fields = ("core_task", "members")
    inlines = (ArtifactInline,)
    actions = ("cancel_selected",)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        user: Any = get_user_model()
        own = [user.USERNAME_FIELD, user.get_email_field_name()]
        names = {field.name for field in user._meta.get_fields()}
        return ["uuid", "task_id", "task_class", "name", *(f"user__{name}" for name in own if name in names)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in self.get_readonly_fields(request, obj) if name not in ("id", "is_container")]

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """May this user cancel tasks of others?"""
        codename = get_permission_codename("cancel", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    @admin.action(permissions=["cancel"], description=_("Cancel selected user tasks"))
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[UserTaskStatus]) -> None:
        """Cancel those that have not ended, and say how many that were."""
        count = 0
        for row in queryset.exclude(state__in=states.FINAL).order_by("pk"):
            row.cancel()
            count += row.state == states.CANCELED
        text = ngettext("%(count)d user task was canceled.", "%(count)d user tasks were canceled.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, row: UserTaskStatus) -> str:
        """Return the state in the language of the reader."""
        return row.state_text

    @admin.display(description=_("progress"))
    def progress(self, row: UserTaskStatus) -> str:
        """Return the steps."""
        return f"{row.completed_steps} / {row.total_steps}"

    @admin.display(description=_("task"))
    def core_task(self, row: UserTaskStatus) -> SafeString | str:
        """Link to the row that the cluster has of it, where the traceback is."""
        for model, columns in ((OrmQ, {}), (Task, {"success": True})):
            found = model._base_manager.using(conf.current().orm).filter(pk=row.task_id).only("pk", *columns).first()
            if found is not None:
                kind = "ormq" if isinstance(found, OrmQ) else "success" if found.success else "failure"
                return self._link(f"django_q_{kind}_change", row.task_id, row.task_id)
        return "-"

    @admin.display(description=_("members"))
    def members(self, row: UserTaskStatus) -> SafeString | str:
        """Link to the list of what a container stands for."""
        if not row.is_container:
            return "-"
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_usertaskstatus_changelist")
        return format_html('<a href="{}?parent__id__exact={}">{}</a>', url, row.pk, gettext("Show them"))

    def _link(self, name: str, key: str, text: str) -> SafeString | str:
        try:
            url = reverse(f"{self.admin_site.name}:{name}", args=[key])
        except NoReverseMatch:  # the core is not registered with this site
            return text
        return format_html('<a href="{}">{}</a>', url, text)


@admin.register(UserTaskArtifact)
class UserTaskArtifactAdmin(ReadOnlyAdmin):
    """What tasks made."""

    list_display = ("created", "uuid", "status", "name", "shown_text")
    list_filter = (NameFilter,)
    related = "status"
    search_fields = ("uuid", "name", "text")

    @admin.display(description=_("text"))
    def shown_text(self, row: UserTaskArtifact) -> str:
        """Return the beginning of the text."""
        return Truncator(row.text or row.url).chars(_SHOWN)
