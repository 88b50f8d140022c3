"""Frames arrive whole, in order, or not at all."""

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_q.cluster.channels import Decoder, Frame, Inbox, Kind, Outbox, Receiver, Sender, close_all, widen

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
frames = st.builds(
    Frame, st.sampled_from(Kind), st.lists(st.lists(plain).map(tuple), max_size=4), st.lists(st.binary(), max_size=4)
)


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    close_all(ends)


def plainly(frame):
    return frame.kind, list(frame.headers), list(frame.letters)


@given(st.lists(frames, max_size=5), st.integers(1, 40))
def test_a_stream_cut_anywhere_gives_the_same_frames(sent, size):
    stream = b"".join(frame.pack() for frame in sent)
    decoder, received = Decoder(), []
    for start in range(0, len(stream), size):
        received += decoder.feed(stream[start : start + size])

    assert list(map(plainly, received)) == list(map(plainly, sent))


def test_a_frame_that_is_cut_off_never_arrives(pipe):
    reading, writing = pipe
    inbox = Inbox(reading)
    os.write(writing, Frame(Kind.OUTCOMES, [(1,)], [b"x" * 100]).pack()[:-1])
    os.close(writing)

    assert inbox.frames() == []
    assert inbox.frames() == []
    assert inbox.closed


def test_a_child_waits_for_the_next_frame_and_hears_of_the_end(pipe):
    reading, writing = pipe
    receiver, sender = Receiver(reading), Sender(writing)
    sender.send(Kind.TASKS, [(1, "a")], [b"letter"])
    sender.send(Kind.STOP)

    assert plainly(receiver.receive()) == (Kind.TASKS, [(1, "a")], [b"letter"])
    assert plainly(receiver.receive()) == (Kind.STOP, [], [])
    os.close(writing)
    assert receiver.receive() is None
    assert receiver.closed


def test_pending_returns_what_is_there_without_waiting(pipe):
    reading, writing = pipe
    receiver, sender = Receiver(reading), Sender(writing)

    assert receiver.pending() == []
    sender.send(Kind.STOP)
    sender.send(Kind.READY)
    assert [frame.kind for frame in receiver.pending()] == [Kind.STOP, Kind.READY]


def test_a_full_pipe_does_not_block_the_sentinel(pipe):
    reading, writing = pipe
    widen(writing)
    outbox, receiver = Outbox(writing), Receiver(reading)
    letter = os.urandom(3 * 2**20)

    outbox.push(Frame(Kind.TASKS, [(1,)], [letter]))
    outbox.push(Frame(Kind.STOP))
    assert not outbox.is_empty

    received = []
    thread = threading.Thread(target=lambda: received.extend([receiver.receive(), receiver.receive()]))
    thread.start()
    while not outbox.is_empty:
        outbox.flush()
    thread.join()
    assert received[0].letters == [letter]
    assert received[1].kind is Kind.STOP


def test_a_reader_that_is_gone_swallows_what_is_left(pipe):
    reading, writing = pipe
    outbox = Outbox(writing)
    os.close(reading)

    outbox.push(Frame(Kind.STOP))

    assert outbox.is_empty


def test_a_child_notices_that_nobody_reads(pipe):
    reading, writing = pipe
    os.close(reading)

    with pytest.raises(BrokenPipeError):
        Sender(writing).send(Kind.READY)
