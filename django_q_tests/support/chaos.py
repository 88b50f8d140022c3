"""Random kills at every process of some clusters, and who is to answer for each task that ran twice."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django_q.engine.context import current_task
from django_q_tests.support.clusters import ClusterProcess, Process, send

SERVER = "fork server"
LEDGER = 20.0  # seconds for which a task that ran may wait in a ledger until it is recorded, at the very most


def note(path: str, seconds: float) -> int:
    """Say in one write which task runs where and when, then take a while."""
    task = current_task()
    assert task is not None
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, f"{task.id} {os.getpid()} {os.getsid(0)} {time.monotonic_ns()}\n".encode())
    os.close(file)
    time.sleep(seconds)
    return os.getpid()


@dataclass(frozen=True, slots=True)
class Execution:
    """One line of the file: a task that began to run."""

    task: str
    pid: int
    sentinel: int  # its cluster leads a session
    moment: float


@dataclass(frozen=True, slots=True)
class Kill:
    """What the test did."""

    pid: int
    role: str
    moment: float
    cluster: int  # the session of the cluster


class Havoc:
    """Kills processes of clusters at random and remembers whom and when."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kills: list[Kill] = []

    def strike(self, clusters: list[ClusterProcess]) -> Kill | None:
        """Kill one process of any of the clusters. None: it had just ended by itself."""
        members = [(one, member) for one in clusters for member in self._members(one)]
        cluster, victim = self.random.choice(members)
        # A child that was forked a moment ago still bears its parent's title.
        role = "sentinel" if victim.pid == cluster.pid else victim.role.replace("sentinel", "newborn")
        # What bears no title of ours is the fork server, with which all its children count as dead, or its helper.
        role = role or SERVER
        try:
            os.kill(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        self.kills.append(Kill(victim.pid, role, time.monotonic(), cluster.pid))
        return self.kills[-1]

    def by_role(self) -> Counter[str]:
        return Counter(kill.role for kill in self.kills)

    def blamed_for(self, execution: Execution) -> Kill | None:
        """Return the kill because of which this execution left no trace: of the sentinel that it told, of the fork
        server, whose children the sentinel then kills, or of its process.

        The head of the cluster first: what it knew of a worker that was killed too is lost with it, task by task.
        """
        blamed: Kill | None = None
        for kill in self.kills:
            passed = kill.moment - execution.moment
            if kill.role in ("sentinel", SERVER) and kill.cluster == execution.sentinel and -1 < passed < LEDGER:
                return kill
            if kill.pid == execution.pid and passed > -1:
                blamed = blamed or kill
        return blamed

    def _members(self, cluster: ClusterProcess) -> list[Process]:
        return sorted(cluster.family(), key=lambda member: member.pid)


def executions(path: str | Path) -> dict[str, list[Execution]]:
    """Return the executions of each task in their order."""
    found: dict[str, list[Execution]] = {}
    for line in Path(path).read_text().splitlines():
        task, pid, sentinel, moment = line.split()
        found.setdefault(task, []).append(Execution(task, int(pid), int(sentinel), int(moment) / 1e9))
    return found


def end(cluster: ClusterProcess) -> None:
    """Wait until what is left of a cluster whose sentinel was killed has ended too; make sure after a while."""
    deadline = time.monotonic() + 40  # one that was just started has to come to itself first
    while cluster.family() and time.monotonic() < deadline:
        time.sleep(0.02)
    left = cluster.family()
    for member in left:
        send(member.pid, signal.SIGKILL)
    assert not left, f"outlived their sentinel: {left}"
