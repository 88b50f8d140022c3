"""What lists of the REST API can be asked for."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.test import APIClient

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.views import StatusViewSet
from django_q_tests.contrib.user_tasks import followed

pytestmark = [pytest.mark.django_db, pytest.mark.urls("django_q.contrib.user_tasks.urls")]


@pytest.fixture
def ann():
    return followed.make_user()


@pytest.fixture
def client(ann):
    client = APIClient()
    client.force_login(ann)
    return client


def make(user, name, age=0, **columns):
    columns = {"total_steps": 1, "created": timezone.now() - timedelta(hours=age)} | columns
    return UserTaskStatus.objects.create(user=user, task_id=str(uuid4()), name=name, **columns)


class Pages(LimitOffsetPagination):
    """Pages as projects have them."""

    default_limit = 20


def plan(statement):
    """Return what the database says it would do."""
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mysql": "EXPLAIN FORMAT=JSON "}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE")
        cursor.execute(explain[connection.vendor] + statement)
        return str(cursor.fetchall())


def names(client, path="/tasks/", **asked):
    response = client.get(path, asked)
    assert response.status_code == 200, response.content
    return "".join(body["name"] for body in response.json())


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "abcd"),
        ({"state": "Pending"}, "ad"),
        ({"state": ["Pending", "Exporting x"]}, "abd"),
        ({"state": "Nothing like it"}, ""),
        ({"state": ""}, "abcd"),
        ({"is_container": "true"}, "c"),
        ({"is_container": "false", "state": "Pending"}, "ad"),
        ({"is_container": ""}, "abcd"),
        ({"ordering": "created"}, "dcba"),
        ({"ordering": "-name"}, "dcba"),
        ({"ordering": "state"}, "bcad"),
        ({"ordering": "-state,name"}, "adcb"),
        ({"ordering": "user__password"}, "abcd"),
        ({"ordering": "nonsense,-created"}, "abcd"),
        ({"unknown": "x"}, "abcd"),
    ],
)
def test_a_list_of_tasks_is_selected_and_ordered(ann, client, asked, found):
    make(ann, "a", age=1)
    make(ann, "b", age=2, state="Exporting x")
    make(ann, "c", age=3, state="In Progress", is_container=True)
    make(ann, "d", age=4)

    assert names(client, **asked) == found


def test_what_belongs_to_a_container_is_found_by_it(ann, client):
    chain = make(ann, "c", is_container=True)
    make(ann, "x", age=2, parent=chain)
    make(ann, "y", age=1, parent=chain)

    assert names(client, parent=chain.uuid) == "yx"
    assert names(client, parent=uuid4()) == ""


def test_artifacts_are_found_by_their_task_and_have_an_order(ann, client):
    rows = [make(ann, "a"), make(ann, "b")]
    for number in range(4):
        created = timezone.now() - timedelta(hours=number % 3)
        UserTaskArtifact.objects.create(status=rows[number % 2], name=str(number), created=created)

    assert names(client, "/artifacts/") == "3012"
    assert names(client, "/artifacts/", ordering="created") == "2103"
    assert names(client, "/artifacts/", ordering="text") == "3012"
    assert names(client, "/artifacts/", status=rows[1].uuid) == "31"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/tasks/", {"state": "a\0b"}),
        ("/tasks/", {"is_container": "perhaps"}),
        ("/tasks/", {"parent": "nonsense"}),
        ("/artifacts/", {"status": "nonsense"}),
    ],
)
def test_what_cannot_be_asked_for_is_named(client, path, asked):
    response = client.get(path, asked)

    assert response.status_code == 400 and set(response.json()) == set(asked)


def test_parameters_are_for_lists(ann, client):
    row = make(ann, "a")

    assert client.get(f"/tasks/{row.uuid}/", {"state": "Failed", "parent": "nonsense"}).status_code == 200


@pytest.mark.parametrize("asked", [{}, {"ordering": "created"}, {"is_container": "false"}])
def test_a_page_is_read_by_the_index_of_its_user(ann, client, monkeypatch, asked):
    """So many rows that no database would rather read them all."""
    bob = followed.make_user("bob")
    UserTaskStatus.objects.bulk_create(
        UserTaskStatus(user=bob if number % 4 else ann, task_id=str(number), name="n", total_steps=1)
        for number in range(4000)
    )
    monkeypatch.setattr(StatusViewSet, "pagination_class", Pages)
    with CaptureQueriesContext(connection) as captured:
        client.get("/tasks/", asked)
    [page] = [query["sql"] for query in captured if "LIMIT 20" in query["sql"]]

    assert "django_q_ut_user" in plan(page)
