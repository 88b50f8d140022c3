"""The sentinel passes on the newest of each task, one batch at a time."""

import pytest

from django_q.cluster import relay as module
from django_q.cluster.relay import Relay
from django_q.kernel import clock


@pytest.fixture
def now(monkeypatch):
    """The moment, which stands still until the test moves it."""
    moment = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def relay(now):
    return Relay()


def header(number, id="a"):
    return id, float(number), None, ""


def told(frame):
    return None if frame is None else {id: done for id, done, _, _ in frame.headers}


def test_the_first_value_is_passed_on_at_once(relay):
    relay.take([header(1)])

    assert told(relay.next()) == {"a": 1}


def test_a_batch_is_followed_by_another_one_when_it_is_written_and_its_time_has_come(relay, now):
    relay.take([header(1)])
    relay.next()
    relay.take([header(2), header(1, "b")])

    now[0] += 10
    assert relay.next() is None  # the keeper has not written the first one
    relay.written()
    assert told(relay.next()) == {"a": 2, "b": 1}
    relay.take([header(3)])
    relay.written()
    now[0] += 0.2
    assert relay.next() is None
    now[0] += 0.1
    assert told(relay.next()) == {"a": 3}


def test_a_keeper_that_does_not_answer_costs_no_memory(relay, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 10)
    relay.take([header(0)])
    relay.next()

    for number in range(1000):
        relay.take([header(number, f"task {number % 20}")])
    relay.written()
    relay._sent_at = 0.0

    assert told(relay.next()) == {f"task {number % 20}": number for number in range(990, 1000)}


def test_a_full_batch_does_not_wait_for_its_time(relay, monkeypatch):
    monkeypatch.setattr(module, "_BATCH", 3)
    relay.take([header(number, f"task {number}") for number in range(7)])

    batches = []
    while (frame := relay.next()) is not None:
        batches.append(len(frame.headers))
        relay.written()

    assert batches == [3, 3]  # the rest is for the next time


def test_what_a_dead_keeper_was_told_is_told_again_unless_something_newer_came(relay, now):
    relay.take([header(1), header(1, "b")])
    relay.next()
    relay.take([header(2)])

    relay.again()

    now[0] += 1
    assert told(relay.next()) == {"a": 2, "b": 1}


def test_all_that_is_left_is_told_before_the_end(relay):
    relay.take([header(1)])
    relay.next()
    relay.take([header(2), header(5, "b")])

    assert told(relay.rest()) == {"a": 2, "b": 5}
    assert relay.rest() is None


def test_the_sentinel_need_not_hurry_while_a_batch_is_being_written(relay):
    assert not relay.is_waiting
    relay.take([header(1)])
    assert relay.is_waiting
    relay.next()
    relay.take([header(2)])
    assert not relay.is_waiting
