"""How other packages are driven: what is read of their work, and when their processes run."""

import sqlite3
import struct
import sys

import pytest

from django_q_tests.benchmarks import driving
from django_q_tests.benchmarks.sessions import Session

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("both run", flush=True)
time.sleep(600)
"""


@pytest.fixture
def session(tmp_path):
    """A worker with a child of its own."""
    log = tmp_path / "log"
    made = Session([sys.executable, "-c", PARENT], env={}, log=log, cwd=tmp_path)
    while "both run" not in made.log_tail():
        made.require_alive()
    yield made
    made.end()


def test_all_processes_of_a_worker_stand_still_while_it_is_held(session):
    session.hold(None)

    assert len(session.pids()) == 2
    assert session.stands_still

    session.go_on()

    assert not session.stands_still


def test_a_worker_is_not_held_while_it_has_the_file_locked(session, tmp_path, monkeypatch):
    monkeypatch.setattr("django_q_tests.benchmarks.sessions._HOLD", 0.1)
    writer = sqlite3.connect(tmp_path / "file.sqlite3", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")

    with pytest.raises(RuntimeError, match="could not be held"):
        session.hold(tmp_path / "file.sqlite3")

    writer.execute("ROLLBACK")
    writer.close()
    session.hold(tmp_path / "file.sqlite3")
    assert session.stands_still


def test_all_processes_of_a_worker_are_ended_even_if_they_are_held(session):
    session.hold(None)

    session.end()

    assert session.pids() == []


def test_a_worker_that_ended_by_itself_is_told_with_its_log(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no broker')"]
    session = Session(command, env={}, log=tmp_path / "log", cwd=tmp_path)
    session.process.wait(30)

    with pytest.raises(RuntimeError, match="no broker"):
        session.require_alive()


def test_what_tasks_have_counted_is_summed_over_their_processes(tmp_path):
    folder = tmp_path / "tally"
    folder.mkdir()
    for pid, number in ((1, 40), (2, 2)):
        (folder / str(pid)).write_bytes(struct.pack("=Q", number))
    (folder / "3").touch()  # its process has just begun

    assert driving.tallied(tmp_path) == 42


def test_percentiles_are_those_of_the_samples():
    found = driving.latency_figures([float(number) for number in range(100, 0, -1)])

    assert (found["latency_p50_ms"], found["latency_p99_ms"], found["latency_samples"]) == (51, 100, 100)


def test_no_samples_are_no_figures():
    with pytest.raises(driving.Unfinished):
        driving.latency_figures([])
