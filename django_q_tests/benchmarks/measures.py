"""What one run measures, in the order in which it does."""

import os
import random
import statistics
import time
from pathlib import Path
from typing import Any

import django
from django.db import connection, transaction

from django_q import Task, async_task
from django_q_tests.benchmarks import counting, processes
from django_q_tests.benchmarks.cluster import Cluster, Usage, wait_until_empty

NOOP = "django_q_tests.benchmarks.work.noop"
STAMP = "django_q_tests.benchmarks.work.stamp"
_ONE_BY_ONE = 2000  # at most: with a rollback journal each costs a sync of the disk


class Run:
    """The figures of one run, in the order in which they are measured."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        self.tasks: int = options["tasks"]
        self.workers: int = options["workers"]
        self.latencies: int = options["latencies"]
        self.idle: float = options["idle"]
        self.backlogs: list[int] = sorted(options["backlogs"])
        self.figures: dict[str, Any] = {}
        self.samples: dict[str, list[float]] = {}

    def measure(self) -> dict[str, Any]:
        """Fill a queue, start a cluster on it, let it idle, fill the queue again, stop it."""
        self._enqueue()
        self.cluster = Cluster(workers=self.workers, log=self.folder / "qcluster.log")
        try:
            self._start()
            self._latency()
            self._idle()
            self._drain()
            self._by_backlog()
            self.figures["memory_pss_mib"] = sum(each.pss() for each in self.cluster.members()) / 1024
            self.figures["stop_s"] = self.cluster.stop()
        finally:
            self.cluster.kill()
        self._check()
        return self.figures

    # The steps --------------------------------------------------------------------------------------------------------

    def _enqueue(self) -> None:
        """Enqueue one by one, then the rest in one transaction."""
        count = min(_ONE_BY_ONE, self.tasks // 5)
        self._timed_enqueue("enqueue_autocommit", count)
        with transaction.atomic():
            self._timed_enqueue("enqueue_in_one_transaction", self.tasks - count)

    def _timed_enqueue(self, name: str, count: int) -> None:
        before, wall, cpu = counting.read(os.getpid()), time.perf_counter(), time.process_time()
        for number in range(count):
            async_task(NOOP, number, 2)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.figures[f"{name}_per_s"] = count / wall
        self.figures[f"{name}_cpu_us"] = cpu / count * 1e6
        self.figures[f"{name}_statements"] = (counting.read(os.getpid()) - before).statements / count

    def _start(self) -> None:
        """Measure from the start of the process: to the first line of a task that waits, and to the empty queue."""
        path = self.folder / "start"
        async_task(STAMP, str(path), self.cluster.started, priority=10)
        wait_until_empty([self.cluster])
        elapsed = (time.monotonic_ns() - self.cluster.started) / 1e9
        self.figures["start_to_first_line_s"] = int(path.read_text()) / 1e9
        self.figures["drained_from_start_per_s"] = self.tasks / elapsed

    def _latency(self) -> None:
        """Measure from before async_task() to the first line of the task, in an idle cluster."""
        path = self.folder / "latency"
        for _ in range(self.latencies):
            time.sleep(random.uniform(0.02, 0.12))
            async_task(STAMP, str(path), time.monotonic_ns())
        wait_until_empty([self.cluster])
        found = sorted(int(line) / 1e6 for line in path.read_text().splitlines())
        for share in (50, 95, 99):
            self.figures[f"latency_p{share}_ms"] = found[min(len(found) - 1, len(found) * share // 100)]
        self.figures["latency_mean_ms"] = statistics.fmean(found)
        self.samples["latency_ms"] = [round(sample, 3) for sample in found]

    def _idle(self) -> None:
        time.sleep(min(3.0, self.idle))
        usage, began = Usage(self.cluster), time.monotonic()
        time.sleep(self.idle)
        used, elapsed = usage.read(), time.monotonic() - began
        self.figures["idle_queries_per_s"] = sum(used["statements"].values()) / elapsed
        self.figures["idle_queries_by_role"] = {role: n / elapsed for role, n in used["statements"].items() if n}
        self.figures["idle_cpu_s_per_20_s"] = sum(used["cpu"].values()) * 20 / elapsed
        self.figures["idle_cpu_by_role"] = {role: cpu * 20 / elapsed for role, cpu in used["cpu"].items()}

    def _drain(self) -> None:
        """Measure from the commit of a full queue to the last row of the history, in a cluster that was idle."""
        usage, steal = Usage(self.cluster), processes.steal()
        elapsed = self._drained(self.tasks)
        used = usage.read()
        self.figures["drained_per_s"] = self.tasks / elapsed
        self.figures["statements_per_task"] = sum(used["statements"].values()) / self.tasks
        self.figures["statements_by_role"] = used["statements"]
        self.figures["rows_by_executemany_per_task"] = used["rows"] / self.tasks
        self.figures["cpu_us_per_task"] = sum(used["cpu"].values()) / self.tasks * 1e6
        self.figures["cpu_us_per_task_by_role"] = {role: cpu / self.tasks * 1e6 for role, cpu in used["cpu"].items()}
        self.figures["server_cpu_us_per_task"] = used["server"] / self.tasks * 1e6
        self.figures["waited_us_per_task"] = used["waited"] / self.tasks * 1e6
        self.figures["load"] = os.getloadavg()[0]
        self.figures["steal_s"] = processes.steal() - steal

    def _by_backlog(self) -> None:
        """Measure the same with other numbers of tasks that wait."""
        found = {str(backlog): backlog / self._drained(backlog) for backlog in self.backlogs}
        if found:
            self.figures["drained_per_s_by_backlog"] = found

    def _drained(self, tasks: int) -> float:
        """Fill the queue in one transaction; return the seconds from its commit until the queue is empty."""
        committed: list[float] = []
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(time.monotonic()))
            for number in range(tasks):
                async_task(NOOP, number, 2)
        wait_until_empty([self.cluster])
        return time.monotonic() - committed[0]

    def _check(self) -> None:
        """See that every task has its row: a figure for work that was not done is none."""
        stored = Task.objects.filter(success=True).count()
        wanted = 2 * self.tasks + sum(self.backlogs) + self.latencies + 1
        if stored != wanted:
            raise RuntimeError(f"{stored} successes are in the history, not {wanted}.")


def conditions() -> dict[str, Any]:
    """Say on what database, with which durability, this ran."""
    asked = {
        "postgresql": ["SHOW server_version", "SHOW fsync", "SHOW synchronous_commit"],
        "mysql": ["SELECT version()", "SELECT @@innodb_flush_log_at_trx_commit", "SELECT @@sync_binlog"],
        "sqlite": ["SELECT sqlite_version()", "PRAGMA journal_mode", "PRAGMA synchronous"],
    }[connection.vendor]
    found = {}
    with connection.cursor() as cursor:
        for question in asked:
            cursor.execute(question)
            found[question.split()[-1]] = cursor.fetchone()[0]
    return {"vendor": connection.vendor, "django": django.__version__, **found}
