"""The sentinel dies: whatever it started ends, and another cluster takes over."""

import os
import signal
import time

import pytest

from django_q.models import Incarnation, OrmQ
from django_q_tests.support.clusters import Drill, runs


def test_the_children_of_a_killed_sentinel_are_gone_within_two_seconds(drill: Drill):
    cluster = drill.start()

    cluster.kill("sentinel")

    cluster.until_gone(within=2)
    assert cluster.process.returncode == -signal.SIGKILL  # a shell sees 137


def test_what_its_tasks_started_is_gone_too(drill: Drill):
    cluster = drill.start(workers=3, max_crashes=1)
    tasks = [
        drill.enqueue("mishaps.crowd", drill.file()),
        drill.enqueue("spawn_child", drill.file()),
        drill.enqueue("mishaps.work", drill.file(), 60),
    ]
    drill.until(lambda: len(drill.lines()) == 4)
    pids = [int(line) for line in drill.lines()]

    cluster.kill("sentinel")

    cluster.until_gone(within=2)
    assert not any(map(runs, pids))
    drill.left, drill.stays_in_service = set(tasks), False
    take_back(drill)


def test_a_task_that_never_lets_go_of_the_interpreter_does_not_survive_either(drill: Drill):
    cluster = drill.start(heartbeat=0.2, lease=12)
    task = drill.enqueue("mishaps.hold_interpreter", drill.file())
    worker = drill.pid_in()
    # The keeper ends what cannot end itself; it has been told of this worker when this is in the database.
    drill.until(lambda: str(worker) in Incarnation.objects.get().stats)

    cluster.kill("sentinel")

    cluster.until_gone(within=2)
    drill.left, drill.stays_in_service = {task}, False
    take_back(drill)


def test_a_new_cluster_on_the_same_host_takes_over_at_once(drill: Drill):
    cluster = drill.start(heartbeat=0.3, workers=1)
    running = drill.hold()
    drill.until(lambda: drill.row(running).running_since)
    waiting = drill.touches(20)
    cluster.kill("sentinel")
    cluster.until_gone(within=2)
    drill.open_gate()

    drill.start()

    ended = drill.until_ended(running, within=10)
    assert (ended.success, ended.crashes) == (True, 1)
    assert "ClusterLost" in ended.errors
    assert drill.until_ended(*waiting).crashes == 0


def test_a_cluster_beside_it_takes_over(drill: Drill):
    first = drill.start()
    task = drill.hold()
    second = drill.start()

    os.killpg(first.pid, signal.SIGKILL)  # scribes and sentinel at once

    first.until_gone(within=2)
    drill.until(lambda: second.says("Took over 1 tasks"), within=10)
    drill.open_gate()
    assert drill.until_ended(task).success


@pytest.mark.load
def test_a_task_that_takes_whole_clusters_down_ends(drill: Drill):
    drill.start(heartbeat=0.2, lease=12)
    poison = drill.enqueue("mishaps.kill_cluster", drill.file())

    while not drill.ended():
        assert len(drill.clusters) < 10
        drill.clusters[-1].until_gone(within=10)
        cluster = drill.start(complete=False, heartbeat=0.2, lease=12)
        drill.until(lambda cluster=cluster: drill.ended() or cluster.process.poll() is not None)

    ended = drill.until_ended(poison)
    assert (ended.success, ended.reason, ended.crashes) == (False, "lost", 3)
    assert "ClusterLost" in ended.error
    assert len(drill.lines()) <= 5


def test_tasks_of_a_cluster_that_died_long_ago_are_taken_over(drill: Drill):
    """Whoever declared it dead may have died before it could take them over."""
    cluster = drill.start()
    task = drill.hold()
    cluster.kill_everything()
    drill.open_gate()
    Incarnation.objects.update(dead_at="2020-01-01T00:00:00Z")

    drill.start()

    assert drill.until_ended(task, within=10).success


def take_back(drill: Drill) -> None:
    """Let the rows that the dead cluster holds be released, so that the test can end."""
    dead = Incarnation.objects.get().pk
    drill.start()
    drill.until(lambda: not OrmQ.objects.filter(claimed_by=dead).exists())


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06, 0.1])
def test_a_sentinel_killed_in_the_middle_of_its_start_leaves_nobody_behind(drill: Drill, delay):
    cluster = drill.start(complete=False, workers=4)
    cluster.until_there("keeper")
    time.sleep(delay)  # any moment will do

    cluster.kill("sentinel")

    cluster.until_gone(within=3)
