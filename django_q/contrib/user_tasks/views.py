"""The REST API of user tasks: their users look at them, cancel them and delete them."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db.models import Prefetch, QuerySet
from django.http import Http404

from django_q import conf
from django_q.contrib.user_tasks import options
from django_q.contrib.user_tasks.framework import MethodNotAllowed, Response, action, mixins, permissions, viewsets
from django_q.contrib.user_tasks.links import KEY
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.parameters import ArtifactParameters, StableOrdering, StatusParameters
from django_q.contrib.user_tasks.permissions import may, may_ask, may_list
from django_q.contrib.user_tasks.serializers import ArtifactSerializer, StatusSerializer

if apps.is_installed("drf_spectacular"):
    from django_q.contrib.user_tasks import schema as schema

__all__ = ["ArtifactViewSet", "DjangoObjectPermissionsIncludingView", "StatusViewSet"]


class DjangoObjectPermissionsIncludingView(permissions.BasePermission):
    """Owners may look at what is theirs, cancel it and delete it; others need a permission or a rule.

    Who may not see a row is told that there is none.
    """

    # Asked before it is known whether the address has the verb: 403 comes before 405.
    actions = {
        "GET": "view",
        "HEAD": "view",
        "OPTIONS": "view",
        "POST": "cancel",
        "PUT": "change",
        "PATCH": "change",
        "DELETE": "delete",
    }

    def has_permission(self, request: Any, view: Any) -> bool:
        """May the user ask for this at all? Raises ``MethodNotAllowed`` for a verb without a meaning."""
        model = view.queryset.model
        if getattr(view, "action", "") == "list":
            return may_list(request.user, model)
        return may_ask(request.user, self._action(request), model)

    def has_object_permission(self, request: Any, view: Any, row: Any) -> bool:
        """May the user do it with this row? Raises ``Http404`` if he may not even see it."""
        if may(request.user, self._action(request), row):
            return True
        if not may(request.user, "view", row):
            raise Http404
        return False

    def _action(self, request: Any) -> str:
        if request.method not in self.actions:
            raise MethodNotAllowed(request.method)
        return self.actions[request.method]


class FiltersOfSettings:
    """The filters of a view: those that a setting names at the moment, then those of the view itself."""

    def __init__(self, setting: str, *own: type) -> None:
        self._setting = setting
        self._own = own

    def __get__(self, view: Any, owner: type | None = None) -> Any:
        """Return the filters, or this when the class is asked."""
        return self if view is None else [*options.filters(self._setting), *self._own]


class RowViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet):
    """Rows where the queue is, found by their UUID."""

    lookup_field = KEY
    permission_classes = (DjangoObjectPermissionsIncludingView,)
    queryset: QuerySet[Any]
    related: Callable[[], Prefetch]

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows, newest first, with what their bodies name."""
        rows = super().get_queryset().using(conf.current().orm).order_by("-created", "-pk")
        return rows.prefetch_related(self.related())


def _artifacts() -> Prefetch:
    rows = UserTaskArtifact._base_manager.using(conf.current().orm)
    return Prefetch("artifacts", rows.only("uuid", "status").order_by("created", "pk"))


def _status() -> Prefetch:
    # Not joined: MariaDB would begin with the other table, and sort all of this one.
    return Prefetch("status", UserTaskStatus._base_manager.using(conf.current().orm).only("uuid", "user"))


class StatusViewSet(mixins.DestroyModelMixin, RowViewSet):
    """User tasks. A user sees, cancels and deletes his own."""

    # Not read here: the settings say when it is used where the rows are.
    queryset = UserTaskStatus._base_manager.all()
    serializer_class = StatusSerializer
    filter_backends = FiltersOfSettings("USER_TASKS_STATUS_FILTERS", StatusParameters, StableOrdering)
    ordering_fields = ("created", "modified", "name", "state")
    related = staticmethod(_artifacts)

    def perform_destroy(self, instance: UserTaskStatus) -> None:
        """Delete it with all below it and what they made; a task that runs goes on."""
        UserTaskStatus.objects.all().delete_tree(instance)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Cancel a user task and all below it; what has ended stays as it is."""
        row = self.get_object()
        row.cancel()
        return Response(self.get_serializer(row).data)


class ArtifactViewSet(RowViewSet):
    """What user tasks made. A user sees what his made."""

    queryset = UserTaskArtifact._base_manager.all()
    serializer_class = ArtifactSerializer
    filter_backends = FiltersOfSettings("USER_TASKS_ARTIFACT_FILTERS", ArtifactParameters, StableOrdering)
    ordering_fields = ("created",)
    related = staticmethod(_status)
