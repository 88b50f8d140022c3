"""Reads events for many who follow the same streams: each event is read once in a process, and by each in its place.

Who joins late, or falls behind what is kept here, reads by himself what he lacks.
"""

import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from django_q import conf
from django_q.events.waking import Ear
from django_q.kernel import clock
from django_q.models import Event
from django_q.models.event import END, START

_SELDOM, _OFTEN = 1.0, 0.2  # seconds between two looks, if every event is heard and if not
_KEPT = 2000  # events of a run that are kept for those who follow it
_AT_ONCE = 1000  # events that one look reads


class Told(NamedTuple):
    """An event, as it is told."""

    run: int
    seq: int  # 0: how the run began
    kind: str
    payload: str  # JSON

    @property
    def is_start(self) -> bool:
        """Is it how the run began?"""
        return self.seq == 0 and self.kind == START

    @property
    def is_end(self) -> bool:
        """Is it how the run ended?"""
        return self.kind == END


class Place(NamedTuple):
    """The last event of a stream that is known; the next one is behind it."""

    run: int = 0  # 0: none has begun
    seq: int = -1


@dataclass(slots=True)
class _Tail:
    """The newest run of a stream, as far as it was followed here."""

    run: int
    first: int  # number of the first event that is kept
    events: deque[Told] = field(default_factory=lambda: deque(maxlen=_KEPT))

    @property
    def last(self) -> int:
        return self.events[-1].seq if self.events else self.first - 1

    def take(self, event: Told) -> None:
        if event.seq != self.last + 1:  # some are gone: too many, or too old
            self.events.clear()
        self.events.append(event)
        self.first = self.events[0].seq


class Tails:
    """What is known of the streams that somebody in this process follows. Threads may ask while one of them looks."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._tails: dict[str, _Tail] = {}
        self._lock = threading.Lock()

    def look(self, streams: Collection[str]) -> dict[str, Place]:
        """Read what is new in these streams and forget the others; return the newest place of each that has begun."""
        rows = Event.objects.using(self.alias)
        newest = rows.newest_runs(streams)
        with self._lock:
            self._tails = {stream: self._begun(stream, run) for stream, run in newest.items()}
            tails = dict(self._tails)
        seen = {(stream, tail.run): tail.last for stream, tail in tails.items()}
        for event in rows.after(seen, _AT_ONCE):
            with self._lock:
                tails[event.stream].take(Told(event.run, event.seq, event.kind, event.payload))
        return {stream: Place(tail.run, tail.last) for stream, tail in tails.items()}

    def behind(self, stream: str, place: Place, most: int = _AT_ONCE) -> list[Told]:
        """Return what is behind a place, at most so many events: those of its run, or of the newest if it has none."""
        known = self.known(stream, place, most)
        return read(self.alias, stream, place, most) if known is None else known

    def known(self, stream: str, place: Place, most: int = _AT_ONCE) -> list[Told] | None:
        """Return the same without the database; None: it has to be asked."""
        with self._lock:
            tail = self._tails.get(stream)
            if tail is None or tail.run != (place.run or tail.run) or tail.first > place.seq + 1:
                return None
            start = place.seq + 1 - tail.first
            return list(islice(tail.events, start, start + most))

    def _begun(self, stream: str, run: int) -> _Tail:
        known = self._tails.get(stream)
        return known if known is not None and known.run == run else _Tail(run, first=0)


def read(alias: str, stream: str, place: Place = Place(), most: int = _AT_ONCE) -> list[Told]:  # noqa: B008
    """Read from the database what is behind a place of a stream: of its run, or of the newest if it has none.

    A first number that is greater than the next one means that events are gone: too many, or too old.
    """
    rows = Event.objects.using(alias)
    run = place.run or rows.newest_runs([stream]).get(stream, 0)
    found = rows.filter(stream=stream, run=run, seq__gt=place.seq).order_by("seq")[:most]
    return [Told(event.run, event.seq, event.kind, event.payload) for event in found]


def follow(stream: str, place: Place = Place(), *, patience: float | None = None) -> Iterator[Told]:  # noqa: B008
    """Yield the events of a stream behind a place, as they come, until the run has ended.

    It is the run of the place, or the newest one; without any it waits for the first. It ends as well when nothing has
    come for so many seconds as ``patience`` says. Do not call it in a transaction, which may not see what is new.
    """
    alias = conf.current().orm
    with closing(Ear(alias)) as ear:
        every = _SELDOM if ear.hears_all else _OFTEN
        silent_since = clock.monotonic()
        while True:
            for event in read(alias, stream, place):
                yield event
                place, silent_since = Place(event.run, event.seq), clock.monotonic()
                if event.is_end:
                    return
            left = every if patience is None else silent_since + patience - clock.monotonic()
            if left <= 0:
                return
            ear.wait(min(left, every))
