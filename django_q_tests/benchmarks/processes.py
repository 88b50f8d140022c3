"""What /proc says of the cluster's processes and of the server's: who they are, their CPU time, their memory."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
ROLES = ("sentinel", "pusher", "worker", "monitor", "keeper")


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a cluster."""

    pid: int
    role: str

    def cpu(self) -> int:
        """Return the nanoseconds of CPU that its threads have used."""
        return cpu_of(self.pid)

    def waited(self) -> int:
        """Return the nanoseconds in which its threads could have run and had no CPU."""
        return _schedstat(self.pid, 1)

    def pss(self) -> int:
        """Return its share of the memory, in kilobytes."""
        try:
            for line in (_PROC / str(self.pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1])
        except OSError:
            return 0
        return 0


def cpu_of(pid: int) -> int:
    """Return the nanoseconds of CPU that the threads of a process have used."""
    return _schedstat(pid, 0)


def _schedstat(pid: int, field: int) -> int:
    found = 0
    for thread in (_PROC / str(pid) / "task").glob("*/schedstat"):
        try:
            found += int(thread.read_text().split()[field])
        except (OSError, IndexError):
            continue
    return found


def reaped_cpu(pid: int) -> int:
    """Return the nanoseconds of CPU that the children used which a process has buried, in ticks of the clock."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def tree(sentinel: int) -> list[Member]:
    """Return the processes of a cluster, told apart by their titles."""
    found = [Member(sentinel, "sentinel")]
    for pid in _children(sentinel):
        role = next((word for word in title(pid).split() if word in ROLES), "other")
        found.append(Member(pid, role))
    return found


def title(pid: int) -> str:
    """Return what ``ps`` shows of a process; empty when it is gone."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def server_processes(database: str, *, but: int = 0) -> list[int]:
    """Return PostgreSQL's backends for a database, which show its name in their titles."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and int(entry.name) != but:
            shown = title(int(entry.name))
            if shown.startswith("postgres:") and f" {database} " in shown:
                found.append(int(entry.name))
    return found


def _children(parent: int) -> list[int]:
    pids: list[int] = []
    for thread in (_PROC / str(parent) / "task").glob("*/children"):
        try:
            pids += map(int, thread.read_text().split())
        except OSError:
            continue
    return pids or _children_by_status(parent)


def _children_by_status(parent: int) -> list[int]:
    """The same where the kernel keeps no list of children."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


def steal() -> float:
    """Return the seconds of CPU that the hypervisor has given to others."""
    ticks = int((_PROC / "stat").read_text().split("\n")[0].split()[8])
    return ticks / os.sysconf("SC_CLK_TCK")
