"""The REST API: what each verb answers to whom, and what the bodies say."""

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.utils import translation
from rest_framework.pagination import CursorPagination, LimitOffsetPagination, PageNumberPagination
from rest_framework.test import APIClient

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.views import ArtifactViewSet, StatusViewSet
from django_q.models import OrmQ
from django_q_tests.contrib.user_tasks import followed

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls("django_q.contrib.user_tasks.urls")]

# What each verb answers. "viewer" is of the staff and may view and cancel all user tasks, but not delete them.
MATRIX = """
                                    owner  other  anonymous  superuser  viewer
    GET     /tasks/                 200    200    403        200        200
    HEAD    /tasks/                 200    200    403        200        200
    OPTIONS /tasks/                 200    200    403        200        200
    POST    /tasks/                 405    405    403        405        405
    PUT     /tasks/                 403    403    403        405        403
    PATCH   /tasks/                 403    403    403        405        403
    DELETE  /tasks/                 405    405    403        405        405
    GET     /tasks/{task}/          200    404    403        200        200
    HEAD    /tasks/{task}/          200    404    403        200        200
    OPTIONS /tasks/{task}/          200    200    403        200        200
    POST    /tasks/{task}/          405    405    403        405        405
    PUT     /tasks/{task}/          403    403    403        405        403
    PATCH   /tasks/{task}/          403    403    403        405        403
    DELETE  /tasks/{task}/          204    404    403        204        403
    GET     /tasks/{task}/cancel/   405    405    403        405        405
    POST    /tasks/{task}/cancel/   200    404    403        200        200
    PUT     /tasks/{task}/cancel/   403    403    403        405        403
    PATCH   /tasks/{task}/cancel/   403    403    403        405        403
    DELETE  /tasks/{task}/cancel/   405    405    403        405        405
    GET     /artifacts/             200    200    403        200        200
    POST    /artifacts/             403    403    403        405        403
    PUT     /artifacts/             403    403    403        405        403
    PATCH   /artifacts/             403    403    403        405        403
    DELETE  /artifacts/             403    403    403        405        403
    GET     /artifacts/{artifact}/  200    404    403        200        404
    POST    /artifacts/{artifact}/  403    403    403        405        403
    PUT     /artifacts/{artifact}/  403    403    403        405        403
    PATCH   /artifacts/{artifact}/  403    403    403        405        403
    DELETE  /artifacts/{artifact}/  403    403    403        405        403
    GET     /tasks/{unknown}/       404    404    403        404        404
    DELETE  /tasks/{unknown}/       404    404    403        404        404
    POST    /tasks/{unknown}/cancel/ 404   404    403        404        404
    GET     /tasks/nonsense/        404    404    403        404        404
    DELETE  /tasks/nonsense/        404    404    403        404        404
    POST    /tasks/nonsense/cancel/ 404    404    403        404        404
    GET     /artifacts/{unknown}/   404    404    403        404        404
    GET     /artifacts/nonsense/    404    404    403        404        404
"""
ROLES = MATRIX.split("\n")[1].split()
LINES = [line.split() for line in MATRIX.strip().split("\n")[1:]]


@pytest.fixture
def ann():
    return followed.make_user()


def client_of(user=None):
    client = APIClient()
    if user is not None:
        client.force_login(user)
    return client


def user_of(role, owner):
    if role == "owner":
        return owner
    if role == "anonymous":
        return None
    made = get_user_model().objects.create_user(
        role, is_superuser=role == "superuser", is_staff=role in ("superuser", "viewer")
    )
    if role == "viewer":
        codenames = ("view_usertaskstatus", "cancel_usertaskstatus")
        made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return made


def make(user, **columns):
    return UserTaskStatus.objects.create(
        **{"user": user, "task_id": str(uuid4()), "name": "Export", "total_steps": 3} | columns
    )


@pytest.mark.parametrize("role", ROLES)
def test_each_verb_answers_each_role_with_its_code(ann, role):
    client = client_of(user_of(role, ann))
    answered = {}
    for verb, address, *_ in LINES:
        row = make(ann)
        artifact = UserTaskArtifact.objects.create(status=row, text="done")
        path = address.format(task=row.uuid, artifact=artifact.uuid, unknown=uuid4())
        answered[f"{verb} {address}"] = client.generic(verb, path).status_code

    assert answered == {f"{verb} {path}": int(codes[ROLES.index(role)]) for verb, path, *codes in LINES}


def test_a_list_shows_users_their_own_and_those_who_may_see_all_everything(ann):
    row, foreign = make(ann), make(followed.make_user("bob"))
    for each in (row, foreign):
        UserTaskArtifact.objects.create(status=each, text=each.user.username)

    def shown(user, path):
        return [each.get("text") or each["uuid"] for each in client_of(user).get(path).json()]

    superuser = user_of("superuser", ann)
    assert shown(ann, "/tasks/") == [str(row.uuid)] and shown(ann, "/artifacts/") == ["ann"]
    assert shown(superuser, "/tasks/") == [str(foreign.uuid), str(row.uuid)]
    assert shown(superuser, "/artifacts/") == ["bob", "ann"]


def test_the_body_of_a_task_says_how_it_stands_and_what_it_made(ann):
    row = make(ann, state="Retrying", completed_steps=2, attempts=2)
    artifact = UserTaskArtifact.objects.create(status=row, text="done")

    body = client_of(ann).get(f"/tasks/{row.uuid}/").json()

    assert body.pop("created") and body.pop("modified")
    assert body == {
        "name": "Export",
        "state": "Retrying",
        "state_text": "Retrying",
        "completed_steps": 2,
        "total_steps": 3,
        "attempts": 2,
        "artifacts": [f"http://testserver/artifacts/{artifact.uuid}/"],
        "uuid": str(row.uuid),
        "url": f"http://testserver/tasks/{row.uuid}/",
    }


def test_the_body_of_an_artifact_says_what_it_is_and_where_its_task_is(ann, settings, tmp_path):
    settings.MEDIA_ROOT, settings.MEDIA_URL = str(tmp_path), "/media/"
    row = make(ann)
    artifact = UserTaskArtifact.objects.create(status=row, file=ContentFile(b"1", name="a.txt"), url="http://x.org/a")

    body = client_of(ann).get(f"/artifacts/{artifact.uuid}/").json()

    assert body.pop("created") and body.pop("modified")
    assert body == {
        "name": "Output",
        "status": f"http://testserver/tasks/{row.uuid}/",
        "file": f"http://testserver/media/{artifact.file.name}",
        "text": "",
        "url": "http://x.org/a",
        "uuid": str(artifact.uuid),
        "api_url": f"http://testserver/artifacts/{artifact.uuid}/",
    }


def test_the_text_of_a_state_is_in_the_language_of_the_reader(ann):
    row = make(ann, state="Succeeded")

    with translation.override("de"):
        body = client_of(ann).get(f"/tasks/{row.uuid}/").json()

    assert body["state"] == "Succeeded" and body["state_text"] == "Erfolgreich"


def test_what_waits_is_canceled_and_taken_out_of_the_queue(ann):
    handle = followed.must_not_run.delay(ann.pk)
    row = UserTaskStatus.objects.get(task_id=handle)

    body = client_of(ann).post(f"/tasks/{row.uuid}/cancel/").json()

    assert body["state"] == "Canceled" and body["uuid"] == str(row.uuid)
    assert not OrmQ.objects.exists()


def test_what_has_ended_stays_as_it_is(ann):
    row = make(ann, state="Succeeded")

    response = client_of(ann).post(f"/tasks/{row.uuid}/cancel/")

    assert response.status_code == 200 and response.json()["state"] == "Succeeded"


def test_who_may_view_but_not_cancel_is_refused(ann):
    watcher = get_user_model().objects.create_user("tim", is_staff=True)
    watcher.user_permissions.set(Permission.objects.filter(codename="view_usertaskstatus"))
    row = make(ann)

    assert client_of(watcher).post(f"/tasks/{row.uuid}/cancel/").status_code == 403
    row.refresh_from_db()
    assert row.state == "Pending"


def test_a_container_is_deleted_with_all_below_it_and_what_that_made(ann):
    chain = make(ann, is_container=True, state="In Progress")
    UserTaskArtifact.objects.create(status=make(ann, parent=chain, state="In Progress"), text="done")

    assert client_of(ann).delete(f"/tasks/{chain.uuid}/").status_code == 204

    assert not UserTaskStatus.objects.exists() and not UserTaskArtifact.objects.exists()


@pytest.mark.parametrize("path", ["/tasks/", "/artifacts/"])
def test_a_list_asks_the_database_the_same_however_long_it_is(ann, path, django_assert_num_queries):
    def fill(count):
        for _ in range(count):
            UserTaskArtifact.objects.create(status=make(ann), text="done")

    client = client_of(ann)
    for rows in (1, 8):
        fill(rows)
        with django_assert_num_queries(4):  # session, user, rows, and what their bodies name
            client.get(path)

    assert len(client.get(path).json()) == 9


@pytest.mark.parametrize("pagination", [PageNumberPagination, LimitOffsetPagination, CursorPagination])
@pytest.mark.parametrize(("view", "path"), [(StatusViewSet, "/tasks/"), (ArtifactViewSet, "/artifacts/")])
def test_pages_of_the_project_hold_each_row_once(ann, monkeypatch, pagination, view, path):
    pages = type("Pages", (pagination,), {"page_size": 2, "default_limit": 2})
    monkeypatch.setattr(view, "pagination_class", pages)
    row = make(ann)
    same_moment = [make(ann, created=row.created) for _ in range(4)]
    for each in [row, *same_moment]:
        UserTaskArtifact.objects.create(status=each, created=row.created)

    client, found = client_of(ann), []
    while path:
        body = client.get(path).json()
        found += [each["uuid"] for each in body["results"]]
        path = body["next"]

    assert len(found) == len(set(found)) == 5


def test_somebody_who_is_no_longer_active_is_shown_nothing(ann):
    client = APIClient()
    ann.is_active = False
    client.force_authenticate(ann)

    assert client.get("/tasks/").status_code == 403
    assert client.get(f"/tasks/{make(ann).uuid}/").status_code == 403


def test_without_the_token_of_a_form_a_session_changes_nothing(ann):
    row = make(ann)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ann)

    assert client.get(f"/tasks/{row.uuid}/").status_code == 200
    assert client.post(f"/tasks/{row.uuid}/cancel/").status_code == 403
    assert client.delete(f"/tasks/{row.uuid}/").status_code == 403
    row.refresh_from_db()
    assert row.state == "Pending"
