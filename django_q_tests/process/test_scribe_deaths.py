"""Pusher, monitor and keeper die at the worst moments: no task is lost, run twice or recorded twice."""

import os
import random
import signal

import pytest

from django_q.models import Incarnation
from django_q_tests.support.clusters import ALERT, Drill


@pytest.mark.parametrize("role", ["pusher", "monitor", "keeper"])
def test_a_killed_scribe_is_replaced(drill: Drill, role):
    cluster = drill.start()

    killed = cluster.kill(role)

    drill.until(lambda: set(cluster.pids(role)) - {killed}, within=5)
    drill.until_ended(*drill.enqueue_many([()] * 50, func="ok"))


@pytest.mark.parametrize("broker", ["DiesAfterClaim", "LosesTheAnswerToClaim"])
def test_what_was_claimed_and_never_handed_over_is_given_back(drill: Drill, broker):
    drill.start_sabotaged(broker)

    drill.touches(300)

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(300))


def test_a_pusher_stopped_between_claim_and_pipe_is_replaced_after_a_while(drill: Drill):
    cluster = drill.start_sabotaged("StopsAfterClaim", **ALERT)

    drill.touches(300)

    drill.until_empty()
    assert cluster.says("The pusher has been silent")
    assert sorted(map(int, drill.lines())) == list(range(300))


@pytest.mark.parametrize("broker", ["DiesBeforeCommit", "DiesAfterCommit", "LosesTheAnswerToFinish"])
def test_an_outcome_is_recorded_once_wherever_the_monitor_dies(drill: Drill, broker):
    drill.start_sabotaged(broker)

    drill.touches(300)
    failures = drill.enqueue_many([()] * 20, func="fail")

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(300))
    assert not drill.until_ended(*failures).success
    assert not drill.clusters[0].says("was discarded")


@pytest.mark.parametrize("broker", ["DiesBeforeCommit", "DiesAfterCommit"])
def test_a_crash_counts_once_although_its_monitor_died(drill: Drill, broker):
    drill.start_sabotaged(broker)

    ended = drill.until_ended(drill.enqueue("die"))

    assert (ended.reason, ended.crashes, ended.attempt_count) == ("lost", 3, 3)


def test_a_hook_runs_once_wherever_the_monitor_dies(drill: Drill):
    drill.start_sabotaged("DiesAfterCommit")

    drill.enqueue("ok", hook="django_q_tests.support.mishaps.append_name", task_name=drill.file())

    drill.until_empty()
    assert drill.lines() == ["hooked"]


@pytest.mark.load
@pytest.mark.parametrize("role", ["pusher", "monitor", "keeper"])
def test_a_scribe_killed_again_and_again_under_load_costs_no_task_a_second_run(drill: Drill, role):
    cluster = drill.start()
    drill.touches(2000)

    for kill in range(1, 9):
        drill.until(lambda kill=kill: drill.ended() >= 150 * kill)
        cluster.kill(role)

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(2000))


@pytest.mark.load
def test_all_scribes_killed_at_random_under_load_cost_no_task_a_second_run(drill: Drill):
    cluster = drill.start()
    drill.touches(2000)

    for kill in range(1, 13):
        drill.until(lambda kill=kill: drill.ended() >= 100 * kill)
        cluster.kill(random.choice(["pusher", "monitor", "keeper"]))

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(2000))


def test_a_new_keeper_renews_the_same_lease(drill: Drill):
    cluster = drill.start(**ALERT)
    (before,) = Incarnation.objects.all()

    cluster.kill("keeper")

    drill.until(lambda: Incarnation.objects.get().expires_at > before.expires_at)
    assert Incarnation.objects.get().dead_at is None


def test_a_keeper_that_is_stopped_is_replaced_and_no_task_notices(drill: Drill):
    cluster = drill.start(**ALERT)
    task = drill.enqueue("mishaps.work", drill.file(), 4)
    drill.pid_in()
    (stopped,) = cluster.until_there("keeper")

    os.kill(stopped, signal.SIGSTOP)

    ended = drill.until_ended(task)
    assert stopped not in cluster.pids("keeper")
    assert (ended.success, ended.crashes, len(drill.lines())) == (True, 0, 2)
    assert Incarnation.objects.count() == 1


def test_a_monitor_that_is_stopped_is_replaced_and_no_outcome_is_lost(drill: Drill):
    cluster = drill.start(**ALERT)
    (stopped,) = cluster.until_there("monitor")
    drill.until_ended(drill.enqueue("ok"))

    os.kill(stopped, signal.SIGSTOP)
    drill.touches(100)

    drill.until_empty()
    assert stopped not in cluster.pids("monitor")
    assert sorted(map(int, drill.lines())) == list(range(100))
