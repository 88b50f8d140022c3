"""What all pages have in common: rows are read from the cluster's database, in bounded queries, and never edited."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from django_q import conf
from django_q.admin import display
from django_q.admin.actions import Deed
from django_q.admin.dates import Period
from django_q.admin.listing import Listing
from django_q.admin.paginator import CappedPaginator
from django_q.admin.search import Finder, search
from django_q.admin.sight import Sight

Row = Any


def dated(column: str, description: Any) -> Callable[..., Any]:
    """Return a column that shows a moment to the second."""

    @admin.display(description=description, ordering=column)
    def shown(self: Any, row: Row) -> str:
        value = getattr(row, column)
        return display.EMPTY if value is None else display.moment(value)

    return shown


def aged(column: str, description: Any) -> Callable[..., Any]:
    """Return a column that shows how long ago a moment is."""

    @admin.display(description=description, ordering=column)
    def shown(self: Any, row: Row) -> Any:
        value = getattr(row, column)
        return display.EMPTY if value is None else display.age(value)

    return shown


class ReadOnlyAdmin(admin.ModelAdmin):
    """Lists, details and actions; nobody adds or edits what the cluster writes."""

    # Columns that a list does not load.
    heavy: Sequence[str] = ()
    # Columns whose whole value the search looks up first, each by its index.
    search_exact: Sequence[str] = ()
    # The indexed column that grows with time.
    newest_by: str = "pk"
    # The column whose years, months and days lead through the list.
    dated_by: str = ""
    # Columns of which the filters offer what the newest rows hold.
    offered: Sequence[str] = ()
    # What can be done with one row on its page, by the name of the action.
    deeds: Mapping[str, Deed] = {}
    # The action that the key "r" chooses.
    key_action: str = ""

    change_list_template = "admin/django_q/change_list.html"
    change_form_template = "admin/django_q/change_form.html"
    paginator = CappedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    delete_confirmation_max_display = 20

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["django_q/admin.css"]}
        js: ClassVar[list[str]] = ["django_q/admin.js"]

    @property
    def alias(self) -> str:
        """Return the database of the cluster; it wins over routers."""
        return conf.current().orm

    # What subclasses add to rows and pages ----------------------------------------------------------------------------

    def complete(self, rows: list[Row]) -> list[Row]:
        """Give rows what they show beside their own columns, in a fixed number of queries."""
        return rows

    def prepare(self, request: HttpRequest, rows: list[Row]) -> list[Row]:
        """Give the rows of a list what this viewer may see beside their own columns."""
        return self.complete(rows)

    def prepare_one(self, request: HttpRequest, row: Row) -> Row:
        """Give a row what this viewer may see on its page."""
        return self.prepare(request, [row])[0]

    def notices(self, request: HttpRequest) -> list[str]:
        """Return what is to be said above the list."""
        return []

    # Reading ----------------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.model._default_manager.using(self.alias).order_by(*self.ordering or ())

    def period(self, request: HttpRequest) -> Period:
        """Return the period that the address names."""
        return Period.of(self.dated_by, request.GET) if self.dated_by else Period("")

    def within(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all rows of the period that the address names."""
        return self.period(request).of_rows(self.get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        return None if found is None else self.prepare_one(request, found)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Listing

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = search(
            queryset,
            search_term,
            finder=Finder.of(request, self),
            everything=self.within(request),
            exact=self.search_exact,
            begins=self.search_fields,
        )
        return found, False

    def sight(self, request: HttpRequest) -> Sight:
        """Return what this viewer may see on other pages."""
        return Sight(self.admin_site, request)

    # One row ----------------------------------------------------------------------------------------------------------

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = context.get("original")
        offered = [] if row is None else self.deeds_for(request, row)
        return super().render_change_form(request, {**context, "deeds": offered}, *args, **kwargs)

    def deeds_for(self, request: HttpRequest, row: Row) -> list[Deed]:
        """Return what this viewer may do with a row, and what makes sense."""
        allowed = self.get_actions(request)
        return [deed for name, deed in self.deeds.items() if name in allowed and deed.suits(row)]

    def address_of(self, request: HttpRequest, pk: str) -> str:
        """Return the address of a row; of the list, if it is not there any more."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if self.get_queryset(request).filter(pk=pk).exists():
            return reverse(f"{name}_change", args=[pk], current_app=self.admin_site.name)
        return reverse(f"{name}_changelist", current_app=self.admin_site.name)

    # Rights -----------------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Refuse an action that this viewer has no right to; Django would overlook it and say that none was chosen."""
        wanted = request.POST.get("action")
        if wanted in (self.actions or ()) and wanted not in self.get_actions(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # rows change by actions only, and each has a right of its own

    def may(self, request: HttpRequest, right: str) -> bool:
        """Has this user one of our rights?"""
        return bool(request.user.has_perm(f"{self.opts.app_label}.{right}"))

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        """May this user run tasks again?"""
        return self.may(request, "requeue_task")

    # Deleting one row -------------------------------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say what goes with the rows: nothing refers to them. Django would look on the router's database."""
        names = [str(row) for row in objs]
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return names, {self.opts.verbose_name_plural: len(names)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        obj.delete(using=self.alias)
