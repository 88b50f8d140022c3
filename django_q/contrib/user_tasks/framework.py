"""What the REST API takes from Django REST Framework, or what to install to have it."""

try:
    from rest_framework import fields, filters, mixins, permissions, relations, serializers, viewsets
    from rest_framework.decorators import action
    from rest_framework.exceptions import MethodNotAllowed
    from rest_framework.generics import get_object_or_404
    from rest_framework.response import Response
    from rest_framework.reverse import reverse
    from rest_framework.routers import SimpleRouter
except ModuleNotFoundError as error:
    if error.name != "rest_framework":
        raise
    raise ImportError(
        "The REST API of user tasks needs Django REST Framework. Run: pip install 'django-q-cluster[rest]'"
    ) from error

__all__ = [
    "MethodNotAllowed",
    "Response",
    "SimpleRouter",
    "action",
    "fields",
    "filters",
    "get_object_or_404",
    "mixins",
    "permissions",
    "relations",
    "reverse",
    "serializers",
    "viewsets",
]
