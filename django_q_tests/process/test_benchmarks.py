"""The benchmarks run, so that the day on which they are needed is not the day on which they are mended."""

import json
import subprocess
import sys

import pytest

from django_q_tests.support.own_database import ROOT


@pytest.mark.once  # they bring databases of their own
@pytest.mark.slow
def test_the_benchmarks_measure_a_small_queue():
    command = [sys.executable, "-m", "django_q_tests.benchmarks", "--database=sqlite", "--tasks=200", "--repeat=1"]

    done = subprocess.run(
        [*command, "--latencies=5", "--idle=1"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

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
