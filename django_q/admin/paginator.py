"""Pages of a table of any size: what is counted has an end."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

#: Rows that can be reached by turning pages. Filters and the search lead to older ones.
MOST = 10_000


class AtLeast(int):
    """A count that was broken off; it is written with a plus."""

    def __str__(self) -> str:
        return f"{int(self)}+"


class CappedPaginator(Paginator):
    """Counts one row more than it shows, through a limited subquery, and never the table."""

    object_list: Any

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most :data:`MOST`."""
        # In the order of the list, so that the index that serves it serves the count too.
        first = (self.object_list.query.order_by or ("pk",))[0]
        found: int = self.object_list.values(str(first).lstrip("-"))[: MOST + 1].count()
        return AtLeast(MOST) if found > MOST else found
