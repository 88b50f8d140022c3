"""A real cluster on the database of a test, as users start one in their tests."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from django_q import conf
from django_q.exceptions import ClusterError, InvalidSettings, TransactionError
from django_q.models import Incarnation, OrmQ, Task
from django_q.tasks import async_task, fetch, result
from django_q.testing import assert_enqueued, run_all, run_cluster
from django_q_tests.process.testing import jobs
from django_q_tests.support.clusters import runs
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT

PATH = "django_q_tests.process.testing.jobs"
WAIT = 60_000  # milliseconds that a busy machine may need

pytestmark = pytest.mark.databases
committing_db = pytest.mark.django_db(transaction=True)


def test_a_task_runs_in_another_process_on_the_database_of_the_test(q_cluster):
    seen = result(async_task(jobs.look_around), WAIT)

    assert seen["pid"] not in (os.getpid(), q_cluster.pid, None)
    assert seen["database"] == str(connection.settings_dict["NAME"])


def test_the_cluster_serves_when_the_test_begins(q_cluster):
    assert Incarnation.objects.living().get().pid == q_cluster.pid


@committing_db
def test_the_cluster_is_gone_after_the_block():
    with run_cluster() as cluster:
        assert runs(cluster.pid)

    assert not runs(cluster.pid)
    assert not Incarnation.objects.living().exists()


def test_many_tasks_and_what_they_enqueue_are_waited_for(q_cluster):
    for number in range(50):
        async_task(jobs.add, number, number)
    async_task(jobs.enqueue_another, 5)

    q_cluster.until_idle()

    assert Task.objects.filter(success=True).count() == 56
    assert_enqueued(jobs.enqueue_another, count=6)


@pytest.mark.q_cluster(workers=1, max_attempts=2, backoff=0)
def test_the_marker_replaces_settings(q_cluster):
    task_id = async_task(jobs.fail_once)

    assert fetch(task_id, WAIT).attempt_count == 2
    assert "1 worker" in q_cluster.log


def test_what_is_due_later_does_not_keep_the_cluster_busy(q_cluster):
    async_task(jobs.add, 1, 2, run_after=timedelta(hours=1))

    q_cluster.until_idle()

    assert OrmQ.objects.count() == 1


def test_a_function_that_is_missing_fails_at_once_with_the_nearest_name(q_cluster):
    task = fetch(async_task(f"{PATH}.ad", 1, 2), WAIT)

    assert "Did you mean" in task.error


def test_the_settings_that_the_test_run_changed_reach_the_cluster(q_cluster):
    seen = result(async_task(jobs.look_around), WAIT)

    assert seen["mail"] == "django.core.mail.backends.locmem.EmailBackend"
    assert "testserver" in seen["hosts"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@committing_db
def test_every_start_method_finds_database_and_settings(method, settings):
    settings.SHOP = {"price": 7}
    with run_cluster(start_method=method):
        seen = result(async_task(jobs.look_around), WAIT)

    assert seen["database"] == str(connection.settings_dict["NAME"])
    assert seen["shop"] == {"price": 7}


@committing_db
@override_settings(Q_CLUSTER={"sync": True, "timeout": timedelta(seconds=50)})
def test_tasks_run_in_the_cluster_although_the_test_run_lets_them_run_at_once():
    with run_cluster():
        seen = result(async_task(jobs.look_around, sync=False), WAIT)

    assert seen["pid"] != os.getpid()
    assert conf.current().sync


@committing_db
def test_running_tasks_end_before_the_block_does(tmp_path):
    gate = tmp_path / "gate"
    with run_cluster(grace=60):
        task_id = async_task(jobs.work_until, str(gate))
        eventually(lambda: OrmQ.objects.get(pk=task_id).running_since, within=30)
        gate.touch()

    assert result(task_id) == "ended"
    assert not Incarnation.objects.living().exists()


@committing_db
def test_a_cluster_and_run_all_share_the_queue():
    with run_cluster() as cluster:
        for number in range(100):
            async_task(jobs.add, number, 1)
        here = run_all()
        cluster.until_idle()

    assert not here.failed
    assert Task.objects.count() == 100


@committing_db
def test_a_test_that_fails_stops_the_cluster_and_keeps_its_error():
    with pytest.raises(ZeroDivisionError), run_cluster() as cluster:
        raise ZeroDivisionError

    assert not runs(cluster.pid)


@committing_db
def test_a_wait_that_is_in_vain_says_why():
    with run_cluster(grace=0, kill_after=0.2) as cluster, pytest.raises(AssertionError) as caught:
        async_task(jobs.work_until, "/nowhere/at/all", task_name="never")
        cluster.until_idle(within=0.5)

    assert "not idle within 0.5 s. The task never" in str(caught.value)


@committing_db
def test_a_cluster_that_dies_is_noticed():
    with pytest.raises(ClusterError, match="has ended with the exit code -9"), run_cluster() as cluster:
        os.kill(cluster.pid, signal.SIGKILL)
        eventually(lambda: not runs(cluster.pid), within=10)


@committing_db
def test_a_cluster_that_cannot_start_says_what_it_logged(settings):
    settings.ROOT_URLCONF = "there.is.no.such.module"
    with pytest.raises(ClusterError) as caught, run_cluster():
        raise AssertionError("it must not get here")

    assert "exit code 1" in str(caught.value)
    assert "there" in str(caught.value)


@committing_db
def test_a_setting_that_does_not_exist_is_refused_before_anything_starts():
    with pytest.raises(InvalidSettings, match="Did you mean 'workers'"), run_cluster(worker=1):
        pass


@pytest.mark.django_db
def test_an_open_transaction_is_refused_with_the_remedy():
    with pytest.raises(TransactionError, match="Use TransactionTestCase"), run_cluster():
        pass


def test_a_cluster_ends_with_the_process_that_started_it(tmp_path, own_database):
    """Whoever kills a test run leaves no cluster behind."""
    code = (
        "import django, os, signal; django.setup()\n"
        "from django_q.testing import run_cluster\n"
        "with run_cluster() as cluster:\n"
        "    print(cluster.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=own_database.env, cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    pid = int(done.stdout)
    assert done.returncode == -signal.SIGKILL
    eventually(lambda: not runs(pid), within=30)
    eventually(lambda: not Incarnation.objects.filter(dead_at=None).exists(), within=30)


class InATransactionTestCase(TransactionTestCase):
    def test_a_cluster_serves_unittest_too(self):
        with run_cluster():
            assert result(async_task(jobs.add, 1, 2), WAIT) == 3


class InATestCase(TestCase):
    def test_it_is_refused_where_the_transaction_never_commits(self):
        with self.assertRaises(TransactionError), run_cluster():
            pass

    def test_although_a_block_that_commits_is_open(self):
        with self.assertRaises(TransactionError), transaction.atomic(), run_cluster():
            pass
