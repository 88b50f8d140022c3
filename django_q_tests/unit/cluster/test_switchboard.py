"""The sentinel waits for all its children at once."""

import os
from types import SimpleNamespace

import pytest

from django_q.cluster.channels import Frame, Inbox, Kind, Outbox
from django_q.cluster.switchboard import Switchboard


class Line:
    """What the switchboard sees of a child: real pipes, and no process behind them."""

    def __init__(self):
        self._fds = to_read, self.speaking = os.pipe()
        self.listening, to_write = os.pipe()
        alive, self._living = os.pipe()
        self._fds += (self.listening, to_write, alive, self._living)
        self.inbox, self.outbox = Inbox(to_read), Outbox(to_write)
        self.process = SimpleNamespace(sentinel=alive)

    def say(self):
        os.write(self.speaking, Frame(Kind.BEAT).pack())

    def close(self):
        for fd in self._fds:
            os.close(fd)


@pytest.fixture
def lines():
    made = [Line(), Line()]
    yield made
    for line in made:
        line.close()


@pytest.fixture
def switchboard():
    one = Switchboard()
    yield one
    one.close()


def test_it_tells_who_has_spoken(lines, switchboard):
    lines[1].say()

    assert switchboard.wait(lines, 5) == [lines[1]]


def test_what_found_no_room_is_written_when_there_is_room(lines, switchboard):
    large = Frame(Kind.TASKS, [], [bytes(1 << 20)])
    lines[0].outbox.push(large)
    assert not lines[0].outbox.is_empty

    received = 0
    while not lines[0].outbox.is_empty:
        received += len(os.read(lines[0].listening, 1 << 16))
        switchboard.wait(lines, 0)
    while received < len(large.pack()):
        received += len(os.read(lines[0].listening, 1 << 16))

    assert received == len(large.pack())


def test_it_waits_no_longer_for_whom_it_has_hung_up_on(lines, switchboard):
    switchboard.wait(lines, 0)
    switchboard.hang_up(lines[0])
    lines[0].say()

    assert switchboard.wait([lines[1]], 0) == []
