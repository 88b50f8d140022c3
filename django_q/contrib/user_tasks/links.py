"""Links between the rows of the REST API, wherever its addresses are included."""

from collections.abc import Iterator
from typing import Any

from django.urls import NoReverseMatch

from django_q.contrib.user_tasks.framework import relations, reverse

#: What the addresses are called; ``-detail`` is added for one row.
STATUS, ARTIFACT = "usertaskstatus", "usertaskartifact"
#: The argument of an address that says which row it is.
KEY = "uuid"


class Link(relations.HyperlinkedRelatedField):
    """The address of a related row, or of several with ``many=True``."""

    def __init__(self, basename: str, **options: Any) -> None:
        options = {"view_name": f"{basename}-detail", "lookup_field": KEY, "read_only": True} | options
        super().__init__(**options)
        self.reverse = reverse_beside


class OwnLink(relations.HyperlinkedIdentityField):
    """The address of the row itself."""

    def __init__(self, basename: str, **options: Any) -> None:
        super().__init__(view_name=f"{basename}-detail", lookup_field=KEY, **options)
        self.reverse = reverse_beside


def reverse_beside(name: str, *, kwargs: dict[str, Any], request: Any = None, format: str | None = None) -> str:
    """Return an address in the place of the request: in its namespace, and with the arguments of its prefix.

    If there is none, it is looked for where there is no namespace. Raises ``NoReverseMatch``.
    """
    for namespace, arguments in _places(request):
        try:
            return str(reverse(namespace + name, kwargs=arguments | kwargs, request=request, format=format))
        except NoReverseMatch:  # the request may have come to a page of somebody else
            continue
    return str(reverse(name, kwargs=kwargs, request=request, format=format))


def _places(request: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    here = getattr(request, "resolver_match", None)
    if here is None:
        return
    namespace = f"{here.namespace}:" if here.namespace else ""
    arguments = {name: value for name, value in here.kwargs.items() if name not in (KEY, "format")}
    if arguments:
        yield namespace, arguments
    if namespace:
        yield namespace, {}
