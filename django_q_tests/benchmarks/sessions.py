"""A process with all that it starts, which are one session: held, continued, ended together."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from django_q_tests.benchmarks.processes import Member

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK = 0.01
_HOLD = 10.0  # seconds in which all of them have to stand still
_GRACE = 5.0  # seconds to end after they were asked


class Session:
    """The processes that one command starts, and those that they start."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, answer: Path | None = None
    ) -> None:
        """Start it. What it says goes to the log, or what it answers to a file of its own."""
        self.log = log
        with log.open("ab") as errors, (answer or log).open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )

    def pids(self) -> list[int]:
        """Return the processes of the session that have not ended."""
        return [pid for pid, fields in _all_processes() if int(fields[3]) == self.process.pid and fields[0] != "Z"]

    def cpu(self) -> float:
        """Return the seconds of CPU that they and the children that they have buried have used."""
        own = [fields for _, fields in _all_processes() if int(fields[3]) == self.process.pid]
        return sum(sum(map(int, fields[11:15])) for fields in own) / _TICKS

    def pss(self) -> int:
        """Return their share of the memory, in kilobytes."""
        return sum(Member(pid, "").pss() for pid in self.pids())

    @property
    def stands_still(self) -> bool:
        """Is none of its processes running or able to?"""
        own = [fields for _, fields in _all_processes() if int(fields[3]) == self.process.pid]
        return all(fields[0] in ("T", "Z") for fields in own)

    def hold(self, sqlite: Path | None) -> None:
        """Let all processes stand still, none of them with a lock on the SQLite file. Raises RuntimeError."""
        deadline = time.monotonic() + _HOLD
        while True:
            self._signal(signal.SIGSTOP)
            while not self.stands_still and time.monotonic() < deadline:
                time.sleep(_LOOK)
            if self.stands_still and (sqlite is None or _can_write(sqlite)):
                return
            self.go_on()
            if time.monotonic() > deadline:
                raise RuntimeError(f"The worker could not be held.\n{self.log_tail()}")
            time.sleep(_LOOK)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def require_alive(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"The worker has ended by itself ({self.process.returncode}).\n{self.log_tail()}")

    def end(self) -> None:
        """Ask all to end, then end them."""
        self.go_on()
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while self.pids() and time.monotonic() < deadline:
            self.process.poll()
            time.sleep(_LOOK)
        self._signal(signal.SIGKILL)
        self.process.wait(_GRACE)

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def _signal(self, number: int) -> None:
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def end_when_terminated() -> None:
    """Leave at a TERM in the way in which workers are ended and databases dropped: their sessions would outlive us."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def _all_processes() -> list[tuple[int, list[str]]]:
    """Return the number of each process with what /proc says after its name: state, parent, group, session, …"""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                text = (entry / "stat").read_text(errors="replace")
            except OSError:
                continue
            found.append((int(entry.name), text.rpartition(")")[2].split()))
    return found


def _can_write(file: Path) -> bool:
    connection = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True
