"""*Enqueue under ATOMIC_REQUESTS*, done literally: views that enqueue user tasks, with and without a transaction."""

import threading

import pytest
from django.db import connection, connections, transaction
from django.http import JsonResponse
from django.urls import path

from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.models import OrmQ
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed
from django_q_tests.contrib.user_tasks.followed import bare

pytestmark = pytest.mark.django_db(transaction=True)


def export(request, pk, *, fails=False):
    """The view of the page, which tells besides what others see of it before it has ended."""
    task = bare.delay(pk)
    seen = seen_by_others()
    if fails:
        raise LookupError("after the task")
    return JsonResponse({"task": task.id, "atomic": connection.in_atomic_block, "seen": seen}, status=202)


@transaction.non_atomic_requests
def export_at_once(request, pk, *, fails=False):
    return export(request, pk, fails=fails)


urlpatterns = [
    path("atomic/<int:pk>/", export),
    path("atomic/<int:pk>/fails/", export, {"fails": True}),
    path("at-once/<int:pk>/", export_at_once),
    path("at-once/<int:pk>/fails/", export_at_once, {"fails": True}),
]


def rows():
    return OrmQ.objects.count(), UserTaskStatus.objects.count()


def seen_by_others():
    """Return how many rows another connection sees of the queue, and of the user tasks."""
    found = []

    def look():
        try:
            found.extend(rows())
        finally:
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


@pytest.fixture
def post(client, settings, monkeypatch):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    user = followed.make_user()
    client.raise_request_exception = False
    return lambda address: client.post(address.format(user.pk))


def test_what_a_view_enqueues_is_there_when_it_has_answered(post):
    answer = post("/atomic/{}/")

    assert answer.status_code == 202 and answer.json()["atomic"] and answer.json()["seen"] == [0, 0]
    assert UserTaskStatus.objects.get().task_id == OrmQ.objects.get().pk == answer.json()["task"]
    run_all()
    assert UserTaskStatus.objects.get().state == "Succeeded"


def test_what_a_view_enqueues_that_fails_was_never_there(post):
    assert post("/atomic/{}/fails/").status_code == 500

    assert rows() == (0, 0) and run_all() == []


def test_without_a_transaction_it_is_there_at_once(post):
    answer = post("/at-once/{}/")

    assert answer.status_code == 202 and not answer.json()["atomic"] and answer.json()["seen"] == [1, 1]
    run_all()
    assert UserTaskStatus.objects.get().state == "Succeeded"


def test_without_a_transaction_it_outlives_a_view_that_fails(post):
    assert post("/at-once/{}/fails/").status_code == 500

    assert rows() == (1, 1)
    run_all()
    assert UserTaskStatus.objects.get().state == "Succeeded"
