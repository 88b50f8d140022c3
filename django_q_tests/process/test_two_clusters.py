"""Several clusters on one queue: no task twice, and none left behind when one of them dies."""

import os
import random
import signal

import pytest
from django.db import connection

from django_q.models import Incarnation
from django_q_tests.support.clusters import ALERT, ClusterProcess, Drill, send

pytestmark = pytest.mark.databases
one_machine = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite is one machine: there a lease that ended proves nothing"
)


def elsewhere(drill: Drill, host: str = "elsewhere", **cluster) -> ClusterProcess:
    """Start a cluster that runs on another host, as far as anybody can tell."""
    env = {"DJANGO_SETTINGS_MODULE": "django_q_tests.support.elsewhere", "DJANGO_Q_TEST_HOST": host}
    return drill.start(env=env, **cluster)


def test_two_clusters_run_ten_thousand_tasks_once_each(drill: Drill):
    drill.start()
    drill.start()

    drill.touches(10_000)

    drill.until_empty(within=120)
    assert sorted(map(int, drill.lines())) == list(range(10_000))
    assert Incarnation.objects.filter(dead_at=None).count() == 2


def test_clusters_that_die_at_random_lose_nothing(drill: Drill):
    drill.touches(2000)
    clusters = [drill.start(max_crashes=100) for _ in range(2)]

    for kill in range(1, 5):
        drill.until(lambda kill=kill: drill.ended() >= 300 * kill)
        victim = clusters.pop(random.randrange(2))
        victim.kill("sentinel")
        victim.until_gone(within=5)
        clusters.append(drill.start(max_crashes=100))

    drill.until_empty()
    assert {int(line) for line in drill.lines()} == set(range(2000))


@one_machine
def test_a_task_that_runs_longer_than_the_lease_runs_once(drill: Drill):
    elsewhere(drill, **ALERT)
    task = drill.enqueue("slow", ALERT["lease"] + 1.5, drill.file())
    drill.until_line("started")
    drill.start(**ALERT)

    ended = drill.until_ended(task)

    assert ended.time_taken() > ALERT["lease"]
    assert (ended.attempt_count, ended.crashes) == (1, 0)
    assert drill.lines() == ["started", "ended"]


@one_machine
def test_a_host_that_died_is_taken_over_by_default_within_fifteen_seconds(drill: Drill):
    lost = elsewhere(drill)
    task = drill.hold()
    drill.until(lambda: drill.row(task).running_since)
    drill.start()
    waiting = drill.touches(50)

    lost.kill_everything()

    drill.until(lambda: drill.row(task).claimed_by != Incarnation.objects.get(host="elsewhere").pk, within=15)
    drill.open_gate()
    ended = drill.until_ended(task)
    assert (ended.success, ended.crashes, ended.attempt_count) == (True, 1, 2)
    assert "on elsewhere" in ended.errors
    assert drill.until_ended(*waiting).crashes == 0


@one_machine
def test_a_cluster_that_was_cut_off_starts_anew_and_its_late_outcomes_are_discarded(drill: Drill):
    cut_off = elsewhere(drill, **ALERT)
    task = drill.hold()
    before = Incarnation.objects.get().pk
    frozen = [one.pid for one in cut_off.family() if one.role != "worker"]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    rescuer = drill.start(**ALERT)
    drill.until(lambda: len(drill.lines("held")) == 2)

    # Both runs end now: the one whose claim is worth nothing any more, and the one that counts.
    drill.open_gate()
    ended = drill.until_ended(task)
    for pid in frozen:
        send(pid, signal.SIGCONT)

    drill.until(lambda: cut_off.says("starts anew"))
    assert rescuer.says("Took over")
    drill.until(lambda: Incarnation.objects.filter(dead_at=None, host="elsewhere").exclude(pk=before).exists())
    assert drill.until_ended(task).token == ended.token
    drill.until_ended(*drill.enqueue_many([()] * 20, func="ok"))


@one_machine
def test_a_late_success_changes_nothing_of_what_the_rescuer_does(drill: Drill):
    """The outcome arrives while the second run is still going on."""
    cut_off = elsewhere(drill, **ALERT)
    task = drill.enqueue("mishaps.first_quick_then_held", drill.file(), drill.file("gate"))
    drill.until_line("quick")
    frozen = [one.pid for one in cut_off.family() if one.role != "worker"]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    drill.start(**ALERT)
    drill.until_line("held")

    for pid in frozen:
        send(pid, signal.SIGCONT)

    drill.until(lambda: cut_off.says("starts anew"))
    assert drill.row(task)
    drill.open_gate()
    assert drill.until_ended(task).result == "held"


@one_machine
def test_a_cluster_whose_clock_stood_still_is_not_robbed_by_one_that_just_started(drill: Drill):
    """A lease proves nothing to a cluster that has not itself renewed for a whole lease: all may have been cut off."""
    stopped = elsewhere(drill, heartbeat=0.3, lease=6)
    task = drill.hold()
    for one in stopped.family():
        os.kill(one.pid, signal.SIGSTOP)
    drill.until(lambda: not Incarnation.objects.living().exists())

    drill.start(heartbeat=0.3, lease=6)
    drill.until(lambda: Incarnation.objects.living().exists())
    for one in stopped.family():
        send(one.pid, signal.SIGCONT)

    drill.until(lambda: Incarnation.objects.living().count() == 2)
    drill.open_gate()
    ended = drill.until_ended(task)
    assert (ended.attempt_count, ended.crashes) == (1, 0)
    assert not stopped.says("starts anew")


@one_machine
def test_a_keeper_that_hangs_does_not_cost_the_cluster_its_life(drill: Drill):
    hurt = elsewhere(drill, heartbeat=0.3, lease=3)
    drill.start(heartbeat=0.3, lease=3)
    task = drill.hold()
    holder = Incarnation.objects.get(pk=drill.row(task).claimed_by)
    if holder.host != "elsewhere":
        hurt = drill.clusters[1]
    (keeper,) = hurt.pids("keeper")

    os.kill(keeper, signal.SIGSTOP)

    drill.until(lambda: keeper not in hurt.pids("keeper"))
    drill.open_gate()
    assert drill.until_ended(task).attempt_count == 1
    assert not hurt.says("starts anew")
