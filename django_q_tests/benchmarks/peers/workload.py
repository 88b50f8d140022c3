"""The work that all packages do, and how a program of a package has it done."""

import json
import mmap
import os
import platform
import random
import struct
import time
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_NUMBER = struct.Struct("=Q")
_SHORTEST_PAUSE = 0.02
_PATIENCE = 30.0  # seconds until a task that was enqueued alone has to have begun
_LOOK = 0.001
_WARM_UP = 6  # the first tasks of processes that have just begun tell of imports and connections

_tallies: dict[int, mmap.mmap] = {}


@cache
def asked() -> dict[str, Any]:
    """What the driving side wants: ``folder``, ``workers``, ``pause``, and what the package has to know."""
    return dict(json.loads(os.environ["BENCHMARK_PEER"]))


def noop(left: int, right: int) -> int:
    """Do nothing, with two small arguments and a small result, and be counted."""
    tally = _tally()
    _NUMBER.pack_into(tally, 0, _NUMBER.unpack_from(tally)[0] + 1)
    return left


def stamp(path: str, before: int) -> int:
    """Write how long after ``before`` the first line ran; the clock is one for all processes of a host."""
    moment = time.monotonic_ns()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, f"{moment - before}\n".encode())
    os.close(file)
    return 1


def _tally() -> mmap.mmap:
    """Return the number of this process: in memory, readable from outside, there even if the process is killed."""
    pid = os.getpid()
    if pid not in _tallies:
        file = os.open(Path(asked()["folder"]) / "tally" / str(pid), os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(file, _NUMBER.size)
        _tallies.clear()
        _tallies[pid] = mmap.mmap(file, _NUMBER.size)
        os.close(file)
    return _tallies[pid]


class Program:
    """What a package has to be able to do. Only ``worker``, ``put`` and ``put_stamp`` have to be written for it."""

    packages: tuple[str, ...] = ()

    def prepare(self) -> dict[str, str]:
        """Make what has to be there before the worker starts; return the versions."""
        return {"python": platform.python_version(), **{name: metadata.version(name) for name in self.packages}}

    def worker(self) -> None:
        """Work until a signal ends it."""
        raise NotImplementedError

    def put(self, number: int) -> None:
        """Enqueue one no-op, as one who has one call does."""
        raise NotImplementedError

    def put_stamp(self, path: str) -> None:
        """Enqueue one task that writes when it began."""
        raise NotImplementedError

    def put_many(self, count: int) -> None:
        """Enqueue many no-ops in the fastest way that there is."""
        for number in range(count):
            self.put(number)

    # The commands -----------------------------------------------------------------------------------------------------

    def enqueue(self, count: int) -> dict[str, float]:
        began, cpu = time.perf_counter(), time.process_time()
        for number in range(count):
            self.put(number)
        return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}

    def fill(self, count: int) -> dict[str, float]:
        began = time.perf_counter()
        self.put_many(count)
        return {"seconds": time.perf_counter() - began}

    def latency(self, count: int, seconds: int) -> dict[str, list[float]]:
        """Return the milliseconds from before the call to the first line of the task, for each task."""
        path = Path(asked()["folder"]) / "stamps"
        deadline = time.monotonic() + seconds
        done = 0
        while done < count + _WARM_UP and (time.monotonic() < deadline or done <= _WARM_UP):
            # The pauses are as long as the worker's own at least, or each would end at the same moment of a poll.
            time.sleep(random.uniform(_SHORTEST_PAUSE, _SHORTEST_PAUSE + asked()["pause"]))
            self.put_stamp(str(path))
            done += 1
            _wait_for_line(path, done)
        return {"ms": [int(line) / 1e6 for line in path.read_text().splitlines()[_WARM_UP:]]}


def _wait_for_line(path: Path, number: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not path.exists() or path.read_bytes().count(b"\n") < number:
        if time.monotonic() > deadline:
            raise SystemExit(f"Task {number} did not begin within {_PATIENCE:.0f} s.")
        time.sleep(_LOOK)
