"""Workers that die: killed, crashed, or stopped in the middle of a sentence."""

import os
import random
import signal

import pytest

from django_q_tests.support.clusters import Drill, runs, waits_for_an_answer, waits_in_pipe

pytestmark = pytest.mark.methods

BIG = 3 * 2**20  # three times what a pipe holds


def test_an_idle_worker_that_is_killed_is_replaced(drill: Drill):
    cluster = drill.start()

    killed = cluster.kill("worker")

    drill.until(lambda: len(set(cluster.pids("worker")) - {killed}) == 2, within=5)
    drill.until_ended(*drill.enqueue_many([()] * 50, func="ok"))


def test_a_fork_server_that_dies_while_it_starts_a_child_is_replaced(drill: Drill):
    cluster = drill.start(complete=False, start_method="forkserver")
    server = drill.until(lambda: [one.pid for one in cluster.family() if "multiprocessing.forkserver" in one.title])[0]
    os.kill(server, signal.SIGSTOP)  # before it has imported what its children need
    drill.until(lambda: waits_for_an_answer(cluster.pid))

    os.kill(server, signal.SIGKILL)

    cluster.until_complete()
    assert "The process that starts children died while it started the" in cluster.output
    drill.until_ended(*drill.enqueue_many([()] * 50, func="ok"))


def test_a_task_whose_worker_is_killed_crashes_once_and_runs_again(drill: Drill):
    drill.start()
    task = drill.enqueue("mishaps.work", drill.file())

    os.kill(drill.pid_in(), signal.SIGKILL)

    ended = drill.until_ended(task)
    assert (ended.success, ended.crashes, ended.attempt_count) == (True, 1, 2)
    assert "was killed by SIGKILL while it ran this task" in ended.errors
    assert len(drill.lines()) == 3
    assert drill.lines()[-1] == "ended"


@pytest.mark.parametrize(
    ("func", "args", "death"),
    [("die", (9,), "exited with code 9"), ("mishaps.crash", ("{file}",), "was killed by SIGSEGV")],
    ids=["os._exit", "segmentation fault"],
)
def test_a_poison_task_ends_as_a_failure_that_says_how_it_died(drill: Drill, func, args, death):
    drill.start()
    poison = drill.enqueue(func, *(arg if arg != "{file}" else drill.file() for arg in args))
    neighbours = drill.enqueue_many([()] * 100, func="ok")

    ended = drill.until_ended(poison)

    assert (ended.success, ended.reason, ended.crashes, ended.attempt_count) == (False, "lost", 3, 3)
    assert ended.error == f"WorkerLost: the worker {death} while it ran this task."
    assert drill.until_ended(*neighbours).crashes == 0


def test_max_crashes_is_obeyed_and_the_worker_itself_is_never_to_blame(drill: Drill):
    drill.start(max_crashes=1)
    poison = drill.enqueue("die")
    neighbours = drill.enqueue_many([()] * 20, func="ok")

    ended = drill.until_ended(poison, *neighbours)

    assert (ended.reason, ended.crashes) == ("lost", 1)


@pytest.mark.load
def test_a_task_that_crashed_is_not_starved_by_a_stream_of_others(drill: Drill):
    drill.start()
    stream = drill.enqueue_many([(0.004, drill.file())] * 1000, func="slow")
    drill.until_line("ended", times=50)

    crashed = drill.enqueue("die_once", drill.file("crashed"), priority=1)

    drill.until_line("x", "crashed", times=2)
    assert drill.lines().count("ended") < 900, "it waited for the end of the stream"
    drill.until_ended(crashed, *stream)


@pytest.mark.parametrize("ending", ["killed", "continued"])
def test_a_worker_stopped_in_the_middle_of_a_large_result_holds_up_nobody(drill: Drill, ending):
    cluster = drill.start()
    task = drill.enqueue("mishaps.work", drill.file(), 0.3, BIG)
    worker = drill.pid_in()
    cluster.term(signal.SIGSTOP)
    drill.until(lambda: waits_in_pipe(worker))
    os.kill(worker, signal.SIGSTOP)
    cluster.term(signal.SIGCONT)

    drill.until_ended(*drill.enqueue_many([()] * 50, func="ok"))
    os.kill(worker, signal.SIGKILL if ending == "killed" else signal.SIGCONT)

    ended = drill.until_ended(task)
    assert len(ended.result) == BIG
    assert ended.crashes == (1 if ending == "killed" else 0)
    assert drill.lines().count("ended") == ended.crashes + 1


def test_a_worker_killed_while_it_writes_a_large_result_runs_the_task_again(drill: Drill):
    cluster = drill.start()
    task = drill.enqueue("mishaps.work", drill.file(), 0.3, BIG)
    worker = drill.pid_in()
    cluster.term(signal.SIGSTOP)
    drill.until(lambda: waits_in_pipe(worker))

    os.kill(worker, signal.SIGKILL)
    cluster.term(signal.SIGCONT)

    ended = drill.until_ended(task)
    assert (ended.success, ended.crashes, len(ended.result)) == (True, 1, BIG)


def test_a_result_that_cannot_be_pickled_is_a_failure_that_says_so(drill: Drill):
    drill.start()

    ended = drill.until_ended(drill.enqueue("unpicklable"))

    assert (ended.success, ended.reason) == (False, "error")
    assert "its result cannot be stored" in ended.error


def test_what_a_task_started_dies_with_its_worker(drill: Drill):
    drill.start(max_crashes=1)
    task = drill.enqueue("mishaps.crowd", drill.file())
    drill.until(lambda: len(drill.lines()) == 2)
    children = [int(line) for line in drill.lines()]
    worker = os.getpgid(children[0])

    os.kill(worker, signal.SIGKILL)

    drill.until(lambda: not any(map(runs, children)), within=5)
    drill.until_ended(task)


@pytest.mark.load
def test_recycling_under_load_runs_every_task_once(drill: Drill):
    drill.start(recycle=20)

    drill.touches(600)

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(600))


@pytest.mark.load
def test_workers_killed_at_random_under_load_lose_nothing(drill: Drill):
    cluster = drill.start(max_crashes=100)
    drill.touches(3000)

    for kill in range(1, 16):
        drill.until(lambda kill=kill: drill.ended() > 150 * kill)
        cluster.kill("worker", choice=random.choice)

    drill.until_empty()
    assert {int(line) for line in drill.lines()} == set(range(3000))
    assert len(drill.lines()) <= 3000 + 15


@pytest.mark.load
def test_children_that_die_again_and_again_leak_no_descriptors(drill: Drill):
    cluster = drill.start()
    drill.until_ended(*drill.enqueue_many([()] * 20, func="ok"))
    sentinel, worker = descriptors(cluster.pid), max(map(descriptors, cluster.pids("worker")))

    for role in ("worker", "pusher", "monitor", "keeper") * 4:
        killed = cluster.kill(role)
        drill.until(lambda killed=killed: killed not in {one.pid for one in cluster.family()})
        cluster.until_complete()
    drill.until_ended(*drill.enqueue_many([()] * 20, func="ok"))

    drill.until(lambda: descriptors(cluster.pid) <= sentinel, within=5)
    # A later child holds two more for each sibling that was there before it, and no more with every death.
    assert max(map(descriptors, cluster.pids("worker"))) <= worker + 2 * 4


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_a_worker_that_hangs_between_two_tasks_does_not_keep_what_it_was_given(drill: Drill):
    cluster = drill.start()
    drill.until_ended(*drill.touches(200))
    stopped = cluster.pids("worker")[0]

    os.kill(stopped, signal.SIGSTOP)
    waiting = drill.enqueue_many([(drill.file("second"), "x")] * 100)

    assert drill.until_ended(*waiting, within=15).crashes == 0
    assert len(drill.lines("second")) == 100
    assert not runs(stopped)
