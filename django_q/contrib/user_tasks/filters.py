"""Which rows the REST API shows to whom, unless the settings name other filters."""

from typing import Any

from django.db.models import QuerySet

from django_q.contrib.user_tasks.framework import filters, get_object_or_404
from django_q.contrib.user_tasks.links import KEY
from django_q.contrib.user_tasks.permissions import may, visible_to


class VisibleFilterBackend(filters.BaseFilterBackend):
    """What a user may see."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Return the rows of the user, or all if he may see all; of one that is asked for, whether he may see it."""
        if KEY not in view.kwargs:
            return visible_to(request.user, queryset)
        # Not by the list: a rule for objects may show a row that no list finds, or hide one.
        row = get_object_or_404(queryset.prefetch_related(None), **{KEY: view.kwargs[KEY]})
        return queryset.filter(pk=row.pk) if may(request.user, "view", row) else queryset.none()


class StatusFilterBackend(VisibleFilterBackend):
    """The user tasks that a user may see."""


class ArtifactFilterBackend(VisibleFilterBackend):
    """What those user tasks made."""
