"""All that crosses a process boundary: frozen values, split into an envelope and a letter.

The sentinel reads envelopes and passes letters on unopened. Both are plain values (numbers, text, bytes), so that a
frame can be written with :mod:`marshal`; no pickle is loaded by the processes that supervise.
"""

import marshal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_q.kernel.states import Ending

Fields = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the sentinel has to know of a claimed task."""

    id: str
    token: str
    func: str
    timeout: float | None  # seconds one attempt may run; None for no limit
    alone: bool  # hand out alone, with its start written first: its last cluster died

    @property
    def header(self) -> tuple[Any, ...]:
        """Return the fields as plain values, in their order, for a frame."""
        return (self.id, self.token, self.func, self.timeout, self.alone)  # astuple() takes ten times as long


@dataclass(frozen=True, slots=True)
class Letter:
    """What only the worker has to know of a claimed task."""

    kind: int
    name: str
    group: str | None
    queue: str
    attempts: int
    crashes: int
    options: str  # JSON, or empty
    args: bytes
    kwargs: bytes

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Letter":
        """Return the letter of a queue row, by its columns."""
        return cls(
            kind=row["kind"],
            name=row["name"],
            group=row["group"],
            queue=row["queue"],
            attempts=row["attempts"],
            crashes=row["crashes"],
            options=row["options"],
            args=bytes(row["args"] or b""),
            kwargs=bytes(row["kwargs"] or b""),
        )

    def pack(self) -> bytes:
        """Return the letter as bytes for a frame."""
        return marshal.dumps(
            (
                self.kind,
                self.name,
                self.group,
                self.queue,
                self.attempts,
                self.crashes,
                self.options,
                self.args,
                self.kwargs,
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Letter":
        """Read what :meth:`pack` wrote."""
        return cls(*marshal.loads(data))


@dataclass(frozen=True, slots=True)
class Claim:
    """A task leased to this cluster."""

    envelope: Envelope
    letter: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentinel's part of an outcome."""

    id: str
    token: str
    ending: int  # an Ending
    seconds: float  # how long the function ran
    is_async: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The monitor's part of an outcome."""

    started: float  # seconds since 1970
    stopped: float
    result: bytes = b""  # signed; empty when there is none
    error: str = ""  # one line: class and message
    traceback: str = ""
    worker: str = ""  # host:pid
    delay: float | None = None  # seconds after which the function asked to be run again

    def pack(self) -> bytes:
        """Return the report as bytes for a frame."""
        return marshal.dumps(
            (self.started, self.stopped, self.result, self.error, self.traceback, self.worker, self.delay)
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Report":
        """Read what :meth:`pack` wrote."""
        return cls(*marshal.loads(data))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt that ended."""

    id: str
    token: str
    ending: Ending
    report: Report


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a task has come, as it said last."""

    id: str
    done: float
    total: float | None  # None: unknown
    message: str
