"""The benchmarks run, so that the day on which they are needed is not the day on which they are mended."""

import json
import signal
import subprocess
import sys

import pytest

from django_q_tests.support import databases
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT
from django_q_tests.support.peers import peer

COMMAND = [sys.executable, "-m", "django_q_tests.benchmarks", "--tasks=200", "--repeat=1", "--latencies=5", "--idle=1"]


@pytest.mark.once  # they bring databases of their own
@pytest.mark.slow
def test_the_benchmarks_measure_a_small_queue():
    done = subprocess.run([*COMMAND, "--database=sqlite"], cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[0])
    figures = record["figures"]
    assert record["variant"] == "sqlite"
    assert figures["drained_per_s"] > 0
    assert 0 < figures["statements_per_task"] < 2
    assert figures["enqueue_in_one_transaction_statements"] == 1
    assert 0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"]
    assert figures["memory_pss_mib"] > 0
    assert "drained, tasks/s" in done.stdout


@pytest.mark.once
@pytest.mark.slow
def test_the_cluster_is_measured_under_strain(tmp_path):
    few = ["--tasks=100", "--waiting=200", "--history=300", f"--output={tmp_path / 'figures.json'}"]
    chosen = [f"--only={name}" for name in ("queues", "deferred", "waiting", "coroutines", "history")]
    command = [sys.executable, "-m", "django_q_tests.benchmarks.conditions", "--database=sqlite-wal", *few, *chosen]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)

    assert done.returncode == 0, done.stderr
    [record] = json.loads((tmp_path / "figures.json").read_text())
    assert set(record["figures"]) == {"empty", "queues", "deferred", "waiting", "coroutines", "history"}
    assert min(record["figures"].values()) > 0
    assert record["figures"]["coroutines"] < 30  # one after the other they rest for 50 seconds


@pytest.mark.once
@pytest.mark.slow
def test_the_benchmarks_measure_another_package_beside_ours(tmp_path):
    peer("django-q2")
    chosen = ["--database=sqlite-wal", "--only=ours", "--only=django-q2-sqlite-wal", "--backlogs=100"]
    command = [*COMMAND, *chosen, f"--output={tmp_path / 'figures.json'}"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)

    assert done.returncode == 0, done.stderr
    ours, theirs = json.loads((tmp_path / "figures.json").read_text())["records"]
    assert (ours["system"], theirs["system"]) == ("ours", "django-q2-sqlite-wal")
    assert theirs["figures"]["drained"] == 200
    for record in (ours, theirs):
        assert record["figures"]["drained_per_s"] > 0
        assert record["figures"]["drained_per_s_by_backlog"]["100"] > 0
        assert len(record["samples"]["latency_ms"]) == 5
    assert "django-q2 on SQLite (WAL), tuned" in done.stdout.splitlines()[-1]


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("system", ["ours", "django-q2-sqlite-wal"])
def test_benchmarks_that_are_terminated_leave_no_worker_behind(system):
    peer("django-q2")
    command = [*COMMAND, "--database=sqlite-wal", f"--only={system}", "--latencies=1000"]

    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        left = eventually(lambda: workers_of(run.pid), within=60)
        run.terminate()
        assert run.wait(60) == 128 + signal.SIGTERM

    assert [pid for pid in left if databases.is_alive(pid)] == []


def workers_of(parent: int) -> list[int]:
    """Return the sessions that a process has begun: each has a worker of another package in it."""
    found = subprocess.run(["ps", "-o", "pid=,sid=", "--ppid", str(parent)], capture_output=True, text=True).stdout
    return [int(pid) for pid, session in map(str.split, found.splitlines()) if pid == session]
