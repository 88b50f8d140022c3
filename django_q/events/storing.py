"""Gives events their numbers and writes them, so that a try that failed can be made again without a gap or a double."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from django_q import conf
from django_q.events import waking
from django_q.exceptions import InvalidValue
from django_q.models import Event
from django_q.models.event import END, START

#: Characters of the JSON of one event.
LARGEST = 2**20
_LONGEST_NAME, _LONGEST_KIND = 200, 100


@dataclass(slots=True)
class Run:
    """One run of a stream, as far as it is written."""

    stream: str
    about: str = ""  # JSON, kept with how it began
    number: int = 0  # 0: it has not begun
    seq: int = 0  # of the last event
    trimmed: int = 0  # events before this one were deleted
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that is to be written; of the kind START it only begins the run, unless that has begun."""

    run: Run
    kind: str
    payload: str = ""


def encode(value: Any) -> str:
    """Return a value as JSON. Raises :exc:`TypeError` for what JSON cannot hold, InvalidValue for too much of it."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise TypeError(f"An event holds what JSON can: {error}.") from error
    if len(text) > LARGEST:
        raise InvalidValue(f"An event of {len(text):,} characters is too large; send at most {LARGEST:,} at a time.")
    # Half of a pair of surrogates is no text for a database.
    return text if text.isascii() or _is_text(text) else json.dumps(value, separators=(",", ":"))


def checked_name(name: Any) -> str:
    """Return the name of a stream. Raises InvalidValue for what is none."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise InvalidValue(f"{name!r} is no name of a stream; pass a text of 1 to {_LONGEST_NAME} characters.")
    return name


def checked_kind(kind: Any) -> str:
    """Return the kind of an event. Raises InvalidValue for what is none."""
    if not isinstance(kind, str) or not 0 < len(kind) <= _LONGEST_KIND:
        raise InvalidValue(f"{kind!r} is no name of an event; pass a text of 1 to {_LONGEST_KIND} characters.")
    return kind


def write(alias: str, entries: Sequence[Entry]) -> None:
    """Write events, those of each run in their order. What an earlier try wrote is not written again.

    The error of the database goes to the caller, who may try again with the same entries.
    """
    begin(alias, entries)
    open_ones = [entry for entry in entries if not entry.run.has_ended and entry.kind != START]
    try:
        _append(alias, open_ones)
    except IntegrityError:
        # The answer to an earlier try was lost, or somebody else has ended a run.
        _append(alias, _unwritten(alias, open_ones))
    _trim(alias, {id(entry.run): entry.run for entry in open_ones}.values())


def begin(alias: str, entries: Sequence[Entry]) -> None:
    """Begin the runs that have not begun; each at once, so that nobody waits for a number."""
    for entry in entries:
        if not entry.run.number:
            entry.run.number = Event.objects.using(alias).begin(entry.run.stream, entry.run.about)


def _append(alias: str, entries: Sequence[Entry]) -> None:
    numbers: dict[int, int] = {}
    rows = []
    for entry in entries:
        run = entry.run
        number = numbers.get(id(run), run.seq) + 1
        numbers[id(run)] = number
        rows.append((run.stream, run.number, number, entry.kind, entry.payload))
    if not rows:
        return
    with transaction.atomic(using=alias):
        Event.objects.using(alias).append(rows)
        waking.wake(alias)
    for entry in entries:
        entry.run.seq = numbers[id(entry.run)]
        entry.run.has_ended = entry.run.has_ended or entry.kind == END


def _unwritten(alias: str, entries: Sequence[Entry]) -> list[Entry]:
    """Bring the runs up to date with what is stored, and return the entries that are not."""
    stored: dict[int, int] = {}
    for run in {id(entry.run): entry.run for entry in entries}.values():
        rows = Event.objects.using(alias).filter(stream=run.stream, run=run.number).order_by("-seq")
        newest = rows.values_list("seq", "kind").first() or (run.seq, "")
        run.has_ended = newest[1] == END
        stored[id(run)] = newest[0] - run.seq
        run.seq = newest[0]
    left = []
    for entry in entries:
        stored[id(entry.run)] -= 1
        if stored[id(entry.run)] < 0 and not entry.run.has_ended:
            left.append(entry)
    return left


def _trim(alias: str, runs: Any) -> None:
    keep = conf.current().max_events
    if keep is None:
        return
    for run in runs:
        # A tenth more may stay, so that it is not a statement for each event.
        if run.seq - run.trimmed >= keep + keep // 10 + 1:
            Event.objects.using(alias).trim(run.stream, run.number, run.seq - keep + 1)
            run.trimmed = run.seq - keep


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
