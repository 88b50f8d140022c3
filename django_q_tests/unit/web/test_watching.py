"""One look for all who watch."""

import asyncio
import logging
import os
import threading

import pytest
from django.db import DatabaseError

from django_q.exceptions import TooManyViewers
from django_q.web.watching import Watcher
from django_q_tests.support.eventually import eventually

pytestmark = pytest.mark.once
PATIENCE = 20.0  # seconds; what a busy machine may need, never what a test waits for


class Table:
    """What is read, and how often."""

    def __init__(self):
        self.values = {"a": 1, "b": 1}
        self.looks = []
        self.error = None
        self.was_looked_at = threading.Event()

    def read(self, keys):
        self.looks.append(set(keys))
        self.was_looked_at.set()
        if self.error is not None:
            raise self.error
        return {key: self.values[key] for key in keys if key in self.values}


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def resting(table, monkeypatch):
    """A watcher that looks when it is told."""
    watcher = Watcher(table.read, name="a test")
    monkeypatch.setattr(watcher.circle, "_begin", lambda: None)
    return watcher


@pytest.fixture
def restless(table):
    """A watcher with its thread."""
    return Watcher(table.read, name="a test", interval=0.001)


def test_all_who_watch_cost_one_look(resting, table):
    viewers = [resting.watch(key, 1, most=10) for key in "aaab"]

    table.values = {"a": 2, "b": 3}
    resting.circle.look()

    assert table.looks == [{"a", "b"}]
    assert [viewer.news() for viewer in viewers] == [[2], [2], [2], [3]]


def test_what_has_not_changed_is_no_news(resting):
    viewer = resting.watch("a", 1, most=1)

    resting.circle.look()

    assert viewer.news() == []


def test_who_is_slow_hears_only_what_is_newest(resting, table):
    viewer = resting.watch("a", 1, most=1)
    for table.values["a"] in (2, 3, 4):
        resting.circle.look()

    assert viewer.news() == [4]
    assert viewer.news() == []


def test_what_is_gone_is_news_once(resting, table):
    viewer = resting.watch("a", 1, most=1)
    del table.values["a"]
    resting.circle.look()
    resting.circle.look()

    assert viewer.news() == [None]
    resting.circle.look()
    assert viewer.news() == []


def test_who_left_is_not_asked_for(resting, table):
    viewer = resting.watch("a", 1, most=2)
    resting.watch("b", 1, most=2)
    viewer.close()
    viewer.close()

    resting.circle.look()

    assert table.looks == [{"b"}]


def test_no_more_may_watch_than_there_is_room_for(resting):
    viewer = resting.watch("a", 1, most=1)
    with pytest.raises(TooManyViewers):
        resting.watch("b", 1, most=1)
    viewer.close()

    resting.watch("b", 1, most=1)


def test_a_database_that_cannot_be_asked_is_said_once_and_asked_again(resting, table, caplog):
    viewer = resting.watch("a", 1, most=1)
    table.values["a"], table.error = 2, DatabaseError("it is away")

    with caplog.at_level(logging.WARNING, "django_q.web"):
        assert [resting.circle.look(), resting.circle.look()] == [False, False]
    table.error = None

    assert resting.circle.look() is True
    assert viewer.news() == [2]
    assert [record.message for record in caplog.records] == [
        "What is watched (a test) cannot be read and is tried again: it is away"
    ]


def test_the_thread_lives_while_somebody_watches(restless, table):
    assert restless.circle.thread is None
    first, second = restless.watch("a", 1, most=2), restless.watch("b", 1, most=2)
    thread = restless.circle.thread

    first.close()
    assert table.was_looked_at.wait(PATIENCE)
    assert thread.is_alive()
    second.close()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    again = restless.watch("a", 1, most=1)
    assert restless.circle.thread is not thread
    again.close()


def test_a_thread_that_died_is_replaced_for_the_next_who_comes(restless, table):
    table.error = KeyError("a bug")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda arguments: None)
        first = restless.watch("a", 1, most=2)
        restless.circle.thread.join(PATIENCE)
    table.error, table.values["a"] = None, 2

    second = restless.watch("b", 1, most=2)

    first.wait(PATIENCE)
    assert first.news() == [2]
    first.close(), second.close()


def test_a_thread_waits_for_news(restless, table):
    viewer = restless.watch("a", 1, most=1)
    table.values["a"] = 2

    viewer.wait(PATIENCE)

    assert viewer.news() == [2]
    viewer.close()


def test_a_coroutine_waits_for_news_without_holding_up_others(restless, table):
    async def watch():
        viewer = restless.watch("a", 1, most=1)
        waiting = asyncio.create_task(viewer.await_news(PATIENCE))
        await asyncio.sleep(0)
        table.values["a"] = 2
        await waiting
        news = viewer.news()
        await viewer.await_news(0.001)
        return viewer, news, viewer.news()

    viewer, news, later = asyncio.run(watch())

    assert (news, later) == ([2], [])
    # The loop is closed, and with it whoever watched.
    table.values["a"] = 3
    eventually(lambda: len(restless.circle) == 0, within=PATIENCE)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_that_was_forked_meanwhile_looks_for_itself(restless, table):
    viewer = restless.watch("a", 1, most=1)
    reading, writing = os.pipe()
    if pid := os.fork():
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert pipe.read() == "[2]"
        assert os.waitpid(pid, 0)[1] == 0
        viewer.close()
        return
    try:  # the child must not go on with the tests
        table.values["a"] = 2
        own = restless.watch("a", 1, most=1)
        own.wait(PATIENCE)
        os.write(writing, str(own.news()).encode())
    finally:
        os._exit(0)
