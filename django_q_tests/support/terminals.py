"""A command as somebody starts it in a terminal, seen from outside: what it says, what it starts, what it leaves."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from django_q_tests.support.clusters import process
from django_q_tests.support.eventually import eventually

PATIENCE = 60.0  # seconds; what a busy machine may need, never what a test waits for


class Started:
    """``python -m …`` in a directory of the test. Whatever it starts stays in that directory, and is found by it."""

    def __init__(self, folder: Path, *words: str, env: Mapping[str, str], name: str = "output.txt") -> None:
        self.folder = folder
        self.output = folder / name
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def until_says(self, words: str, *, times: int = 1, within: float = PATIENCE) -> None:
        eventually(lambda: self.text.count(words) >= times, within=within, saying=lambda: self.text)

    def processes(self) -> dict[int, str]:
        """Return what lives in the directory, and the words that it was started with or its title."""
        found = {}
        for name in os.listdir("/proc"):
            try:
                # Not by their environment: processes that set their title write over it.
                here = name.isdecimal() and Path(f"/proc/{name}/cwd").resolve() == self.folder
            except OSError:
                continue
            one = process(int(name)) if here else None
            if one is not None and not one.is_zombie:
                found[one.pid] = one.title
        return found

    def pids(self, *words: str) -> list[int]:
        """Return the processes whose title has all these words, the oldest first."""
        return [pid for pid, title in sorted(self.processes().items()) if all(word in title for word in words)]

    def until_gone(self) -> None:
        """Wait until nothing of it is left."""
        eventually(lambda: not self.processes(), within=PATIENCE, saying=lambda: f"{self.processes()}\n{self.text}")

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.exit_code()

    def exit_code(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"it has not ended: {self.processes()}\n{self.text}") from error

    def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        while left := self.processes():
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.process.poll()
        self.process.wait()


def free_port() -> int:
    """Return a port of this host on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
