"""The processes of the demonstration: how they start, where they listen, and that none is left."""

import os
import re
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event
from urllib.parse import urljoin

from django_q.management.processes import Screen, ShownChild, end_all, how_it_ended

SETTINGS = "django_q.examples.project.settings"
# How long the processes get to end by themselves, in seconds. The cluster gives running tasks three of them.
GRACE = 3
PATIENCE = 20


class StageError(Exception):
    """The demonstration could not start."""


class Interrupted(Exception):
    """Somebody wants the demonstration to end."""


class Stage:
    """A directory with data, and the processes that work on it."""

    def __init__(self, folder: Path, *, port: int, quiet: bool) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}/"
        self.port = port
        self.screen = None if quiet else Screen(sys.stdout)
        self.children: list[ShownChild] = []
        self.interruptions = 0
        self.time_is_over = False
        self.devices_url = ""
        self.link = ""  # logs in, once
        self._may_end: list[ShownChild] = []
        self._never = Event()

    def start(self) -> None:
        """Make the database and start the devices, which tell their address, the cluster and the site."""
        if not is_free(self.port):
            raise StageError(f"Port {self.port} is taken. Choose another one with --port, or none for a free one.")
        for command in (["migrate", "--verbosity", "0"], ["load_experiments"]):
            self._finish("setup", "django", *command)
        self.link = urljoin(self.url, self._finish("link", "django", "demo_link", is_shown=False).lines[-1])
        devices = self._spawn(
            "devices", "django_q.examples.experimenteditor.devices", "--port", "0", "--chunk-lines", "50"
        )
        self.devices_url = self._address_of(devices)
        self._spawn("cluster", "django", "qcluster")
        self._spawn("site", "django", "runserver", "--noreload", f"127.0.0.1:{self.port}")

    def start_load(self, *, once: bool = False) -> ShownChild:
        """Start what enqueues tasks of every kind, for ever or for one round."""
        child = self._spawn("load", "django", "demo_load", *(["--once"] if once else []))
        if once:
            self._may_end.append(child)
        return child

    def is_open(self) -> bool:
        """Does the site take connections?"""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait(self, until: Callable[[], bool]) -> None:
        """Return when something has come true; raise StageError if a process ends before."""
        while not until():
            self.demand_life()
            self._never.wait(0.2)

    def interrupt(self, *signal: object) -> None:
        """Make the next look at the processes raise Interrupted, so that a signal cuts nothing off in the middle."""
        self.interruptions += 1

    def demand_life(self) -> None:
        """Raise Interrupted if somebody asked for the end, StageError if a process has ended or the time is over."""
        if self.interruptions:
            raise Interrupted
        if self.time_is_over:
            raise StageError("The time for the whole demonstration is over.")
        for child in self.children:
            if child not in self._may_end and child.exit_code is not None:
                raise StageError(f"The process {child.name!r} ended by itself: it {how_it_ended(child.exit_code)}.")

    def stop(self) -> None:
        """End all processes, the last one first so that nothing new comes in; kill what does not end."""
        end_all(self.children[::-1], grace=GRACE, patience=PATIENCE, presses=lambda: self.interruptions)

    def last_words(self) -> str:
        """Return the last lines of each process, for a failure."""
        return "\n".join(f"--- {child.name}\n{child.last_words()}" for child in self.children)

    def survivors(self) -> list[str]:
        """Return what is still running of all that was started here, children of children included."""
        sessions = {child.pid for child in self.children}
        return [line for line in _processes(sessions, str(self.folder)) if line]

    @property
    def environment(self) -> dict[str, str]:
        # Nothing of the project in whose environment somebody tries this.
        inherited = {name: value for name, value in os.environ.items() if name != "Q_CLUSTER_NAME"}
        return {
            **inherited,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DJANGO_Q_DEMO_DIR": str(self.folder),
            "DJANGO_Q_DEMO_DEVICES": self.devices_url.rstrip("/"),
            "DJANGO_RUNSERVER_HIDE_WARNING": "true",
            "PYTHONUNBUFFERED": "1",
        }

    def _finish(self, name: str, module: str, *arguments: str, is_shown: bool = True) -> ShownChild:
        """Run something to its end; raise StageError if it did not end well."""
        child = self._spawn(name, module, *arguments, is_shown=is_shown)
        self._may_end.append(child)
        while child.is_alive:
            self.demand_life()
            self._never.wait(0.05)
        self.children.remove(child)
        if child.conclude():
            raise StageError(f"The command {' '.join([module, *arguments])!r} failed:\n{child.last_words()}")
        return child

    def _spawn(self, name: str, module: str, *arguments: str, is_shown: bool = True) -> ShownChild:
        child = ShownChild(
            name,
            [sys.executable, "-m", module, *arguments],
            environment=self.environment,
            screen=self.screen if is_shown else None,
            kills_rest=name != "cluster",
        )
        self.children.append(child)
        return child

    def _address_of(self, child: ShownChild) -> str:
        """Return the address that a process prints in its first lines."""
        while not (found := re.search(r"http://\S+", "\n".join(child.lines))):
            self.demand_life()
            self._never.wait(0.05)
        return found[0]


def free_port() -> int:
    """Return a port of this host on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: the dust of closed connections is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _processes(sessions: set[int], marker: str) -> Iterable[str]:
    """Yield the processes in these sessions or with this text in their environment; on Linux only."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (folder / "stat").read_text().rsplit(") ", 1)[1].split()[:4]
            environment = (folder / "environ").read_bytes() if folder.name != str(os.getpid()) else b""
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, ValueError):  # it ended just now, or belongs to somebody else
            continue
        if state != "Z" and (int(session) in sessions or marker.encode() in environment):
            yield f"{folder.name} {command}".strip()
