"""The search of the lists: by index first, then among the newest rows only."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

#: Rows among which beginnings of names, and values of columns without an index, are looked for.
WINDOW = 10_000
#: Rows that are named by their keys.
FEW = 1_000

HELP = _("The whole of an id, name or group, else the beginning of a name, function or group among the newest 10,000.")


class Finder:
    """Looks rows up by index, and finds where the newest begin; each once for a request, however often it is asked."""

    def __init__(self, model: type[Model], alias: str, column: str) -> None:
        self.rows = model._base_manager.using(alias).order_by()
        self.column = column  # that grows with time
        self._known: dict[tuple[str, Any], list[Any] | None] = {}
        self._edges: list[Any] = []

    @classmethod
    def of(cls, request: HttpRequest, model_admin: Any) -> "Finder":
        """Return the one of a request."""
        found = vars(request).get("django_q_finder")
        if not isinstance(found, cls):
            found = cls(model_admin.model, model_admin.alias, model_admin.newest_by)
            vars(request)["django_q_finder"] = found
        return found

    def few(self, column: str, value: Any) -> list[Any] | None:
        """Return the keys of the rows whose indexed column holds a value, None if there are many.

        Few are named by their keys: together with other conditions a database without statistics takes a wrong index.
        """
        if (column, value) not in self._known:
            keys = list(self.rows.filter(**{column: value}).values_list("pk", flat=True)[: FEW + 1])
            self._known[column, value] = keys if len(keys) <= FEW else None
        return self._known[column, value]

    def edge(self, everything: QuerySet[Any]) -> Any:
        """Return the moment or key that the newest rows of a list lie above; None if the list has no more rows."""
        if not self._edges:
            values = everything.order_by(f"-{self.column}").values_list(self.column, flat=True)
            self._edges = list(values[WINDOW : WINDOW + 1]) or [None]
        return self._edges[0]

    def newest(self, queryset: QuerySet[Any], everything: QuerySet[Any]) -> QuerySet[Any]:
        """Return what of a queryset is among the newest rows of a list."""
        edge = self.edge(everything)
        return queryset if edge is None else queryset.filter(**{f"{self.column}__gt": edge})


def search(
    queryset: QuerySet[Any],
    term: str,
    *,
    finder: Finder,
    everything: QuerySet[Any],
    exact: Sequence[str],
    begins: Sequence[str],
) -> QuerySet[Any]:
    """Return the rows that a term means: those that one of the ``exact`` columns holds, in their order; else the newest
    in which one of ``begins`` starts with it."""
    term = term.strip()
    if not term:
        return queryset
    for column in exact:
        keys = finder.few(column, term)
        if keys is None:
            return finder.newest(queryset, everything).filter(**{column: term})
        if keys and everything.filter(pk__in=keys).exists():
            return queryset.filter(pk__in=keys)
    beginning = Q()
    for column in begins:
        beginning |= Q(**{f"{column}__startswith": term})
    return finder.newest(queryset, everything).filter(beginning)
