"""A list that reads its rows once, without their payloads, and never looks further than it says."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from django_q.admin import filters, search
from django_q.admin.dates import Dates, dates


class Listing(ChangeList):
    """A page of a list, with what stands above it."""

    model_admin: Any
    dates: Dates | None = None
    notices: tuple[str, ...] = ()
    # Whether rows were looked for among the newest only, and there are older ones.
    is_cut = False
    _has_others = False

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        ordering = list(super().get_ordering(request, queryset))
        # Django adds the key for a total order; no index has both, and MySQL would sort the whole table.
        return ordering[:-1] if len(ordering) > 1 and ordering[-1] == "-pk" else ordering

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        self._has_others = bool(found[2])  # conditions that were written into the address by hand
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        queryset = super().get_queryset(request, exclude_parameters).defer(*self.model_admin.heavy)
        if not self._needs_edge(exclude_parameters):
            return queryset
        finder, everything = search.Finder.of(request, self.model_admin), self.model_admin.within(request)
        if exclude_parameters is None:
            self.is_cut = finder.edge(everything) is not None
        return finder.newest(queryset, everything)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.model_admin.prepare(request, list(self.result_list))
        self.dates = self._dates(request)
        self.notices = (*self.model_admin.notices(request), *self._remarks())

    def _needs_edge(self, exclude_parameters: Any) -> bool:
        """Is there a condition that no index serves, and none that names the rows?"""
        excluded = set(exclude_parameters or ())
        specs = [spec for spec in self.filter_specs if not excluded & set(spec.expected_parameters())]
        if any(getattr(spec, "is_few", False) for spec in specs):
            return False
        return self._has_others or any(getattr(spec, "is_wide", False) for spec in specs)

    def _dates(self, request: HttpRequest) -> Dates | None:
        if not self.model_admin.dated_by:
            return None
        return dates(self.root_queryset, self.model_admin.period(request), self.get_query_string)

    def _remarks(self) -> list[str]:
        remarks = []
        if self.is_cut:
            count = number_format(search.WINDOW, force_grouping=True)
            text = _("Only the newest %(count)s were looked at.") % {"count": count}
            older = _("Choose a date to look at older ones.") if self.model_admin.dated_by else ""
            remarks.append(f"{text} {older}".strip())
        if self.add_facets:
            text = _("The counts beside the filters are of the newest %(count)s that match.")
            remarks.append(text % {"count": number_format(filters.COUNTED, force_grouping=True)})
        return remarks
