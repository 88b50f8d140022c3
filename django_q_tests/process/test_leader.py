"""The leader of a process group: one request to end for its program, and nothing left of the group."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from django_q import management
from django_q_tests.support.clusters import runs
from django_q_tests.support.eventually import eventually

pytestmark = [pytest.mark.once, pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")]

LEADER = str(Path(management.__file__).parent / "leader.py")
# Counts the requests to end in a file, and ends when it reads a line.
COUNTS = """
import signal, sys
def told(*_):
    with open(sys.argv[1], "a") as file:
        file.write("asked ")
signal.signal(signal.SIGTERM, told)
print("ready", flush=True)
sys.stdin.readline()
sys.exit(7)
"""
LEAVES_ONE_BEHIND = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(left.pid, flush=True)
left.wait()
"""
STARTS_A_LEADER = """
import subprocess, sys
leader = subprocess.Popen(sys.argv[1:], start_new_session=True)
print(leader.pid, flush=True)
leader.wait()
"""


def start(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def line_of(process: "subprocess.Popen[str]") -> str:
    return process.stdout.readline().strip()


@pytest.mark.parametrize("code", [0, 3])
def test_it_ends_as_its_program_does(code):
    with start(LEADER, sys.executable, "-c", f"raise SystemExit({code})") as leader:
        assert leader.wait(30) == code


def test_it_tells_which_signal_ended_its_program():
    with start(LEADER, sys.executable, "-c", "import os; os.kill(os.getpid(), 9)") as leader:
        assert leader.wait(30) == 128 + signal.SIGKILL


def test_its_program_is_asked_once_however_often_it_is_asked(tmp_path):
    note = tmp_path / "note"
    with start(LEADER, sys.executable, "-c", COUNTS, str(note)) as leader:
        assert line_of(leader) == "ready"
        for _ in range(5):
            leader.terminate()
        eventually(note.exists)
        leader.send_signal(signal.SIGINT)
        leader.stdin.write("end\n")
        leader.stdin.flush()

        assert leader.wait(30) == 7
    assert note.read_text() == "asked "


def test_it_kills_what_is_left_when_who_started_it_was_killed():
    command = [LEADER, sys.executable, "-c", LEAVES_ONE_BEHIND]
    with start("-c", STARTS_A_LEADER, sys.executable, *command) as starter:
        numbers = {int(line_of(starter)) for _ in range(2)}
        first, second = sorted(numbers)
        starter.kill()
        starter.wait(30)
        os.kill(first, signal.SIGTERM)  # what the death of its parent sends it in qdev

        eventually(lambda: not runs(first) and not runs(second), within=30)
