"""Signals to the cluster: what runs may end, what has not begun goes back, and nothing waits for nothing."""

import os
import signal
import time

import pytest

from django_q.kernel.states import TaskState
from django_q.models import Incarnation
from django_q_tests.support.clusters import Drill

pytestmark = pytest.mark.methods
QUICK = 3.0  # seconds; an idle cluster needs a few tenths, a busy machine some more


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_cluster_stops_at_once(drill: Drill, number):
    cluster = drill.start(grace=60)

    started = time.monotonic()
    cluster.term(number)

    assert cluster.exit_code() == 0
    assert time.monotonic() - started < QUICK
    assert Incarnation.objects.get().dead_at is not None


def test_an_idle_process_group_stops_at_once(drill: Drill):
    cluster = drill.start(grace=60)

    started = time.monotonic()
    os.killpg(cluster.pid, signal.SIGTERM)

    assert cluster.exit_code() == 0
    assert time.monotonic() - started < QUICK
    assert not cluster.says("WARNING")


def test_a_term_in_the_middle_of_the_start_is_obeyed(drill: Drill):
    cluster = drill.start(complete=False, grace=60)
    cluster.until_there("keeper")

    cluster.term()

    assert cluster.exit_code() == 0


@pytest.mark.parametrize("whole_group", [False, True], ids=["sentinel", "group"])
def test_a_running_task_may_end_and_what_has_not_begun_goes_back(drill: Drill, whole_group):
    cluster = drill.start(workers=1, grace=60)
    running = drill.hold()
    waiting = drill.touches(20)

    (os.killpg if whole_group else os.kill)(cluster.pid, signal.SIGTERM)

    drill.until(lambda: all(drill.row(id).state == TaskState.READY for id in waiting), within=10)
    assert drill.lines("held")[-1] != "ended"
    drill.open_gate()
    assert cluster.exit_code() == 0
    ended = drill.until_ended(running)
    assert (ended.success, ended.attempt_count) == (True, 1)
    assert {(row.attempts, row.crashes, row.rescues) for row in map(drill.row, waiting)} == {(0, 0, 0)}
    drill.left, drill.stays_in_service = set(waiting), False


@pytest.mark.load
def test_the_group_of_a_busy_cluster_loses_no_task(drill: Drill):
    cluster = drill.start(grace=60)
    tasks = drill.touches(2000)
    drill.until_line("100")

    os.killpg(cluster.pid, signal.SIGTERM)

    assert cluster.exit_code() == 0
    assert len(drill.lines()) == drill.ended() < 2000
    drill.start()
    drill.until_ended(*tasks)
    assert sorted(map(int, drill.lines())) == list(range(2000))


def test_a_task_that_outlasts_the_grace_is_stopped_and_goes_back_uncounted(drill: Drill):
    cluster = drill.start(grace=0.5)
    task = drill.enqueue("clean_up", drill.file())
    drill.until_line("started")

    cluster.term()

    assert cluster.exit_code() == 0
    row = drill.row(task)
    assert drill.lines() == ["started", "TaskStopped", "tidy"]
    assert (row.state, row.attempts, row.crashes, row.rescues) == (TaskState.READY, 0, 0, 0)
    drill.left, drill.stays_in_service = {task}, False


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM] * 5, [signal.SIGTERM, signal.SIGINT], [signal.SIGINT, signal.SIGINT]],
    ids=["five TERMs", "TERM then INT", "INT twice"],
)
def test_a_second_signal_ends_the_grace_and_not_the_order(drill: Drill, signals):
    cluster = drill.start(grace=60)
    task = drill.enqueue("clean_up", drill.file())
    drill.until_line("started")

    for number in signals:
        cluster.term(number)
        time.sleep(0.05)

    assert cluster.exit_code(within=15) == 0
    assert drill.lines() == ["started", "TaskStopped", "tidy"]
    assert drill.row(task).state == TaskState.READY
    drill.left, drill.stays_in_service = {task}, False


@pytest.mark.parametrize("func", ["swallow", "ignore_term", "mishaps.hold_interpreter"])
def test_a_task_that_will_not_stop_is_killed_after_the_grace_and_goes_back(drill: Drill, func):
    cluster = drill.start(grace=0.3, kill_after=0.3)
    task = drill.enqueue(func, drill.file())
    drill.until(drill.lines)

    cluster.term()

    assert cluster.exit_code(within=15) == 0
    row = drill.row(task)
    assert (row.state, row.attempts, row.crashes) == (TaskState.READY, 0, 0)
    drill.left, drill.stays_in_service = {task}, False


def test_a_coroutine_may_end_too(drill: Drill):
    cluster = drill.start(workers=1, grace=60)
    task = drill.enqueue("mishaps.wait_async", drill.file(), 1.5)
    drill.until_line("started")

    cluster.term()

    assert cluster.exit_code() == 0
    assert drill.until_ended(task).result == "slept"


def test_a_worker_that_dies_while_the_cluster_drains_is_accounted_for(drill: Drill):
    cluster = drill.start(grace=60)
    task = drill.hold()
    cluster.term()
    drill.until(lambda: cluster.says("stops: SIGTERM"))

    os.kill(int(drill.lines("held")[0]), signal.SIGKILL)

    assert cluster.exit_code() == 0
    row = drill.row(task)
    assert (row.state, row.crashes) == (TaskState.READY, 1)
    drill.left, drill.stays_in_service = {task}, False


@pytest.mark.parametrize("role", ["monitor", "keeper"])
def test_a_scribe_that_dies_while_the_cluster_drains_is_replaced(drill: Drill, role):
    cluster = drill.start(grace=60)
    task = drill.hold()
    cluster.term()
    drill.until(lambda: cluster.says("stops: SIGTERM"))

    killed = cluster.kill(role)
    drill.until(lambda: set(cluster.pids(role)) - {killed})
    drill.open_gate()

    assert cluster.exit_code() == 0
    assert drill.until_ended(task).success
    assert Incarnation.objects.get().dead_at is not None


def test_until_empty_ends_by_itself(drill: Drill):
    cluster = drill.start(complete=False, options=["--until-empty"])
    drill.touches(200)

    assert cluster.exit_code() == 0
    assert len(drill.lines()) == 200


def test_signals_that_do_not_end_before_the_cluster_does_change_nothing(drill: Drill):
    cluster = drill.start(grace=60)

    while cluster.process.poll() is None:
        cluster.term()
        time.sleep(0.001)

    assert cluster.process.returncode == 0


def test_a_cluster_that_is_asked_to_end_in_the_database_drains(drill: Drill):
    cluster = drill.start(workers=1, grace=60)
    running = drill.hold()

    assert Incarnation.objects.request_stop() == 1
    drill.until(lambda: cluster.says("asked to end"), within=10)
    drill.open_gate()

    assert cluster.exit_code() == 0
    assert drill.until_ended(running).success
    assert Incarnation.objects.request_stop() == 0
