"""Runners of class tasks in processes of their own, which are killed, stopped and replaced."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_q.contrib.class_tasks import client, get_task, start_task, stop_task, subscribe
from django_q.contrib.class_tasks.models import ClassTask
from django_q_tests.support.class_tasks import lines
from django_q_tests.support.clusters import PATIENCE, ClusterProcess, Drill, QRunner, runs, send
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT

pytestmark = pytest.mark.once

ALERT = {"interval": 0.1, "heartbeat": 0.2, "task_timeout": 1.5, "grace": 0.3, "interrupt_grace": 0.3}
ENVIRONMENT = {
    "DJANGO_Q_TEST_APPS": "django_q.contrib.class_tasks,django_q_tests.support.class_app",
    "DJANGO_Q_TEST_CLASS_TASKS": json.dumps(ALERT),
}


@pytest.fixture
def run(drill: Drill):
    """Start a runner, or another command, and wait until so many runners are ready."""

    def started(kind=QRunner, **named):
        one = drill.start(kind, complete=False, env=ENVIRONMENT, **named)
        eventually(lambda: one.says("is ready"), within=PATIENCE, saying=lambda: one.output)
        return one

    return started


@pytest.fixture
def works(tmp_path: Path):
    """Start a task that works until it is stopped, and wait until it does."""

    def started(name: str = "test/loops", **data):
        path = tmp_path / "works"
        before = len(lines(path))
        task_id = start_task(name, path=str(path), **data)
        eventually(lambda: len(lines(path)) > before, within=PATIENCE)
        return task_id

    return started


def pid_of(task_id: str) -> int:
    """Return the process that runs a task."""
    return int(ClassTask.objects.get(pk=task_id).runner.split(":")[1])


def until(task_id: str, *expected):
    """Wait until state and attempts of a task are these."""
    keys = ["state", "attempts"][: len(expected)]
    eventually(lambda: get_task(task_id, keys) == list(expected), within=PATIENCE, saying=lambda: get_task(task_id))


@pytest.mark.databases
def test_a_task_of_a_runner_that_was_killed_runs_elsewhere(run, works):
    one = run(options=["--alone"])
    task_id = works()
    run(options=["--alone"])

    one.kill_everything()

    until(task_id, "RUNNING", 2)
    eventually(lambda: not ClassTask.objects.filter(runner__contains=f":{one.pid}:").exists())
    assert client.get_active_task_ids().count(task_id) == 1


@pytest.mark.parametrize(("number", "options"), [(signal.SIGTERM, []), (signal.SIGINT, ["--alone"])])
def test_a_runner_that_is_asked_to_end_leaves_what_waits_and_nothing_else(run, works, tmp_path, number, options):
    one = run(options=options)
    task_id = works()
    eventually(lambda: ClassTask.objects.filter(local=True, state="RUNNING").exists())

    one.term(number)

    assert one.exit_code(within=15) == 0
    assert lines(tmp_path / "works") == ["started", "stopped"]
    assert list(ClassTask.objects.values_list("pk", "state")) == [(task_id, "WAIT")]


def test_a_process_with_a_task_that_does_not_end_is_replaced_and_its_others_run_again(run, works, tmp_path):
    one = run()
    other = works()
    deaf = works("test/deaf", in_c=60)
    before = int(lines(tmp_path / "works")[-1].split()[1])

    stop_task(deaf)

    until(deaf, "STOPPED", 1)
    until(other, "RUNNING", 2)
    assert not runs(before) and runs(one.pid) and one.says("does not end; its process is replaced")


def test_a_runner_that_dies_is_started_again_and_takes_its_tasks_up(run, works):
    one = run()
    task_id = works()

    send(pid_of(task_id), signal.SIGKILL)

    until(task_id, "RUNNING", 2)
    assert one.says("The runner was killed by SIGKILL; it starts again.")


def test_qcluster_runs_a_runner_beside_it_and_both_end_together(run, works, drill: Drill):
    one = run(ClusterProcess, options=["--runner"])
    task_id = works()
    drill.until_ended(drill.enqueue("touch", drill.file()))

    assert one.stop() == 0

    until(task_id, "WAIT")
    one.until_gone(within=5)


@pytest.fixture(params=["plain", "patched"])
def with_gevent(request, own_database) -> Iterator[subprocess.Popen[str]]:
    """Run support/gevent_runner.py."""
    script = str(ROOT / "django_q_tests" / "support" / "gevent_runner.py")
    process = subprocess.Popen([sys.executable, script, request.param], env=own_database.env, cwd=ROOT)
    yield process
    process.kill()
    process.wait()


def test_the_task_of_the_text_with_gevent_itself_is_stopped(with_gevent):
    task_id = start_task("mytask")
    assert next(subscribe(task_id, since=0)) == ("working", None)

    stop_task(task_id)

    until(task_id, "STOPPED")
    os.kill(with_gevent.pid, signal.SIGTERM)
    assert with_gevent.wait(15) == 0
