"""What a list of the REST API can be asked for, behind the question mark of its address."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from django_q.contrib.user_tasks.framework import fields, filters, serializers
from django_q.contrib.user_tasks.links import KEY

_TEXT = {"type": "string", "pattern": r"^[^\x00]*$"}
_UUID = {"type": "string", "format": "uuid"}


class StatusQuery(serializers.Serializer):
    """What lists of user tasks can be asked for."""

    state = fields.ListField(child=fields.CharField(trim_whitespace=False))
    is_container = fields.BooleanField()
    parent = fields.UUIDField()


class ArtifactQuery(serializers.Serializer):
    """What lists of artifacts can be asked for."""

    status = fields.UUIDField()


class ParameterFilterBackend(filters.BaseFilterBackend):
    """Selects rows by the parameters of the address. Those it does not know are passed over, as everywhere in DRF."""

    query: type
    columns: Mapping[str, str]
    #: As OpenAPI describes them: the schema and the meaning of each.
    described: Mapping[str, tuple[dict[str, Any], str]]

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Return what a list was asked for. Raises ``ValidationError``, which becomes 400, for what cannot be."""
        if KEY in view.kwargs:
            return queryset
        query: Any = self.query(data=_given(self.query().fields, request.query_params), partial=True)
        query.is_valid(raise_exception=True)
        return queryset.filter(**{self.columns[name]: value for name, value in query.validated_data.items()})

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters as OpenAPI wants them."""
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                # A list may hold an empty text as it is.
                "allowEmptyValue": schema["type"] != "array",
                "schema": schema,
                "description": meaning,
            }
            for name, (schema, meaning) in self.described.items()
        ]


class StatusParameters(ParameterFilterBackend):
    """Selects user tasks."""

    query = StatusQuery
    columns = {"state": "state__in", "is_container": "is_container", "parent": "parent__uuid"}
    described = {
        "state": ({"type": "array", "items": _TEXT}, "Only these states; may be given several times."),
        "is_container": ({"type": "boolean"}, "Only containers, or only tasks."),
        "parent": (_UUID, "Only what belongs to this container."),
    }


class ArtifactParameters(ParameterFilterBackend):
    """Selects artifacts."""

    query = ArtifactQuery
    columns = {"status": "status__uuid"}
    described = {"status": (_UUID, "Only what this user task made.")}


class StableOrdering(filters.OrderingFilter):
    """Orders by columns that a view names, then the newest first, so that no row is on two pages."""

    def get_ordering(self, request: Any, queryset: QuerySet[Any], view: Any) -> list[str]:
        """Return the columns to order by. Those that do not exist are passed over."""
        chosen = list(super().get_ordering(request, queryset, view) or ())
        for name, own in (("created", "pk"), ("-created", "-pk")):
            if name in chosen:
                return [*chosen[: chosen.index(name) + 1], own]
        return [*chosen, "-created", "-pk"]


def _given(fields_of_query: Mapping[str, Any], parameters: Any) -> dict[str, Any]:
    """Return the values that were sent. A form that was not filled in sends empty ones."""
    found = {name: [value for value in parameters.getlist(name) if value] for name in fields_of_query}
    return {
        name: values if isinstance(fields_of_query[name], fields.ListField) else values[-1]
        for name, values in found.items()
        if values
    }
