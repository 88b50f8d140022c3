"""The memory of processes, read from the kernel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from django_q.cluster import memory

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system has no /proc")

LARGE = 64 * 2**20


def child_that_holds(size):
    code = f"held = b'x' * {size}; print('there', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    return child


def end(child):
    child.communicate(b"\n")


def test_a_process_that_holds_more_is_larger():
    small, large = child_that_holds(1), child_that_holds(LARGE)
    try:
        found = memory.residents([small.pid, large.pid])
    finally:
        end(small), end(large)

    assert found[str(large.pid)] - found[str(small.pid)] == pytest.approx(LARGE / 1024, rel=0.1)


def test_a_process_that_has_gone_is_left_out():
    child = child_that_holds(1)
    end(child)

    assert memory.resident(child.pid) is None
    assert list(memory.residents([child.pid, os.getpid()])) == [str(os.getpid())]


def test_a_process_that_has_ended_and_was_not_asked_for_its_exit_code_holds_nothing():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert memory.resident(child.pid) == 0
    child.wait()


def test_the_host_has_more_than_it_has_left():
    found = memory.of_host()

    assert found["total"] >= found["available"] > 0
    assert found["total"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
