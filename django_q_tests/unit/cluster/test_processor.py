"""The processor time of processes, read from the kernel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from django_q.cluster.processor import ProcessorTime, seconds_used
from django_q_tests.support.eventually import eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")


@pytest.fixture
def busy():
    """A process that never rests."""
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield child.pid
    child.kill()
    child.wait()


@pytest.fixture
def resting():
    """A process that waits to be ended."""
    child = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1)
    child.stdout.readline()
    yield child.pid
    child.communicate(b"\n")


def test_a_process_that_never_rests_is_told_from_one_that_does(busy, resting):
    used = ProcessorTime()
    assert used.percent([busy, resting]) is None  # nothing to compare with
    eventually(lambda: seconds_used(busy) > 0.3)

    alone = ProcessorTime()
    alone.percent([resting])

    assert used.percent([busy, resting]) > 5
    assert alone.percent([resting]) == 0.0


def test_a_process_that_has_gone_or_has_come_does_not_count(busy, resting):
    used = ProcessorTime()
    eventually(lambda: seconds_used(busy) > 0.1)
    used.percent([resting, 2**22 + 1])

    assert used.percent([busy, resting, 2**22 + 1]) == 0.0
    assert seconds_used(2**22 + 1) is None


def test_the_time_of_this_process_is_what_it_says_itself():
    assert seconds_used(os.getpid()) == pytest.approx(sum(os.times()[:2]), abs=0.5)
