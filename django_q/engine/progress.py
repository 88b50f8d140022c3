"""What a task says of how far it is: kept at once, sent on now and then, the last of it always."""

import os
import sys
import unicodedata
from decimal import Decimal
from math import inf
from numbers import Real
from typing import Any, Protocol

from django.db import Error, connections, transaction

from django_q.engine.places import Complaints, here, in_event_loop
from django_q.exceptions import InvalidValue
from django_q.kernel import clock
from django_q.kernel.messages import Advance
from django_q.models import Progress

complain = Complaints("django_q.tasks", "progress_failed")

PACE = 0.25  # seconds between two times at which values are sent on
LONGEST = 255  # characters of a message

_PLAIN = frozenset({int, float})
_LARGEST = sys.float_info.max
# Control codes, half characters and ends of lines, which a database or a terminal may refuse.
_UNFIT = {"Cc", "Cs", "Zl", "Zp"}

Values = tuple[Any, Any, object]  # done, total, message


class Sink(Protocol):
    """Takes meters that hold values to send on."""

    def take(self, meter: "Meter") -> None:
        """Send the newest values of a meter soon. Called in the task: it neither waits nor raises."""


class Meter:
    """The newest values of one attempt. Threads of the task may move it at the same time: one of them is the last."""

    __slots__ = ("closed", "id", "newest", "queued", "sent", "sink")

    def __init__(self, id: str, sink: Sink) -> None:
        self.id = id
        self.sink = sink
        self.newest: Values | None = None
        self.sent: Values | None = None
        self.queued = False  # does the sink hold it?
        self.closed = False  # the attempt has ended

    def move(self, done: Any, total: Any, message: object) -> None:
        """Keep the values; hand the meter to the sink unless that has it already."""
        # A plain store, and nothing that a signal handler could leave half done.
        self.newest = checked(done, total, message)
        if not self.queued and not self.closed:
            self.sink.take(self)

    def unsent(self) -> Values | None:
        """Return the newest values if they have not been sent."""
        newest = self.newest
        return None if newest is self.sent else newest

    def advance(self, values: Values) -> Advance:
        """Return values as they are sent."""
        done, total, message = values
        whole = float(total) if total else None  # a total of nothing says as much as none
        part = float(done)
        return Advance(self.id, part if whole is None else min(part, whole), whole, text_of(message))


def checked(done: Any, total: Any, message: object) -> Values:
    """Return the values. Raises :exc:`~django_q.exceptions.InvalidValue` for what is no number, or a negative one."""
    # The way that nearly every call takes: nothing is called here.
    if type(done) in _PLAIN and 0 <= done <= _LARGEST:
        if total is None or (type(total) in _PLAIN and 0 <= total <= _LARGEST):
            return done, total, message
    return _number("done", done), None if total is None else _number("total", total), message


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise InvalidValue(f"{name}={value!r} is not a number; progress(done, total) counts what is done of how much.")
    try:
        number = float(value)
    except OverflowError:
        number = inf
    if not 0 <= number <= _LARGEST:
        raise InvalidValue(f"{name}={value!r} cannot be used; it has to be 0 or more, and finite.")
    return number


def text_of(message: object) -> str:
    """Return a message as it is stored: one line, cut; empty if it cannot be turned into text."""
    if message is None:
        return ""
    try:
        text = str(message)[:LONGEST]
    except Exception as error:  # the wall around the user's __str__
        complain("The message of a task's progress has no text: %s", type(error).__name__)
        return ""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(letter) in _UNFIT else letter for letter in text)


class Direct:
    """The sink of a process that is its own cluster: writes from the thread that runs the task, now and then."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._meters: dict[str, Meter] = {}
        self._place = here()
        self._written_at: float | None = None

    def take(self, meter: Meter) -> None:
        self._meters[meter.id] = meter
        moment = clock.monotonic()
        if self._written_at is not None and moment - self._written_at < PACE:
            return
        # Another thread has a connection of its own, and in an event loop the database must not be waited for.
        if here() == self._place and not in_event_loop():
            self._written_at = moment
            self._write()

    def close(self) -> None:
        """Write the last values once more, since what the task did in the database may have been undone."""
        for meter in self._meters.values():
            meter.closed = True
        if os.getpid() == self._place[0]:
            self._write()

    def _write(self) -> None:
        advances = [meter.advance(meter.newest) for meter in self._meters.values() if meter.newest is not None]
        if not advances or connections[self.alias].needs_rollback:
            return
        try:
            with transaction.atomic(using=self.alias):
                Progress.objects.using(self.alias).note(advances)
        except Error as error:
            complain("The progress of tasks cannot be written: %s", error)
