"""What the sentinel sees of a worker, and the worker of the sentinel."""

import multiprocessing

import pytest

from django_q.cluster.slots import MAIN, Slots, StopReason


@pytest.fixture
def slots():
    return Slots.create(multiprocessing.get_context("spawn"), 4)


def test_an_idle_seat_runs_nothing(slots):
    assert slots.running() == []
    assert slots.stop_asked(MAIN) is None
    assert slots.since(MAIN) is None


def test_what_runs_is_seen_with_its_start(slots):
    slots.begin(MAIN, 7, 1.5)
    slots.begin(3, 8, 2.5)

    assert slots.running() == [(MAIN, 7, 1.5), (3, 8, 2.5)]
    assert slots.since(3) == 2.5
    slots.end(MAIN)
    assert slots.running() == [(3, 8, 2.5)]


def test_a_task_is_asked_to_stop_with_a_reason(slots):
    slots.begin(MAIN, 7, 1.5)
    slots.ask_stop(MAIN, 7, StopReason.CANCEL)

    assert slots.stop_asked(MAIN) is StopReason.CANCEL
    assert slots.stop_asked(1) is None


def test_a_stop_that_comes_too_late_does_not_meet_the_next_task(slots):
    slots.begin(MAIN, 7, 1.5)
    slots.ask_stop(MAIN, 7, StopReason.TIMEOUT)
    slots.end(MAIN)
    assert slots.stop_asked(MAIN) is None
    slots.begin(MAIN, 8, 2.5)

    assert slots.stop_asked(MAIN) is None


def test_a_seat_can_be_cleared(slots):
    slots.begin(MAIN, 7, 1.5)
    slots.ask_stop(MAIN, 7, StopReason.TIMEOUT)
    slots.clear()
    slots.begin(MAIN, 7, 1.5)

    assert slots.stop_asked(MAIN) is None


def begin_in_child(slots):
    slots.begin(2, 9, 3.5)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_both_processes_see_the_same_memory(method):
    context = multiprocessing.get_context(method)
    slots = Slots.create(context, 4)

    child = context.Process(target=begin_in_child, args=(slots,))
    child.start()
    child.join(30)

    assert child.exitcode == 0
    assert slots.running() == [(2, 9, 3.5)]
