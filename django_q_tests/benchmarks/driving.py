"""One run of another package: its place, its worker, the common work, and the proof that all of it was done."""

import argparse
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks.places import Place
from django_q_tests.benchmarks.sessions import Session
from django_q_tests.benchmarks.stored import Stored
from django_q_tests.benchmarks.systems import System
from django_q_tests.support.servers import PrivateRedis

PROGRAMS = Path(__file__).parent / "peers"
_NUMBER = struct.Struct("=Q")
_LOOK = 0.01
_QUICK = 120  # seconds that what is no measurement may take
_LATENCY = 40  # seconds for all samples of the latency; slow pollers get fewer
_LATE = 1.0  # seconds in which what still comes is seen: a result that is not stored yet, a task that runs twice
_SQLITE = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA synchronous = NORMAL"}


class Unfinished(Exception):
    """The package did other work than it was given."""


def once(system: System, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a package once on a place of its own; return figures, samples, versions and settings.

    Raises NoServer if it has no place, Unfinished if something was lost or ran twice, RuntimeError if it failed.
    """
    folder = Path(tempfile.mkdtemp(prefix="dq-benchmark-"))
    (folder / "tally").mkdir()
    try:
        with _place(system, folder) as told:
            run = PeerRun(system, folder, _completed(system, options.workers) | told)
            return run.measure(options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PeerRun:
    """The figures of one run, in the order in which they are measured."""

    def __init__(self, system: System, folder: Path, told: dict[str, Any]) -> None:
        self.system = system
        self.folder = folder
        self.told = {**told, "folder": str(folder), "pause": system.pause}
        self.figures: dict[str, Any] = {}

    def measure(self, options: argparse.Namespace) -> dict[str, Any]:
        versions = self._ask("prepare", limit=_QUICK)
        self.stored = Stored(self.told.get("database"), self.folder, self.system)
        self.session = Session(self._command("worker"), env=self._env(), log=self.folder / "log", cwd=self.folder)
        try:
            samples = self._ask("latency", options.latencies, _LATENCY, limit=_LATENCY + _QUICK)["ms"]
            self._drain(options.tasks, options.limit)
            self.figures["memory_pss_mib"] = self.session.pss() / 1024
            if options.backlogs and not self.figures["cut"]:
                self.figures["drained_per_s_by_backlog"] = self._by_backlog(options.backlogs, options.limit)
        finally:
            self.session.end()
            self.stored.close()
        return {
            "versions": versions,
            "settings": _completed(self.system, options.workers),
            "figures": self.figures | latency_figures(samples),
            "samples": {"latency_ms": [round(sample, 3) for sample in samples]},
        }

    def _drain(self, tasks: int, limit: float) -> None:
        """Hold the idle worker, enqueue one by one, let it go on, and wait until all is done."""
        self._held()
        before = self._done()
        taken = self._ask("enqueue", tasks, limit=_QUICK + limit)
        self.figures["enqueue_autocommit_per_s"] = tasks / taken["seconds"]
        self.figures["enqueue_autocommit_cpu_us"] = taken["cpu"] / tasks * 1e6
        cpu, server = self.session.cpu(), self.stored.server_cpu()
        done, elapsed = self._let_go(tasks, before, limit)
        self.figures["drained_per_s"] = done / elapsed
        self.figures["cut"] = done < tasks
        self.figures["drained"] = done
        if done:
            self.figures["cpu_us_per_task"] = (self.session.cpu() - cpu) / done * 1e6
            spent = self.stored.server_cpu() - server
            self.figures["server_cpu_us_per_task"] = spent / done * 1e6
        self.figures["load"] = os.getloadavg()[0]

    def _by_backlog(self, backlogs: list[int], limit: float) -> dict[str, float]:
        """Return the tasks per second for each number that waited; what is cut is the last."""
        found = {}
        for backlog in sorted(backlogs):
            self._held()
            before = self._done()
            self._ask("fill", backlog, limit=_QUICK + limit)
            done, elapsed = self._let_go(backlog, before, limit)
            found[str(backlog)] = done / elapsed
            if done < backlog:
                break
        return found

    def _held(self) -> None:
        time.sleep(_LATE)
        self.session.require_alive()
        self.session.hold(self.stored.file)

    def _let_go(self, tasks: int, before: tuple[int, int], limit: float) -> tuple[int, float]:
        """Let the worker go on; return how many tasks have ended and after how many seconds."""
        began = time.monotonic()
        self.session.go_on()
        while True:
            ran = tallied(self.folder) - before[0]
            # What the package keeps is asked when all have run: to count rows takes time that the worker needs.
            asked = time.monotonic()
            ended = self._ended(before) if ran >= tasks else 0
            now = time.monotonic()
            if ended >= tasks or now - began > limit:
                break
            self.session.require_alive()
            time.sleep(max(_LOOK, 10 * (now - asked)))
        if ended < tasks:
            return self._ended(before), time.monotonic() - began
        self._require_once(tasks, before)
        return tasks, now - began

    def _require_once(self, tasks: int, before: tuple[int, int]) -> None:
        """Look again a moment later. Raises Unfinished if more ran or ended than were given."""
        time.sleep(_LATE)
        ran, ended = tallied(self.folder) - before[0], self._ended(before)
        if (ran, ended) != (tasks, tasks):
            raise Unfinished(f"{self.system.name}: of {tasks} tasks {ran} ran and {ended} ended.")

    def _done(self) -> tuple[int, int]:
        return tallied(self.folder), self.stored.count()

    def _ended(self, before: tuple[int, int]) -> int:
        ran = tallied(self.folder) - before[0]
        return min(ran, self.stored.count() - before[1]) if self.system.stored else ran

    # The program ------------------------------------------------------------------------------------------------------

    def _ask(self, command: str, *numbers: int, limit: float) -> dict[str, Any]:
        done = subprocess.run(
            self._command(command, *map(str, numbers)),
            env=self._env(), cwd=self.folder, capture_output=True, text=True, timeout=limit,
        )  # fmt: skip
        if done.returncode:
            log = self.session.log_tail() if command != "prepare" else ""
            raise RuntimeError(f"{self.system.name} failed to {command}: {done.stderr.strip()[-2000:]}\n{log}")
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def _command(self, *words: str) -> list[str]:
        return [str(self.system.interpreter), str(PROGRAMS / "ask.py"), self.system.program, *words]

    def _env(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DJANGO"))}
        return kept | {
            "BENCHMARK_PEER": json.dumps(self.told),
            "DJANGO_SETTINGS_MODULE": "project",
            # Nothing of ours: two of the packages are called django_q.
            "PYTHONPATH": str(PROGRAMS),
        }


def _completed(system: System, workers: int) -> dict[str, Any]:
    """Return what a package is told of its settings, with the number of workers where it wants that."""
    told = {**system.given, "workers": workers}
    if "q_cluster" in told:
        told["q_cluster"] = {**told["q_cluster"], "workers": workers}
    return told


def latency_figures(samples: list[float]) -> dict[str, float]:
    """Return the percentiles that the tables show. Raises Unfinished if there are no samples."""
    if not samples:
        raise Unfinished("no sample of the latency was taken")
    found = sorted(samples)
    shares = {share: found[min(len(found) - 1, len(found) * share // 100)] for share in (50, 95, 99)}
    return {f"latency_p{share}_ms": value for share, value in shares.items()} | {"latency_samples": len(found)}


def tallied(folder: Path) -> int:
    """Return how many no-ops have run, by what their processes have counted."""
    files = (folder / "tally").iterdir()
    return sum(_NUMBER.unpack(text)[0] for file in files if len(text := file.read_bytes()) == _NUMBER.size)


@contextmanager
def _place(system: System, folder: Path) -> Iterator[dict[str, Any]]:
    """Make an empty place for the package; yield what its program has to know of it."""
    if system.place == "redis":
        with PrivateRedis() as server:
            yield {"redis": server.url}
    elif system.place == "file":
        yield {}
    else:
        place = Place.create(system.place, folder)
        try:
            yield _database(place)
        finally:
            place.drop()


def _database(place: Place) -> dict[str, Any]:
    """Return the settings of a database with its connections kept open, which is to the advantage of the package."""
    settings = {**place.settings, "CONN_MAX_AGE": None}
    if not place.server:
        return {"database": {**settings, "OPTIONS": _SQLITE}}
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {"database": settings, "connection": {key: settings[name] for key, name in parts.items() if settings[name]}}
