"""A worker sends the newest values of each task now and then, the last ones before the outcome."""

import os
import threading

import pytest

from django_q.cluster.channels import Frame, Kind, Sender
from django_q.cluster.courier import MOST, Courier
from django_q.engine.progress import PACE, Meter
from django_q.kernel import clock
from django_q_tests.support.eventually import eventually


class Pipe:
    """Stands for the way to the sentinel."""

    def __init__(self):
        self.sent = []
        self.has_room = True

    def send(self, advances, is_last):
        if not self.has_room and not is_last:
            return False
        self.sent.append([(advance.id, advance.done) for advance in advances])
        return True

    @property
    def last(self):
        return dict(pair for frame in self.sent for pair in frame)


@pytest.fixture
def pipe():
    return Pipe()


@pytest.fixture
def courier(pipe, monkeypatch):
    """A courier without its thread: the test is the thread."""
    made = Courier(pipe.send)
    monkeypatch.setattr(made, "_is_running", True)
    return made


def meters(courier, count):
    return [Meter(f"task {number}", courier) for number in range(count)]


def test_a_hundred_thousand_updates_are_one_message(courier, pipe):
    [meter] = meters(courier, 1)
    for number in range(100_000):
        meter.move(number, None, None)

    courier.deliver()

    assert pipe.sent == [[("task 0", 99_999)]]


def test_what_was_sent_is_not_sent_again(courier, pipe):
    [meter] = meters(courier, 1)
    meter.move(1, None, None)
    courier.deliver()

    courier.deliver()
    courier.close(meter)

    assert pipe.sent == [[("task 0", 1)]]


def test_the_end_of_an_attempt_sends_what_is_unsent_and_nothing_follows(courier, pipe):
    [meter] = meters(courier, 1)
    meter.move(1, None, None)
    courier.deliver()
    meter.move(2, None, None)

    courier.close(meter)
    meter.move(3, None, None)
    courier.deliver()

    assert pipe.sent == [[("task 0", 1)], [("task 0", 2)]]


def test_an_attempt_that_says_nothing_costs_nothing(courier, pipe):
    courier.close(None)
    courier.close(*meters(courier, 1))

    assert pipe.sent == []


def test_where_there_is_no_room_newer_values_take_the_place_of_older_ones(courier, pipe):
    many = meters(courier, 5)
    pipe.has_room = False
    for number in range(10):
        for meter in many:
            meter.move(number, None, None)
        courier.deliver()
    assert pipe.sent == []

    pipe.has_room = True
    courier.deliver()

    assert pipe.last == {meter.id: 9 for meter in many}
    assert sum(map(len, pipe.sent)) == 5


def test_the_last_values_wait_for_room(courier, pipe):
    [meter] = meters(courier, 1)
    pipe.has_room = False
    meter.move(1, None, None)
    courier.deliver()

    courier.close(meter)

    assert pipe.sent == [[("task 0", 1)]]


def test_a_frame_fits_into_what_a_pipe_promises_when_it_says_that_it_has_room():
    header = ("0" * 32, 1e308, 1e308, "\U0001f422" * 255)

    assert len(Frame(Kind.PROGRESS, [header] * MOST).pack()) <= 4096


def test_a_pipe_says_whether_it_has_room():
    reading, writing = os.pipe()
    sender = Sender(writing)
    os.set_blocking(writing, False)
    try:
        assert sender.has_room()
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writing, bytes(4096))
        assert not sender.has_room()
        os.read(reading, 8192)
        assert sender.has_room()
    finally:
        os.close(reading)
        os.close(writing)


def test_the_thread_sends_at_once_and_then_in_its_pace(pipe):
    courier = Courier(pipe.send)
    [meter] = meters(courier, 1)
    begun = clock.monotonic()
    while len(pipe.sent) < 4:
        meter.move(clock.monotonic() - begun, None, None)

    seconds = clock.monotonic() - begun

    assert seconds >= 3 * PACE
    assert pipe.sent[0][0][1] < PACE


def test_a_thread_that_could_not_be_started_is_no_error_of_the_task(pipe, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    courier = Courier(pipe.send)
    [meter] = meters(courier, 1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        meter.move(1, None, None)
    assert pipe.sent == []

    courier.close(meter)

    assert pipe.sent == [[("task 0", 1)]]


def test_two_threads_that_were_started_at_the_same_time_are_one(pipe):
    courier = Courier(pipe.send)
    before = threading.active_count()
    for meter in meters(courier, 50):
        meter.move(1, None, None)

    eventually(lambda: len(pipe.last) == 50, within=5)
    eventually(lambda: threading.active_count() <= before + 1, within=5)


def test_a_forked_child_sends_nothing(courier, pipe):
    [meter] = meters(courier, 1)
    courier.mute()

    meter.move(1, None, None)
    courier.deliver()
    courier.close(meter)

    assert pipe.sent == []
