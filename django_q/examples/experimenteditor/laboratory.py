"""What the device server knows: the experiments it took, what was asked of it, and the faults it shall show."""

import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from django_q.examples.experimenteditor import vehicle

QUANTITIES = {"axlebasedvehiclespeed": "speed", "govspeed": "governor"}
KINDS = ("post", "plot", "log")


class NoSuchData(Exception):
    """What was asked for does not exist; the status is what the real devices answer then."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Fault:
    """A way to misbehave, for requests of one kind, a number of times (None: always)."""

    on: str
    times: int | None = 1
    seconds: float = 0
    status: int | None = None
    text: str | None = None
    hang_up: bool = False

    def __post_init__(self) -> None:
        if self.on not in KINDS:
            raise ValueError(f"on={self.on!r} is no kind of request. Use one of {KINDS!r}.")


@dataclass
class Running:
    """An experiment that the engine took."""

    name: str
    commands: list[list[Any]]
    started: float
    until: float
    chunk: int = 0  # the part of the log that was read last

    def samples(self) -> list[vehicle.Sample]:
        """Return what has been recorded by now."""
        return list(vehicle.drive(self.commands, max(0.0, min(time.time(), self.until) - self.started)))

    def entries(self) -> list[tuple[float, str]]:
        """Return the log that has been written by now."""
        lines = []
        for sample in self.samples():
            moment = round(self.started + sample.seconds, 3)
            if sample.command:
                lines.append((moment, f"command {sample.command}\n"))
            lines.append((moment, f"axle speed {sample.speed:.3f} km/h, governor {sample.governor:g} km/h\n"))
        return lines


@dataclass
class Laboratory:
    """The engine and the logger behind the server. Handlers call it from their threads."""

    chunk_lines: int = 800_000
    experiments: dict[str, Running] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _keys: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, kind: str, line: str) -> Fault | None:
        """Note a request and return how to misbehave, if at all."""
        with self._lock:
            self.requests.append(line)
            fault = next((each for each in self.faults if each.on == kind and each.times != 0), None)
            if fault and fault.times is not None:
                fault.times -= 1
            return fault

    def break_down(self, fault: Fault) -> None:
        with self._lock:
            self.faults.append(fault)

    def repair(self) -> None:
        with self._lock:
            self.faults.clear()

    def take(self, body: Any, key: str | None) -> str:
        """Start an experiment; return an empty text, or what is wrong with it. The same key starts it only once."""
        info, commands = body["Info"], body["Commands"]
        name = str(info["ExperimentName"])
        if not re.fullmatch(r"[A-Za-z0-9()]+", name):
            return f"Scheduling Experiment returned with an error: the name {name!r} is not accepted."
        with self._lock:
            if key and key in self._keys:
                return ""
            self._keys.add(key or "")
            self.posts.append(body)
            self.experiments[name] = _begin(name, commands["SSS_once"], float(info["Endtime"]))
        return ""

    def plot(self, name: str, quantity: str) -> dict[str, list[Any]]:
        """Return a series; there is none once a part of a longer log has been read."""
        running = self._find(name)
        if quantity not in QUANTITIES:
            raise NoSuchData(f"{quantity!r} is not recorded", status=404)
        if running.chunk and self._is_split(running):
            raise NoSuchData(f"the log of {name!r} was split for reading", status=500)
        samples = running.samples()
        return {
            "x_values": [f"{running.started + sample.seconds:.3f}" for sample in samples],
            "y_values": [getattr(sample, QUANTITIES[quantity]) for sample in samples],
        }

    def log(self, name: str, index: int) -> dict[str, Any]:
        """Return a part of the log and forget the parts before it: they can be read in order only, and once.

        The part that was read last can be read again, since it may have been lost on the way.
        """
        running = self._find(name)
        with self._lock:
            entries = running.entries()
            if index not in (running.chunk, running.chunk + 1) or index < 1:
                raise NoSuchData(f"part {index} of {name!r} is gone or not due yet", status=500)
            begin = (index - 1) * self.chunk_lines
            if index > 1 and begin >= len(entries):
                raise NoSuchData(f"{name!r} has no part {index}", status=404)
            running.chunk = index
            part = entries[begin : begin + self.chunk_lines]
        return {"log": part, "hasmore": begin + self.chunk_lines < len(entries)}

    def report(self) -> dict[str, Any]:
        """Return what the control page says."""
        with self._lock:
            return {"posts": list(self.posts), "requests": list(self.requests), "experiments": sorted(self.experiments)}

    def _find(self, name: str) -> Running:
        if name not in self.experiments:
            raise NoSuchData(f"there is no log of {name!r}", status=500)
        return self.experiments[name]

    def _is_split(self, running: Running) -> bool:
        return len(running.entries()) > self.chunk_lines


def _begin(name: str, commands: list[list[Any]], until: float) -> Running:
    """Start at once; what should be over by now has been driven already."""
    length = max((float(command[0]) for command in commands), default=0.0)
    return Running(name, commands, min(time.time(), until - length), until)
