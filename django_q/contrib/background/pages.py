"""Pages of what waits: their rows are found from the queue, which is small, however many ours have ended."""

from typing import Any

from django.core.paginator import Page
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.functional import cached_property

from django_q.admin.listing import Listing
from django_q.admin.paginator import MOST, AtLeast, CappedPaginator
from django_q.contrib.background.models import Task
from django_q.models import OrmQ

_PLAIN = "django_q_background_plain"


class Waiting(Listing):
    """The list of what waits; of a plain one, without filters and search, the pages are found from the queue."""

    def get_results(self, request: HttpRequest) -> None:
        vars(request)[_PLAIN] = not self.query and not self.has_active_filters
        super().get_results(request)


def is_plain(request: HttpRequest) -> bool:
    """Is it the page of a list without filters and search?"""
    return bool(vars(request).get(_PLAIN))


class FromTheQueue(CappedPaginator):
    """Looks the keys of a page up in the queue. A join may begin with our rows, of which most have ended long ago."""

    @cached_property
    def keys(self) -> QuerySet[Any]:
        """Return the keys of all that waits."""
        alias = self.object_list.db
        ours = Task._base_manager.using(alias).filter(pk=OuterRef("pk")).values("pk")[:1]
        rows = OrmQ.objects.using(alias).annotate(ours=Subquery(ours)).filter(ours__isnull=False)
        return rows.order_by("-pk").values_list("pk", flat=True)

    @cached_property
    def count(self) -> int:
        found: int = self.keys[: MOST + 1].count()
        return AtLeast(MOST) if found > MOST else found

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = list(self.keys[first : first + self.per_page])
        return Page(self.object_list.filter(pk__in=keys), number, self)
