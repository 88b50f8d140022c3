"""The links of the REST API lead to its rows, wherever a project puts its addresses."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import include, path, re_path
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework.test import APIClient
from rest_framework.versioning import AcceptHeaderVersioning, NamespaceVersioning, URLPathVersioning

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.serializers import ArtifactSerializer, StatusSerializer
from django_q.contrib.user_tasks.urls import urlpatterns as api
from django_q.contrib.user_tasks.views import ArtifactViewSet, StatusViewSet

pytestmark = [pytest.mark.once, pytest.mark.django_db]

urlpatterns = []


@pytest.fixture
def row():
    ann = get_user_model().objects.create_user("ann")
    row = UserTaskStatus.objects.create(user=ann, task_id="1", name="n", total_steps=1)
    UserTaskArtifact.objects.create(status=row, text="done")
    return row


@pytest.fixture
def client(row):
    client = APIClient()
    client.force_login(row.user)
    return client


def routed(router=SimpleRouter, status="user_tasks", artifact="user_task_artifacts", **options):
    """What the text says that one may write instead of including our addresses."""
    made = router(**options)
    made.register(artifact, ArtifactViewSet, basename="usertaskartifact")
    made.register(status, StatusViewSet, basename="usertaskstatus")
    return made.urls


def without_basenames():
    router = SimpleRouter()
    router.register("a", ArtifactViewSet)
    router.register("s", StatusViewSet)
    return router.urls


PLACES = {
    "at the root": (api, "/tasks/"),
    "under a prefix": ([path("api/v1/", include(api))], "/api/v1/tasks/"),
    "by the path of its module": ([path("x/", include("django_q.contrib.user_tasks.urls"))], "/x/tasks/"),
    "in a namespace": ([path("api/", include((api, "app")))], "/api/tasks/"),
    "in a namespace in another": (
        [path("api/", include(([path("one/", include((api, "one")))], "api"), namespace="outer"))],
        "/api/one/tasks/",
    ),
    "under an argument": ([path("<slug:team>/", include(api))], "/red/tasks/"),
    "in a namespace under an argument": ([path("<int:team>/", include((api, "app")))], "/7/tasks/"),
    "by the router of the text": (routed(), "/user_tasks/"),
    "without slashes": (routed(trailing_slash=False), "/user_tasks"),
    "by converters": (routed(use_regex_path=False), "/user_tasks/"),
    "by a router with formats": (routed(DefaultRouter), "/user_tasks/"),
    "in a format": (routed(DefaultRouter), "/user_tasks.json"),
    "without names": (without_basenames(), "/s/"),
}


def follow(client, monkeypatch, patterns, path):
    """Go from the list to the task, to its artifact, and back."""
    monkeypatch.setattr(f"{__name__}.urlpatterns", patterns)
    [listed] = client.get(path).json()
    task = client.get(listed["url"]).json()
    artifact = client.get(*task["artifacts"]).json()
    assert client.get(artifact["status"]).json() == task == listed
    assert client.get(artifact["api_url"]).json() == artifact
    return task["url"]


@pytest.fixture(autouse=True)
def _addresses(settings):
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize("place", PLACES)
def test_links_lead_from_a_task_to_its_artifact_and_back(row, client, monkeypatch, place):
    patterns, path = PLACES[place]

    url = follow(client, monkeypatch, patterns, path)

    start = path.removesuffix(".json").rstrip("/")
    assert url.startswith(f"http://testserver{start}/{row.uuid}")


@pytest.mark.parametrize(
    ("versioning", "patterns", "path"),
    [
        (NamespaceVersioning, [path("v1/", include((api, "v1"))), path("v2/", include((api, "v2")))], "/v2/tasks/"),
        (URLPathVersioning, [re_path(r"^(?P<version>v\d)/", include(api))], "/v2/tasks/"),
        (AcceptHeaderVersioning, api, "/tasks/"),
    ],
)
def test_links_keep_the_version(row, client, monkeypatch, versioning, patterns, path):
    for view in (StatusViewSet, ArtifactViewSet):
        monkeypatch.setattr(view, "versioning_class", versioning)

    assert follow(client, monkeypatch, patterns, path) == f"http://testserver{path}{row.uuid}/"


def test_without_a_request_links_are_paths(row, monkeypatch):
    monkeypatch.setattr(f"{__name__}.urlpatterns", [path("api/", include(api))])

    body = StatusSerializer(row, context={"request": None}).data
    artifact = ArtifactSerializer(row.artifacts.get(), context={"request": None}).data

    assert body["url"] == artifact["status"] == f"/api/tasks/{row.uuid}/"
    assert body["artifacts"] == [artifact["api_url"]] and artifact["file"] == ""


def test_a_page_of_somebody_else_links_to_the_api(row, client, monkeypatch):
    class Elsewhere(StatusViewSet):
        """A view of the project, in a namespace of its own."""

    elsewhere = Elsewhere.as_view({"get": "list"})
    patterns = [path("api/", include(api)), path("c/<int:course>/", include(([path("tasks/", elsewhere)], "courses")))]
    monkeypatch.setattr(f"{__name__}.urlpatterns", patterns)

    [body] = client.get("/c/3/tasks/").json()

    assert body["url"] == f"http://testserver/api/tasks/{row.uuid}/"
