"""What browsers are told, as JSON: each message is encoded once, however many listen."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django_q.contrib.publish import outcomes
from django_q.contrib.publish.publishers import EVENT
from django_q.events import Place, Told

_LARGEST = 2**20  # characters of the events that one message holds
_KEPT = 32  # messages that others may want as well


class Message(NamedTuple):
    """Something that is said, and how much is known behind it."""

    text: str
    place: Place


def started(place: Place) -> Message:
    """Say that a run has begun."""
    return Message(f'{{"status":"start","run":{place.run}}}', place)


def missed(place: Place, count: int) -> Message:
    """Say that events are gone which nobody has read."""
    return Message(f'{{"status":"missed","count":{count}}}', place)


def ended(told: Told) -> Message:
    """Say that a run has ended."""
    outcome = json.dumps(outcomes.outcome_of(told.payload))
    return Message(f'{{"status":"stop","outcome":{outcome},"seq":{told.seq}}}', _place_of(told))


def failed(reason: str, message: str, hint: str = "") -> str:
    """Say what is wrong."""
    return json.dumps({"status": "error", "reason": reason, "message": message, **({"hint": hint} if hint else {})})


def singles(events: Sequence[Told]) -> Iterator[Message]:
    """Say events one by one."""
    for told in events:
        yield Message(f'{{"status":"event","seq":{told.seq},"data":{told.payload}}}', _place_of(told))


def batches(stream: str, events: Sequence[Told]) -> Iterator[Message]:
    """Say many events at once."""
    for part in _parts(events):
        yield Message(_kept.text(stream, part), _place_of(part[-1]))


def is_event(told: Told) -> bool:
    """Did a task send it?"""
    return told.kind == EVENT


def _place_of(told: Told) -> Place:
    return Place(told.run, told.seq)


def _parts(events: Sequence[Told]) -> Iterator[Sequence[Told]]:
    start = size = 0
    for number, told in enumerate(events):
        size += len(told.payload)
        if size > _LARGEST and number > start:
            yield events[start:number]
            start, size = number, len(told.payload)
    if events:
        yield events[start:]


class _Kept:
    """The texts of the newest batches. Threads may do the same work twice, and nothing worse."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int, int, int], tuple[Told, Told, str]] = {}

    def text(self, stream: str, events: Sequence[Told]) -> str:
        first, last = events[0], events[-1]
        key = (stream, first.run, first.seq, last.seq)
        kept = self._texts.get(key)
        # The very same objects: a run may bear the number of one that was forgotten long ago.
        if kept is not None and kept[0] is first and kept[1] is last:
            return kept[2]
        data = ",".join(f"[{told.seq},{told.payload}]" for told in events)
        text = f'{{"status":"events","data":[{data}]}}'
        if len(self._texts) >= _KEPT:
            self._texts = {}
        self._texts[key] = (first, last, text)
        return text


_kept = _Kept()
