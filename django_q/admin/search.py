"""The search of the lists: by index first, then among the newest rows only."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

#: Rows among which beginnings of names are looked for: no index serves that on every database.
WINDOW = 100_000
#: Rows that are named by their keys.
FEW = 1_000

HELP = _("The whole of an id, name or group, else the beginning of a name, function or group among the newest 100,000.")


def search(
    queryset: QuerySet[Any],
    term: str,
    *,
    everything: QuerySet[Any],
    exact: Sequence[str],
    begins: Sequence[str],
    newest_by: str,
) -> QuerySet[Any]:
    """Return the rows that a term means: those that one of the ``exact`` columns holds, in their order; else the newest
    in which one of ``begins`` starts with it."""
    term = term.strip()
    if not term:
        return queryset
    for column in exact:
        found = _whole(queryset, everything, Q(**{column: term}))
        if found is not None:
            return found
    beginning = Q()
    for column in begins:
        beginning |= Q(**{f"{column}__startswith": term})
    return _newest(queryset, everything, newest_by).filter(beginning)


def _whole(queryset: QuerySet[Any], everything: QuerySet[Any], condition: Q) -> QuerySet[Any] | None:
    """Return the rows that a condition on an indexed column holds for, None if there is none.

    Few are named by their keys: together with other conditions a database without statistics takes a wrong index. Many
    are met soon on the way through the newest.
    """
    indexed = everything.model._base_manager.using(everything.db).filter(condition)
    keys = list(indexed.order_by().values_list("pk", flat=True)[: FEW + 1])
    found = Q(pk__in=keys) if len(keys) <= FEW else condition
    return queryset.filter(found) if keys and everything.filter(found).exists() else None


def _newest(queryset: QuerySet[Any], everything: QuerySet[Any], column: str) -> QuerySet[Any]:
    edge = list(everything.order_by(f"-{column}").values_list(column, flat=True)[WINDOW : WINDOW + 1])
    return queryset.filter(**{f"{column}__gt": edge[0]}) if edge else queryset
