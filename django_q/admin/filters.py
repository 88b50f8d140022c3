"""Filters of lists of any size: choices and counts come from the newest rows, matches from an index or from those."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.admin import display
from django_q.admin.dates import Period
from django_q.admin.search import Finder
from django_q.kernel.queues import named
from django_q.models import Incarnation
from django_q.models.labels import KINDS, REASONS, STATES

#: Rows whose values are offered.
LATELY = 1_000
#: Rows that are counted when counts are asked for.
COUNTED = 5_000
_MOST_CHOICES = 40


class Narrow(admin.SimpleListFilter):
    """Rows whose column has a value."""

    column: str
    # Does an index begin with the column?
    indexed = False
    # Whether the rows were named by their keys, or are looked for among the newest.
    is_few = False
    is_wide = False

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.model_admin = model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        """Offer what the newest rows hold, and what is chosen."""
        found = {value for value in lately(request, model_admin)[self.column] if value}
        if self.value():
            found.add(self.value())
        return [(value, display.shortened(str(value), 60)) for value in sorted(found)[:_MOST_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self._checked(queryset)
        if value is None:
            return queryset
        keys = Finder.of(request, self.model_admin).few(self.column, value) if self.indexed else None
        if keys is not None:
            self.is_few = True
            return queryset.filter(pk__in=keys)
        self.is_wide = True
        return queryset.filter(**{self.column: value})

    def get_facet_queryset(self, changelist: ChangeList) -> dict[str, int]:
        counts = Counter(str(value) for value in sample(self, changelist, self.column))
        return {f"{place}__c": counts[str(value)] for place, (value, _title) in enumerate(self.lookup_choices)}

    def _checked(self, queryset: QuerySet[Any]) -> Any:
        """Return the chosen value as the column has it."""
        text = self.value()
        if not text:
            return None
        try:
            if "\0" in text:
                raise ValidationError(f"{text!r} holds a NUL character, which no column does.")
            return queryset.model._meta.get_field(self.column).to_python(text)
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error


class PeriodFilter(admin.DateFieldListFilter):
    """Rows of today, of the last days, of a period: what the navigation by dates chooses too."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return Period.of(self.field_path, self.used_parameters).of_rows(queryset)

    def get_facet_queryset(self, changelist: ChangeList) -> dict[str, int]:
        moments = sample(self, changelist, self.field_path)
        return {
            f"{place}__c": sum(map(Period.of(self.field_path, parameters).holds, moments))
            for place, (_title, parameters) in enumerate(self.links)
        }


def lately(request: HttpRequest, model_admin: Any) -> dict[str, Counter[Any]]:
    """Return what the columns of the filters hold in the newest rows, in one query for a whole page."""
    found: dict[str, Counter[Any]] | None = vars(request).get("django_q_lately")
    if found is None:
        columns = model_admin.offered
        rows = list(model_admin.within(request).values_list(*columns)[:LATELY])
        found = {column: Counter(row[place] for row in rows) for place, column in enumerate(columns)}
        vars(request)["django_q_lately"] = found
    return found


def sample(spec: Any, changelist: ChangeList, column: str) -> list[Any]:
    """Return what a column holds in the newest rows that all the other filters leave."""
    rows: Any = changelist.get_queryset(spec.request, exclude_parameters=spec.expected_parameters())
    return list(rows.values_list(column, flat=True)[:COUNTED])


def living(request: HttpRequest) -> list[Incarnation]:
    """Return the clusters that live, in one query for a whole page."""
    found: list[Incarnation] | None = vars(request).get("django_q_living")
    if found is None:
        rows = Incarnation.objects.using(conf.current().orm).living().order_by("name", "pk")
        found = vars(request)["django_q_living"] = list(rows.only("name", "host", "pid", "queues")[:LATELY])
    return found


# The history ---------------------------------------------------------------------------------------------------------


class FunctionFilter(Narrow):
    """Tasks of one function."""

    title = _("function")
    parameter_name = column = "func"


class GroupFilter(Narrow):
    """Tasks of one group."""

    title = _("group")
    parameter_name = column = "group"
    indexed = True


class ClusterFilter(Narrow):
    """Tasks that one cluster ran."""

    title = _("cluster")
    parameter_name = column = "cluster"


class QueueFilter(Narrow):
    """Tasks of one queue."""

    title = _("queue")
    parameter_name = column = "queue"


class ReasonFilter(Narrow):
    """Tasks that did not succeed for one reason."""

    title = _("reason")
    parameter_name = "reason__exact"
    column = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(REASONS)


# The queue -----------------------------------------------------------------------------------------------------------


class StateFilter(Narrow):
    """Rows of the queue in one state."""

    title = _("state")
    parameter_name = "state__exact"
    column = "state"
    indexed = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(STATES)


class KindFilter(Narrow):
    """Tasks, or hooks."""

    title = _("kind")
    parameter_name = "kind__exact"
    column = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(KINDS)


class WaitingGroupFilter(GroupFilter):
    """Rows of the queue of one group; there no index leads to them."""

    indexed = False


class ServedQueueFilter(QueueFilter):
    """Rows of one queue: of those that the settings name, that a living cluster serves or that the newest rows hold."""

    indexed = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        settings = conf.current()
        known = (settings.name, *settings.queues, *self._served(request))
        found = {*named(known), *lately(request, model_admin)["queue"]}
        if self.value():
            found.add(str(self.value()))
        return [(name, name) for name in sorted(found)[:_MOST_CHOICES]]

    def _served(self, request: HttpRequest) -> Iterator[str]:
        for cluster in living(request):
            yield from json.loads(cluster.queues)


class HolderFilter(Narrow):
    """Rows that one living cluster has claimed."""

    title = _("held by")
    parameter_name = column = "claimed_by"
    indexed = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return [(cluster.pk, str(cluster)) for cluster in living(request)[:_MOST_CHOICES]]
