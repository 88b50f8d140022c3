"""The addresses of the REST API: ``tasks/`` and ``artifacts/``."""

from django_q.contrib.user_tasks.framework import SimpleRouter
from django_q.contrib.user_tasks.links import ARTIFACT, STATUS
from django_q.contrib.user_tasks.views import ArtifactViewSet, StatusViewSet

_router = SimpleRouter()
_router.register("artifacts", ArtifactViewSet, basename=ARTIFACT)
_router.register("tasks", StatusViewSet, basename=STATUS)

urlpatterns = _router.urls
