"""What the device server knows: the experiments it took, what was asked of it, and the faults it shall show."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django_q.examples.experimenteditor import vehicle
from django_q.examples.experimenteditor.vehicle import Order, Sample

NUMBERS = {"axlebasedvehiclespeed": "speed", "govspeed": "governor"}
KINDS = ("post", "plot", "log")
HANG_UPS = ("unheard", "unanswered", "halfway")
_STEPS_BETWEEN_VINS = 10


class NoSuchData(Exception):
    """What was asked for does not exist; the status is what the real devices answer then."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Fault:
    """A way to misbehave, for requests of one kind, a number of times (None: always), after some that go well.

    ``hang_up`` closes the connection: before anything is done (unheard), after it was done and before the answer
    (unanswered), or in the middle of the answer (halfway). ``trickle`` is the pause after each byte of the body.
    """

    on: str
    times: int | None = 1
    after: int = 0
    seconds: float = 0
    status: int | None = None
    text: str | None = None
    hang_up: str | None = None
    trickle: float = 0

    def __post_init__(self) -> None:
        if self.on not in KINDS:
            raise ValueError(f"on={self.on!r} is no kind of request. Use one of {KINDS!r}.")
        if self.hang_up not in (None, *HANG_UPS):
            raise ValueError(f"hang_up={self.hang_up!r} is no moment to do so. Use one of {HANG_UPS!r}.")


@dataclass
class Running:
    """An experiment that the engine took."""

    name: str
    orders: list[Order]
    started: float
    until: float
    chunk: int = 0  # the part of the log that was read last

    def samples(self, now: float) -> list[Sample]:
        """Return what has been recorded by now."""
        return list(vehicle.drive(self.orders, max(0.0, min(now, self.until) - self.started)))

    def entries(self, now: float) -> list[tuple[float, str]]:
        """Return the log that has been written by now."""
        lines = []
        for sample in self.samples(now):
            moment = round(self.started + sample.seconds, 3)
            lines += [(moment, f"{order}\n") for order in sample.orders]
            lines.append((moment, f"axle speed {sample.speed:.3f} km/h, governor {sample.governor:g} km/h\n"))
        return lines


@dataclass
class Laboratory:
    """The engine and the logger behind the server. Handlers call it from their threads.

    ``repeats`` says whether the part of a log that was read last can be read again; ``now`` is the clock.
    """

    chunk_lines: int = 800_000
    repeats: bool = True
    now: Callable[[], float] = time.time
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
            if fault and fault.after:
                fault.after -= 1
                return None
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
        name, until = str(body["Info"]["ExperimentName"]), float(body["Info"]["Endtime"])
        orders = vehicle.orders_of(body["Commands"])
        if not re.fullmatch(r"[A-Za-z0-9()]+", name):
            return f"Scheduling Experiment returned with an error: the name {name!r} is not accepted."
        with self._lock:
            if key and key in self._keys:
                return ""
            self._keys.add(key or "")
            self.posts.append(body)
            # It starts at once; what should be over by now has been driven already.
            length = orders[-1].delay if orders else 0.0
            self.experiments[name] = Running(name, orders, min(self.now(), until - length), until)
        return ""

    def plot(self, name: str, quantity: str) -> dict[str, list[Any]]:
        """Return a series; there is none once a part of a longer log has been read."""
        running = self._find(name)
        if quantity not in (*NUMBERS, "vin"):
            raise NoSuchData(f"{quantity!r} is not recorded", status=404)
        if running.chunk and self._is_split(running):
            raise NoSuchData(f"the log of {name!r} was split for reading", status=500)
        samples = running.samples(self.now())
        if quantity == "vin":  # it is told now and then, as hexadecimal digits
            samples = samples[::_STEPS_BETWEEN_VINS]
            values: list[Any] = [sample.vin.encode().hex() for sample in samples]
        else:
            values = [getattr(sample, NUMBERS[quantity]) for sample in samples]
        return {"x_values": [f"{running.started + sample.seconds:.3f}" for sample in samples], "y_values": values}

    def log(self, name: str, index: int) -> dict[str, Any]:
        """Return a part of the log and forget the parts before it: they can be read in order only, and once.

        The part that was read last can be read again, since it may have been lost on the way, unless this logger
        ``repeats`` nothing.
        """
        running = self._find(name)
        with self._lock:
            entries = running.entries(self.now())
            allowed = (running.chunk, running.chunk + 1) if self.repeats else (running.chunk + 1,)
            if index not in allowed or index < 1:
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
        return len(running.entries(self.now())) > self.chunk_lines
