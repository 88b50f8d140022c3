"""What all pages have in common: rows are read from the cluster's database, in bounded queries, and never edited."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from django_q import conf
from django_q.admin import display
from django_q.admin.paginator import CappedPaginator
from django_q.admin.search import search

Row = Any


def dated(column: str, description: Any) -> Callable[..., Any]:
    """Return a column that shows a moment to the second."""

    @admin.display(description=description, ordering=column)
    def shown(self: Any, row: Row) -> str:
        value = getattr(row, column)
        return display.EMPTY if value is None else display.moment(value)

    return shown


class Page(ChangeList):
    """A list that reads its rows once, without their payloads."""

    model_admin: "ReadOnlyAdmin"

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        ordering = list(super().get_ordering(request, queryset))
        # Django adds the key for a total order; no index has both, and MySQL would sort the whole table.
        return ordering[:-1] if len(ordering) > 1 and ordering[-1] == "-pk" else ordering

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        return super().get_queryset(request, exclude_parameters).defer(*self.model_admin.heavy)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.model_admin.complete(list(self.result_list))


class ReadOnlyAdmin(admin.ModelAdmin):
    """Lists, details and actions; nobody adds or edits what the cluster writes."""

    # Columns that a list does not load.
    heavy: Sequence[str] = ()
    # Columns whose whole value the search looks up first, each by its index.
    search_exact: Sequence[str] = ()
    # The indexed column that grows with time.
    newest_by: str = "pk"

    paginator = CappedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    delete_confirmation_max_display = 20

    class Media:
        css = {"all": ["django_q/admin.css"]}

    @property
    def alias(self) -> str:
        """Return the database of the cluster; it wins over routers."""
        return conf.current().orm

    def complete(self, rows: list[Row]) -> list[Row]:
        """Give rows what they show beside their own columns, in a fixed number of queries."""
        return rows

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.model._default_manager.using(self.alias).order_by(*self.ordering or ())

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        return None if found is None else self.complete([found])[0]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Page

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = search(
            queryset,
            search_term,
            everything=self.get_queryset(request),
            exact=self.search_exact,
            begins=self.search_fields,
            newest_by=self.newest_by,
        )
        return found, False

    # Rights -----------------------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # the right to change is the right to requeue and to cancel: see has_act_permission

    def has_act_permission(self, request: HttpRequest) -> bool:
        """May this user requeue and cancel?"""
        return super().has_change_permission(request)

    # Deleting one row -------------------------------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say what goes with the rows: nothing refers to them. Django would look on the router's database."""
        names = [str(row) for row in objs]
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return names, {self.opts.verbose_name_plural: len(names)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        obj.delete(using=self.alias)
