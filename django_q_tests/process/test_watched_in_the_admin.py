"""What the admin shows of a real cluster, and the end that it can bring."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_q.models import Incarnation
from django_q.tasks import async_task, cancel
from django_q.tasks.clusters import view_of
from django_q_tests.support.clusters import ALERT, Drill

pytestmark = pytest.mark.databases


def boss() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def view():
    return view_of(Incarnation.objects.get(dead_at=None))


def test_a_cluster_that_is_stopped_in_the_admin_finishes_what_runs_and_ends(drill: Drill):
    client, cluster = boss(), drill.start(workers=1, grace=60)
    running, waiting = drill.hold(), drill.enqueue("touch", drill.file(), "later")
    drill.left = {waiting}
    drill.stays_in_service = False
    id = Incarnation.objects.get().pk

    client.post(
        reverse("admin:django_q_incarnation_changelist"),
        {"action": "stop_selected", "_selected_action": [id], "post": "yes"},
    )
    drill.until(lambda: cluster.says("asked to end"))
    drill.open_gate()

    assert cluster.exit_code() == 0
    assert drill.until_ended(running).success
    assert LogEntry.objects.get().object_id == id


def test_a_cluster_tells_the_memory_of_each_of_its_processes(drill: Drill):
    cluster = drill.start(**ALERT)

    found = drill.until(lambda: view() if view().state == "idle" and view().memory else None)

    pids = {cluster.pid, *(worker.pid for worker in found.workers), *sum(found.processes.values(), [])}
    told = json.loads(Incarnation.objects.get().stats)["memory"]
    assert set(told) == {str(pid) for pid in pids}
    assert found.memory > sum(worker.memory for worker in found.workers) > 0


def test_a_cluster_tells_what_its_host_has_left_and_how_busy_its_processes_are(drill: Drill):
    drill.start(workers=1, **ALERT)
    drill.until(lambda: view().cpu is not None)

    task = async_task("builtins.sum", range(10**11))
    drill.ids.append(task)
    drill.until(lambda: view().cpu > 20)
    found = view()

    assert set(found.memory_of) == {"sentinel", "worker", "pusher", "monitor", "keeper"}
    assert found.host_total > found.host_available > 0
    assert (found.backlog, found.unrecorded) == (0, 0)
    cancel(task)


def test_a_cluster_counts_the_processes_that_it_replaced(drill: Drill):
    cluster = drill.start(**ALERT)

    for role in ("worker", "monitor", "pusher", "keeper"):
        cluster.kill(role)
        drill.until(lambda role=role: view().replaced.get(role) == 1)

    assert view().reincarnations == 4


def test_a_worker_that_was_recycled_is_told_from_one_that_died(drill: Drill):
    cluster = drill.start(workers=1, recycle=2, **ALERT)

    drill.touches(6)

    drill.until(lambda: view().recycled == 3)
    assert view().replaced == {}
    cluster.kill("worker")
    drill.until(lambda: view().replaced == {"worker": 1})


def test_a_worker_names_the_task_that_it_runs(drill: Drill):
    drill.start(workers=1, **ALERT)

    task = drill.hold()

    drill.until(lambda: [worker.tasks for worker in view().workers] == [(task,)])
    drill.open_gate()
