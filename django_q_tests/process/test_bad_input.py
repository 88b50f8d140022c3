"""What cannot be run says so, and the cluster goes on."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from django_q.kernel.states import TaskState
from django_q.models import OrmQ
from django_q_tests.support.clusters import Drill
from django_q_tests.support.own_database import ROOT


def raw(id: str) -> bytes:
    """Return the arguments of a queued task as they are stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM django_q_queue WHERE id = %s", [id])
        return bytes(cursor.fetchone()[0])


def store(id: str, blob: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_q_queue SET args = %s WHERE id = %s", [blob, id])


def fails_clearly(drill: Drill, task: str) -> str:
    """Start a cluster, see that this task fails and that others do not, and return its error."""
    others = drill.touches(20)
    drill.start()
    ended = drill.until_ended(task)
    drill.until_ended(*others)
    assert (ended.success, ended.reason, ended.attempt_count) == (False, "error", 1)
    assert len(drill.lines()) == 20
    return ended.error


def test_a_payload_signed_with_another_key(drill: Drill, settings):
    own_key = settings.SECRET_KEY
    settings.SECRET_KEY = "somebody else's"
    task = drill.enqueue("touch", drill.file("never"))
    settings.SECRET_KEY = own_key

    error = fails_clearly(drill, task)

    assert error.startswith("PayloadError: ")
    assert "sign" in error
    assert drill.lines("never") == []


@pytest.mark.parametrize("length", [0, 1, 20, -1], ids=["empty", "one byte", "head", "all but the last byte"])
def test_a_truncated_payload(drill: Drill, length):
    task = drill.enqueue("touch", drill.file("never"))
    store(task, raw(task)[:length])

    error = fails_clearly(drill, task)

    assert error.startswith("PayloadError: ")
    assert drill.lines("never") == []


def test_a_signed_payload_moved_to_another_row(drill: Drill):
    task, other = drill.enqueue("touch", drill.file("never")), drill.enqueue("touch", drill.file("other"))
    store(task, raw(other))

    error = fails_clearly(drill, task)

    assert error.startswith("PayloadError: ")
    assert drill.lines("never") == []
    assert len(drill.lines("other")) == 1


def test_a_function_that_does_not_exist_is_given_back_and_fails_in_the_end(drill: Drill):
    cluster = drill.start(unknown_task_grace=1)
    (task,) = drill.enqueue_many([()], func="jobs.tuch")

    drill.until(lambda: drill.row(task).state == TaskState.DEFERRED)

    drill.until(lambda: cluster.says("WARNING"))
    assert "touch" in cluster.output
    ended = drill.until_ended(task, within=15)
    assert (ended.success, ended.reason) == (False, "error")
    assert "django_q_tests.support.jobs.tuch" in ended.error
    drill.until_ended(*drill.touches(20))


def test_a_queue_that_no_cluster_serves_waits_and_harms_nobody(drill: Drill):
    drill.start()

    waiting = drill.enqueue("ok", cluster="nobody")
    drill.until_ended(*drill.touches(20))

    drill.left = {waiting}
    row = OrmQ.objects.get(pk=waiting)
    assert (row.state, row.queue, row.claimed_by) == (TaskState.READY, "nobody", None)


def test_a_worker_that_cannot_start_halts_the_cluster(drill: Drill):
    env = {"DJANGO_SETTINGS_MODULE": "django_q_tests.support.unbootable"}
    cluster = drill.start(complete=False, env=env, start_method="spawn")
    task = drill.enqueue("ok")

    assert cluster.exit_code() == 3
    assert cluster.says("these settings cannot be read here")
    assert cluster.says("CRITICAL")
    drill.left, drill.stays_in_service = {task}, False


def test_a_broker_that_cannot_be_made_halts_the_cluster(drill: Drill):
    cluster = drill.start(complete=False, broker_class="django_q_tests.support.nowhere.Broker")

    assert cluster.exit_code() == 3
    assert cluster.says("django_q_tests.support.nowhere")


def test_without_migrations_the_command_says_so_and_exits_with_two(drill: Drill):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'django_q'")

    done = qcluster(drill)

    assert done.returncode == 2
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_nobody_knows_is_named_with_its_nearest(drill: Drill):
    done = qcluster(drill, wrokers=2)

    assert done.returncode in (1, 2)
    assert "Did you mean 'workers'?" in done.stderr


def qcluster(drill: Drill, **cluster: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **drill.database.env_with(**cluster)}
    command = [sys.executable, "-m", "django", "qcluster"]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
