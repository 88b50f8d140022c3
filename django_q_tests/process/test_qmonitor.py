"""``manage.py qmonitor`` and ``qmemory`` as a person meets them: in a terminal, beside a real cluster."""

import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from django_q_tests.support.clusters import ALERT, Drill
from django_q_tests.support.own_database import ROOT, OwnDatabase
from django_q_tests.support.screens import PATIENCE, Screened

pytestmark = pytest.mark.once

UP, DOWN, RIGHT = "\x1b[A", "\x1b[B", "\x1b[C"

Opener = Callable[..., Screened]


@pytest.fixture
def screen(own_database: OwnDatabase) -> Iterator[Opener]:
    """Start a command in a terminal, on the database of the test."""
    started: list[Screened] = []

    def start(*words: str, **terminal: Any) -> Screened:
        started.append(Screened(*words, env=own_database.env_with(), folder=ROOT, **terminal))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_a_task_is_found_and_canceled_and_the_terminal_is_left_as_it_was(drill: Drill, screen: Opener):
    drill.start(workers=1, **ALERT)
    task = drill.hold()
    one = screen("qmonitor", "--interval", "0.2")
    one.until_shows("Host", "working", "Queued 0 (1 claimed)", "1 Clusters  2 Running")

    one.resize(50, 12)
    shown = one.until_shows("Host", "q quit")
    assert len(shown) == 12 and shown[-1].startswith(" q quit") and "Busy" not in shown[2]
    one.resize(150, 30)
    one.until_shows("Host", "Busy")

    one.press(RIGHT)
    one.until_shows("mishaps.work_until", "C cancel")
    one.press("C")
    one.until_shows("Cancel ", "y  yes")
    one.press("y")
    one.until_shows("Canceled ")
    assert drill.until_ended(task).reason == "canceled"
    one.press("5")
    one.until_shows("canceled", "R requeue")
    one.press("\r")
    one.until_shows("ended      ", "TaskCanceled")

    one.press("q")

    assert one.exit_code() == 0
    assert one.is_restored() and one.afterwards() == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_that_ends_it_leaves_the_terminal_as_it_was(screen: Opener, number: int, code: int):
    one = screen("qmonitor")
    one.until_shows("no cluster runs; start manage.py qcluster")

    one.press("\x03") if number == signal.SIGINT else os.kill(one.process.pid, number)

    assert one.exit_code() == code
    assert one.is_restored() and "Traceback" not in one.afterwards()


def test_suspending_it_does_not_leave_its_screen_behind(screen: Opener):
    one = screen("qmonitor")
    one.until_shows("no cluster runs")

    one.press("\x1a?")

    one.until_shows("another tab")


def test_a_lost_database_is_told_and_tried_again(screen: Opener, own_database: OwnDatabase):
    one = screen("qmonitor", "--interval", "0.2")
    one.until_shows("no cluster runs")
    away = Path(own_database.name + ".away")

    Path(own_database.name).rename(away)
    one.until_shows("The database 'default' cannot be read", "It is tried again and again")
    one.press("?")
    one.until_shows("another tab")
    one.press("?")
    away.replace(own_database.name)

    one.until_shows("no cluster runs")
    one.press("q")
    assert one.exit_code() == 0


def test_while_a_database_does_not_answer_keys_do(screen: Opener, own_database: OwnDatabase):
    one = screen("qmonitor", "--interval", "0.2")
    one.until_shows("no cluster runs")

    with closing(sqlite3.connect(own_database.name, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(5):
            one.press("?")
            one.until_shows("another tab", within=2)
            one.press("?")
            one.until_shows("no cluster runs", within=2)
        one.until_shows("The database has not answered for 5 s.")
        other.rollback()
    one.until_shows("no cluster runs")

    with closing(sqlite3.connect(own_database.name, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        one.press("2q")
        assert one.exit_code() == 0 and one.is_restored()


def test_a_window_of_any_size_will_do(screen: Opener):
    one = screen("qmonitor", "--interval", "0.2", width=20, height=5)
    one.until_shows("no cluster")

    for width, height in ((1, 1), (3, 2), (200, 60), (20, 5)):
        one.resize(width, height)
        one.press("3" if width == 200 else "1")
        one.until_shows("nothing waits" if width == 200 else "n" if width > 3 else "")

    one.press("q")
    assert one.exit_code() == 0 and one.is_restored()


def test_a_terminal_that_answers_no_question_is_not_waited_for_long(screen: Opener):
    one = screen("qmonitor", is_mute=True)

    one.until_shows("no cluster runs", within=PATIENCE / 2)
    one.press("q")

    assert one.exit_code() == 0


def test_without_colours_it_is_a_screen_all_the_same(screen: Opener, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    one = screen("qmonitor", "--tab", "failures")

    one.until_shows("nothing has failed")
    one.press("q")

    assert one.exit_code() == 0 and one.is_restored()
    assert not re.search(r"\x1b\[[0-9;]*[349][0-7]m", one.raw)


def test_a_dumb_terminal_gets_a_table(screen: Opener):
    one = screen("qmonitor", term="dumb")

    assert one.exit_code() == 0
    assert "no cluster runs; start manage.py qcluster" in one.raw and "\x1b" not in one.raw


def test_the_memory_is_watched_in_the_same_way(drill: Drill, screen: Opener):
    drill.start(workers=2, **ALERT)
    one = screen("qmemory", "--workers", "--interval", "0.2", width=200)

    one.until_shows("Available (MB)", "Worker 2 (MB)", "Available lowest (MB): ")
    one.press("w")
    one.until_shows("Workers (MB)")
    one.press("q")

    assert one.exit_code() == 0 and one.is_restored()
