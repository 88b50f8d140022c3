"""A site that serves the REST API of user tasks, to clients that know it by HTTP alone."""

import contextlib
from collections.abc import Iterator

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.test.testcases import LiveServerThread
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from django_q.contrib.user_tasks import schema as schema
from django_q.contrib.user_tasks.urls import urlpatterns as api

urlpatterns = [
    path("", include(api)),
    path("schema/", SpectacularJSONAPIView.as_view(permission_classes=[], schema=None)),
    # Whose page to log in has links to it.
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(template_name="admin/login.html")),
]


def handler404(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer as the API does where no address fits, as with a dot in what should be a UUID."""
    return JsonResponse({"detail": "Not found."}, status=404)


SETTINGS = {
    "ROOT_URLCONF": __name__,
    "REST_FRAMEWORK": {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"},
}


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve it from threads of this process, and return its address."""
    server = LiveServerThread("localhost", StaticFilesHandler)
    server.daemon = True
    with override_settings(**SETTINGS):
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        try:
            yield f"http://{server.host}:{server.port}"
        finally:
            server.terminate()
