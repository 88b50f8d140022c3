"""Children of a command: what they print, and how they end."""

import io
import os
import signal
import subprocess
import sys

import pytest

from django_q.kernel import clock
from django_q.management.processes import Child, Screen, ShownChild, end_all, how_it_ended
from django_q_tests.support.clusters import runs
from django_q_tests.support.eventually import eventually

SLEEP = "import time\nprint('there', flush=True)\ntime.sleep(600)"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n{SLEEP}"


@pytest.fixture
def start():
    children = []

    def start(code, screen=None, **options):
        child = ShownChild("demo", [sys.executable, "-c", code], environment=os.environ, screen=screen, **options)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.conclude()


def until_says(child, line, times=1):
    eventually(lambda: list(child.lines).count(line) >= times, within=20, saying=lambda: list(child.lines))


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_lines_stand_under_the_name_of_their_process(start):
    stream = io.StringIO()

    child = start("print('one'); import sys; print('two', file=sys.stderr)", Screen(stream))
    child.conclude()

    assert sorted(stream.getvalue().splitlines()) == ["demo    | one", "demo    | two"]


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = {}
    cases = {"tty": (Terminal(), None), "file": (io.StringIO(), None), "forced": (io.StringIO(), True)}
    for case, (stream, colour) in cases.items():
        Screen(stream, colour=colour).show("site", "x")
        shown[case] = "\x1b[" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    Screen(stream := Terminal()).show("site", "x")

    assert shown == {"tty": True, "file": False, "forced": True}
    assert "\x1b" not in stream.getvalue()


def test_each_process_has_a_colour_of_its_own():
    screen = Screen(stream := Terminal(), colour=True)
    for name in ("site", "cluster", "site"):
        screen.show(name, "")

    first, second, third = (line.split("m")[0] for line in stream.getvalue().splitlines())
    assert first == third != second


def test_a_terminal_that_is_gone_stops_nobody(start):
    child = start("for n in range(20_000): print(n)", Screen(Gone()))

    assert child.conclude() == 0
    assert child.lines[-1] == "19999"


def test_all_are_asked_to_end_at_once(start):
    children = [start(SLEEP), start(SLEEP)]
    for child in children:
        until_says(child, "there")

    end_all(children, grace=60, patience=60)

    assert [child.exit_code for child in children] == [-signal.SIGTERM] * 2


def test_after_the_grace_they_are_asked_again_and_then_killed(start):
    child = start(STUBBORN)
    until_says(child, "there")

    end_all([child], grace=0.2, patience=0.6)

    assert child.exit_code == -signal.SIGKILL
    assert list(child.lines) == ["there", "no", "no"]


def test_somebody_in_a_hurry_ends_the_grace(start):
    child = start(STUBBORN)
    until_says(child, "there")
    started = clock.monotonic()

    def presses():
        return 2 if "no" in child.lines else 1

    end_all([child], grace=600, patience=1, presses=presses)

    assert list(child.lines) == ["there", "no", "no"]
    assert clock.monotonic() - started < 60


def test_what_a_process_left_in_its_group_ends_with_it_if_wanted(start):
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True)"
    kept, ended = start(code), start(code, kills_rest=True)
    eventually(lambda: kept.lines and ended.lines, within=20)

    end_all([kept, ended], grace=60, patience=60)

    eventually(lambda: not runs(int(ended.lines[0])), within=20)
    assert runs(int(kept.lines[0]))


def test_killing_what_has_ended_changes_nothing():
    child = Child("demo", [sys.executable, "-c", ""])
    child.conclude()

    child.ask_to_end()
    child.kill()

    assert child.exit_code == 0


def test_an_end_is_said_in_words():
    assert how_it_ended(0) == "ended with exit code 0"
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(-77) == "was killed by signal 77"


def test_a_child_whose_parent_died_before_it_could_ask_ends_at_once():
    reading, writing = os.pipe()
    code = (
        "import os, sys\n"
        "from django_q.management.processes import _end_with\n"
        f"_end_with(os.getppid() + 1, lambda *args: os.write({writing}, b'asked'))\n"
        f"os.write({writing}, b' and lived')\n"
    )

    done = subprocess.run([sys.executable, "-c", code], pass_fds=[writing], check=False)
    os.close(writing)

    assert (done.returncode, os.read(reading, 100)) == (1, b"asked")
    os.close(reading)
