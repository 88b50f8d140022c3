"""Who a process is, and whether it is gone, as another process sees it."""

import os
import shutil
import subprocess
import sys

import pytest

from django_q.cluster import identity
from django_q_tests.support.own_database import ROOT

NOBODY = 65534
# Asks as another user, in a view of /proc that shows each user his own processes only.
ASKS = f"""
import os, sys
from django_q.cluster import identity
pid, started = int(sys.argv[1]), sys.argv[2]
identity.boot_id()  # so that all is imported that this user cannot read
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
print(identity.process_started(pid) or "nothing",
      identity.is_gone(host=identity.HOST, pid=pid, started=started, boot=identity.boot_id()))
"""


def is_gone(pid, started):
    return identity.is_gone(host=identity.HOST, pid=pid, started=started, boot=identity.boot_id())


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


@pytest.fixture
def ended(child):
    """A process that has ended, whose exit code nobody has asked for."""
    started = identity.process_started(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    child.stdin = None
    return child, started


def test_a_process_that_lives_is_not_gone(child):
    assert is_gone(child.pid, identity.process_started(child.pid)) is False


def test_a_process_that_has_ended_is_gone_before_and_after_it_is_reaped(ended):
    process, started = ended

    assert is_gone(process.pid, started) is True
    process.wait()
    assert is_gone(process.pid, started) is True


def test_another_process_under_the_same_number_is_not_the_one_that_was(child):
    assert is_gone(child.pid, "1") is True


def test_of_another_host_boot_or_namespace_nothing_is_known(child):
    started = identity.process_started(child.pid)

    assert identity.is_gone(host="elsewhere", pid=child.pid, started=started, boot=identity.boot_id()) is None
    assert identity.is_gone(host=identity.HOST, pid=child.pid, started=started, boot="another:pid:[1]") is None


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="only root can hide processes")
def test_a_process_of_another_user_that_the_system_hides_is_not_taken_for_gone(child):
    command = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh"]
    asks = [sys.executable, "-c", ASKS, str(child.pid), identity.process_started(child.pid)]
    done = subprocess.run([*command, *asks], cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode and "mount" in done.stderr:
        pytest.skip(f"/proc cannot be mounted here: {done.stderr}")

    assert done.stdout == "nothing None\n", done.stderr
