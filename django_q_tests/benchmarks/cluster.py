"""The real ``qcluster`` of a run, and what it has used between two moments."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from django_q.kernel.states import TaskState
from django_q_tests.benchmarks import counting, processes
from django_q_tests.benchmarks.counting import Counts

_LOOK = 0.01


class Cluster:
    """A cluster in a process of its own; its log goes to a file."""

    def __init__(self, *, workers: int, log: Path) -> None:
        self.log = log
        self.started = time.monotonic_ns()
        command = [sys.executable, "-m", "django", "qcluster", "--workers", str(workers)]
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)

    def members(self) -> list[processes.Member]:
        return processes.tree(self.process.pid)

    def stop(self) -> float:
        """Ask it to stop and return how many seconds that took. Raises RuntimeError if it did not end well."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        if code:
            raise RuntimeError(f"The cluster exited with code {code}.\n{self.log.read_text()[-2000:]}")
        return time.monotonic() - began

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def require_alive(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"The cluster has ended by itself.\n{self.log.read_text()[-2000:]}")


def wait_until_empty(
    clusters: Sequence[Cluster], queues: Sequence[str] = ("default",), *, within: float = 900.0
) -> None:
    """Wait until nothing in these queues is ready or claimed; what left is in the history, by one transaction.

    Raises RuntimeError if a cluster ends meanwhile, or after so many seconds.
    """
    deadline = time.monotonic() + within
    # Named, so that an index finds it: to look must not cost what is measured.
    marks = ", ".join(["%s"] * len(queues))
    runnable = f"SELECT 1 FROM django_q_queue WHERE queue IN ({marks}) AND state IN (%s, %s) LIMIT 1"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(runnable, [*queues, TaskState.READY, TaskState.CLAIMED])
            if cursor.fetchone() is None:
                return
            for each in clusters:
                each.require_alive()
            if time.monotonic() > deadline:
                raise RuntimeError(f"The queue is not empty after {within:.0f} s.")
            time.sleep(_LOOK)


@dataclass
class Usage:
    """What the processes have used since it was made."""

    cluster: Cluster
    before: dict[int, tuple[str, int, Counts]] = field(init=False)
    reaped_before: int = field(init=False)
    waited_before: int = field(init=False)
    server_before: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.before = {each.pid: (each.role, each.cpu(), counting.read(each.pid)) for each in self.cluster.members()}
        self.waited_before = self._waited()
        self.reaped_before = processes.reaped_cpu(self.cluster.process.pid)
        self.server_before = self._server()

    def read(self) -> dict[str, Any]:
        """Return seconds of CPU by role, those of the server's processes, and the statements by role."""
        cpu: Counter[str] = Counter()
        statements: Counter[str] = Counter()
        rows = 0
        members = self.cluster.members()
        for each in members:
            _, cpu_before, counts_before = self.before.get(each.pid, ("", 0, Counts()))
            counts = counting.read(each.pid) - counts_before
            cpu[each.role] += (each.cpu() - cpu_before) / 1e9
            statements[each.role] += counts.statements
            rows += counts.rows
        # Workers are replaced after so many tasks: what the old ones used is found at the sentinel, which reaped them.
        reaped = processes.reaped_cpu(self.cluster.process.pid) - self.reaped_before
        gone = [self.before[pid] for pid in self.before.keys() - {each.pid for each in members}]
        cpu["worker"] += (reaped - sum(cpu_before for _, cpu_before, _ in gone)) / 1e9
        server = sum(spent - self.server_before.get(pid, 0) for pid, spent in self._server().items()) / 1e9
        waited = (self._waited() - self.waited_before) / 1e9
        return {"cpu": cpu, "waited": waited, "server": server, "statements": statements, "rows": rows}

    def _waited(self) -> int:
        return sum(each.waited() for each in self.cluster.members() if each.role != "worker")

    def _server(self) -> dict[int, int]:
        if connection.vendor != "postgresql":
            return {}
        connection.ensure_connection()
        name = str(connection.settings_dict["NAME"])
        own = connection.connection.info.backend_pid
        return {pid: processes.cpu_of(pid) for pid in processes.server_processes(name, but=own)}


def machine() -> dict[str, Any]:
    """Say on what this ran."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"cpus": os.cpu_count(), "model": models[:1], "python": sys.version.split()[0]}
