"""What OpenAPI is told of the REST API besides what drf-spectacular sees; loaded where that is an application."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from django_q.contrib.user_tasks.links import KEY

_DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
_COMPLAINTS = {"type": "object", "additionalProperties": {}}
_UNUSABLE = {400: OpenApiResponse(_COMPLAINTS, "A parameter cannot be used; each is named with what is wrong.")}
_REFUSED = {403: OpenApiResponse(_DETAIL, "The user is not logged in, or may not do this.")}
_UNKNOWN = {404: OpenApiResponse(_DETAIL, "There is no such row, or the user may not see it.")}
_KEY = OpenApiParameter(KEY, OpenApiTypes.UUID, OpenApiParameter.PATH)


class _Described(OpenApiViewExtension):
    """Says of a view what it answers when it does not do what it is asked."""

    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view, described."""
        view: Any = type(self.target.__name__, (self.target,), {"__doc__": self.target.__doc__})
        return extend_schema_view(**self.operations(view.serializer_class))(view)

    def operations(self, body: Any) -> dict[str, Any]:
        """Return what is said of each action."""
        return {
            "list": extend_schema(responses={200: body(many=True)} | _UNUSABLE | _REFUSED),
            "retrieve": _of_one(200, body),
        }


class DescribedStatus(_Described):
    """Describes the addresses of user tasks."""

    target_class = "django_q.contrib.user_tasks.views.StatusViewSet"

    def operations(self, body: Any) -> dict[str, Any]:
        """Return what is said of each action."""
        own = {"destroy": _of_one(204, None), "cancel": _of_one(200, body, request=None)}
        return super().operations(body) | own


class DescribedArtifacts(_Described):
    """Describes the addresses of artifacts."""

    target_class = "django_q.contrib.user_tasks.views.ArtifactViewSet"


def _of_one(code: int, body: Any, **more: Any) -> Any:
    return extend_schema(parameters=[_KEY], responses={code: body} | _REFUSED | _UNKNOWN, **more)
