"""A task says how far it is: everybody sees it, and whatever is said or killed harms nobody."""

import os
import signal

import pytest

from django_q.models import Progress
from django_q.tasks import progress_of, progress_of_many
from django_q_tests.support.clusters import Drill

pytestmark = pytest.mark.once

MANY = 200_000


def counts(found):
    return None if found is None else (found.done, found.total, found.message)


def until_counts(drill: Drill, id, expected):
    drill.until(lambda: counts(progress_of(id)) == expected, within=5)


def until_beyond(drill: Drill, id, least=0):
    return drill.until(lambda: (found := progress_of(id)) and found.done > least and found).done


@pytest.mark.databases
def test_many_thousand_updates_a_second_cost_a_task_next_to_nothing_and_the_last_one_is_written(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("reporting.in_one_go", MANY))

    until_counts(drill, ended.pk, (MANY, MANY, "at work"))
    told = ended.result
    # A frame for each quarter of a second that it ran, and no more.
    assert told["writes"] <= 4 * told["seconds"] + 3
    # A step of the loop takes about a microsecond; what is said after it may not take many times as much.
    assert told["together"] < 4 * told["alone"]


@pytest.mark.databases
def test_the_steps_of_a_slow_task_are_seen_while_it_runs(drill: Drill):
    drill.start()
    task = drill.enqueue("reporting.step_by_step", 40)

    seen = set()
    drill.until(lambda: (found := progress_of(task)) and (seen.add(counts(found)) or found.done == 40))

    assert len(seen) >= 4
    assert all((total, message) == (40, f"step {done}") for done, total, message in seen)
    until_counts(drill, task, (40, 40, "step 40"))


def test_coroutines_say_so_too_each_for_itself(drill: Drill):
    drill.start(workers=1)

    tasks = [drill.enqueue("reporting.in_a_coroutine", total) for total in range(20, 60)]

    drill.until_ended(*tasks)
    expected = {task: (total, total, f"coroutine {total}") for task, total in zip(tasks, range(20, 60), strict=True)}
    drill.until(lambda: {id: counts(found) for id, found in progress_of_many(tasks).items()} == expected, within=5)


def test_tasks_that_end_at_once_leave_their_only_value(drill: Drill):
    drill.start()

    tasks = [drill.enqueue("reporting.step_by_step", 1, 0) for _ in range(200)]

    drill.until_ended(*tasks)
    drill.until(lambda: Progress.objects.filter(done=1, total=1, message="step 1").count() == 200, within=5)


def test_each_attempt_begins_anew(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("reporting.worse_each_time", max_attempts=3, backoff=0.1))

    assert (ended.success, ended.attempt_count) == (False, 3)
    until_counts(drill, ended.pk, (7, 10, "attempt 3"))


def test_a_worker_that_is_killed_takes_nobody_along_and_its_next_attempt_goes_on(drill: Drill):
    cluster = drill.start()
    task = drill.enqueue("reporting.until_open", drill.file("gate"))
    neighbour = drill.enqueue("reporting.until_open", drill.file("gate"))
    until_beyond(drill, neighbour)
    until_beyond(drill, task)
    killed = int(progress_of(task).message)

    os.kill(killed, signal.SIGKILL)

    drill.until(lambda: int(progress_of(task).message) != killed)
    assert killed not in cluster.pids("worker")
    until_beyond(drill, neighbour, progress_of(neighbour).done)
    drill.open_gate()
    assert drill.until_ended(task).crashes == 1
    for each in (task, neighbour):
        until_counts(drill, each, (1_000_000, None, ""))


def test_a_keeper_that_is_killed_costs_no_last_value(drill: Drill):
    cluster = drill.start()
    task = drill.enqueue("reporting.until_open", drill.file("gate"))
    before = until_beyond(drill, task)

    killed = cluster.kill("keeper")
    drill.until(lambda: set(cluster.pids("keeper")) - {killed})
    before = until_beyond(drill, task, before)
    cluster.kill("keeper")
    drill.open_gate()

    drill.until_ended(task)
    until_counts(drill, task, (1_000_000, None, ""))


def test_a_keeper_that_stands_still_holds_up_nobody(drill: Drill):
    cluster = drill.start(lease=60)  # a keeper that is silent for half of it is replaced
    [keeper] = cluster.pids("keeper")
    os.kill(keeper, signal.SIGSTOP)
    try:
        ended = drill.until_ended(drill.enqueue("reporting.in_one_go", MANY))
        assert progress_of(ended.pk) is None
    finally:
        os.kill(keeper, signal.SIGCONT)

    until_counts(drill, ended.pk, (MANY, MANY, "at work"))


def test_what_was_said_last_is_written_before_a_cluster_has_stopped(drill: Drill):
    cluster = drill.start()
    task = drill.enqueue("reporting.step_by_step", 30)
    until_beyond(drill, task)

    assert cluster.stop() == 0

    assert counts(progress_of(task)) == (30, 30, "step 30")


def test_processes_that_a_task_forks_say_nothing_and_come_to_no_harm(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("reporting.in_forked_children"))

    assert ended.result == [7] * 5
    until_counts(drill, ended.pk, (4, 10, "parent"))
