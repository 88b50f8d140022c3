"""A stop is a stop: time-outs, cancellations, and long tasks that stand in the way of short ones."""

import os
import time

import pytest

from django_q.tasks import cancel
from django_q_tests.support.clusters import Drill

pytestmark = pytest.mark.methods

# Seconds. A process that starts with an empty interpreter has to import Django first.
FILLED_WITHIN = 5 if os.environ.get("DJANGO_Q_TEST_START_METHOD") == "spawn" else 1


def test_a_task_at_its_limit_may_tidy_up(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("clean_up", drill.file(), timeout=0.3))

    assert (ended.success, ended.reason, ended.crashes) == (False, "timeout", 0)
    assert "0.3 s" in ended.error
    assert drill.lines() == ["started", "TaskTimeout", "tidy"]


def test_a_task_that_ignores_term_meets_its_limit_all_the_same(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("ignore_term", drill.file(), timeout=0.3))

    assert (ended.reason, ended.crashes) == ("timeout", 0)
    assert drill.lines() == ["started"]


@pytest.mark.parametrize("func", ["swallow", "mishaps.hold_interpreter"])
def test_a_task_that_ignores_its_limit_is_killed_and_its_seat_filled(drill: Drill, func):
    cluster = drill.start()
    neighbour = drill.hold()
    before = set(cluster.until_there("worker"))
    task = drill.enqueue(func, drill.file(), timeout=0.3)
    drill.until(drill.lines)

    drill.until(lambda: len(before & set(cluster.pids("worker"))) == 1, within=10)
    killed = time.monotonic()
    drill.until(lambda: len(cluster.pids("worker")) == 2)

    assert time.monotonic() - killed < FILLED_WITHIN
    ended = drill.until_ended(task)
    assert (ended.success, ended.reason, ended.crashes) == (False, "timeout", 0)
    assert "its worker was killed" in ended.error
    drill.open_gate()
    undisturbed = drill.until_ended(neighbour)
    assert (undisturbed.success, undisturbed.attempt_count) == (True, 1)


def test_the_processes_of_a_task_that_is_killed_go_with_it(drill: Drill):
    cluster = drill.start()
    task = drill.enqueue("mishaps.stubborn_crowd", drill.file(), timeout=0.3)
    drill.until(lambda: len(drill.lines()) == 2)

    assert drill.until_ended(task).reason == "timeout"

    children = {int(line) for line in drill.lines()}
    drill.until(lambda: not children & {one.pid for one in cluster.family()}, within=5)


def test_a_coroutine_at_its_limit_is_canceled_and_its_neighbours_are_not(drill: Drill):
    cluster = drill.start(workers=1)
    workers = cluster.until_there("worker")
    drill.until_ended(drill.enqueue("mishaps.wait_async", drill.file("first"), 0))  # teaches what it is
    neighbour = drill.enqueue("mishaps.wait_async", drill.file("neighbour"), 1.5)
    task = drill.enqueue("mishaps.wait_async", drill.file(), timeout=0.3)

    ended = drill.until_ended(task)

    assert (ended.success, ended.reason) == (False, "timeout")
    assert drill.lines() == ["started", "canceled"]
    assert drill.until_ended(neighbour).attempt_count == 1
    assert cluster.pids("worker") == workers


def test_a_coroutine_that_blocks_the_loop_costs_the_worker_and_its_neighbours_nothing(drill: Drill):
    drill.start(workers=1)
    drill.until_ended(drill.enqueue("mishaps.wait_async", drill.file(), 0))  # teaches that it is a coroutine function
    neighbours = [drill.enqueue("mishaps.wait_async", drill.file("neighbours"), 3) for _ in range(3)]
    drill.until_line("started", "neighbours", times=3)
    task = drill.enqueue("mishaps.block_after", drill.file(), 0.1, timeout=0.5)

    ended = drill.until_ended(task)

    assert (ended.success, ended.reason, ended.crashes) == (False, "timeout", 0)
    for neighbour in neighbours:
        again = drill.until_ended(neighbour)
        assert (again.success, again.attempt_count, again.crashes) == (True, 1, 0)
    assert drill.lines("neighbours").count("started") == 6


def test_a_retry_follows_a_time_out(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("clean_up", drill.file(), timeout=0.2, max_attempts=2, backoff=0.1))

    assert (ended.reason, ended.attempt_count) == ("timeout", 2)
    assert drill.lines().count("started") == 2


def test_what_waits_is_canceled_without_a_cluster(drill: Drill):
    task = drill.enqueue("touch", drill.file())

    assert cancel(task)

    drill.start()
    assert drill.until_ended(task).reason == "canceled"
    assert drill.lines() == []


def test_what_was_handed_out_and_has_not_begun_is_canceled(drill: Drill):
    drill.start(workers=1)
    drill.until_ended(*drill.touches(200))  # a hand-out holds many of these from now on
    running = drill.hold()
    waiting = drill.enqueue_many([(drill.file("unwanted"), "x")] * 5)
    drill.until(lambda: drill.row(waiting[-1]).claimed_by or drill.row(waiting[0]).claimed_by)

    assert all(map(cancel, waiting))

    ended = drill.until_ended(*waiting, within=10)
    assert ended.reason == "canceled"
    drill.open_gate()
    assert drill.until_ended(running).success
    assert drill.lines("unwanted") == []


@pytest.mark.parametrize(
    ("func", "told"), [("clean_up", ["TaskCanceled", "tidy"]), ("mishaps.wait_async", ["canceled"])]
)
def test_what_runs_is_canceled(drill: Drill, func, told):
    cluster = drill.start()
    workers = set(cluster.until_there("worker"))
    task = drill.enqueue(func, drill.file())
    drill.until_line("started")

    assert cancel(task)

    ended = drill.until_ended(task, within=10)
    assert (ended.success, ended.reason) == (False, "canceled")
    assert drill.lines() == ["started", *told]
    assert set(cluster.pids("worker")) == workers


@pytest.mark.parametrize("func", ["swallow", "ignore_term", "mishaps.hold_interpreter"])
def test_what_runs_and_will_not_stop_is_killed(drill: Drill, func):
    drill.start()
    task = drill.enqueue(func, drill.file())
    drill.until(drill.lines)

    assert cancel(task)

    ended = drill.until_ended(task, within=10)
    assert (ended.success, ended.reason, ended.crashes) == (False, "canceled", 0)


def test_a_long_task_met_in_the_middle_of_a_hand_out_holds_up_nobody(drill: Drill):
    drill.start()
    drill.until_ended(*drill.enqueue_many([(drill.file(), "quick", 0)] * 300, "mishaps.moody"))  # known to be quick
    calls = [(drill.file(), "quick", 0)] * 200
    calls[50] = (drill.file(), "slow", 30)

    tasks = drill.enqueue_many(calls, "mishaps.moody")
    sleeper = tasks.pop(50)

    drill.until_ended(*tasks, within=5)
    assert drill.row(sleeper)
    assert drill.lines().count("quick") == 499
    assert cancel(sleeper)
    assert drill.until_ended(sleeper, within=10).reason == "canceled"


def test_many_long_tasks_among_tiny_ones_run_once_each(drill: Drill):
    """A function that is mostly quick, so that its slow calls stand in the middle of hand-outs and are recalled."""
    drill.start()

    calls = [(drill.file(), str(number), 0.3 if number % 100 == 50 else 0) for number in range(1000)]
    drill.enqueue_many(calls, "mishaps.moody")

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(1000))
