"""``subscribe()``: the events of one task or of all, as they come, and those of earlier."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils import timezone

from django_q import conf
from django_q.contrib.class_tasks.client import rows
from django_q.contrib.class_tasks.execution import PREFIX
from django_q.contrib.class_tasks.states import AT_REST
from django_q.events.waking import Ear
from django_q.exceptions import InvalidValue
from django_q.models import Event
from django_q.models.event import END, START

ALL = "*"

_SELDOM, _OFTEN = 1.0, 0.2  # seconds between two looks, if every event is heard and if not
_AT_ONCE = 1000  # events that one look reads
_GAPS = 1000  # numbers that are looked for again, since their events may be written late
_LAST_WORD = timedelta(seconds=3)  # after which the last word of a task that has ended does not come any more
_LATE = timedelta(seconds=10)  # for how long

Since = int | datetime | timedelta | None


class _Pair(NamedTuple):
    event: str
    data: Any


class TaskEvent(_Pair):
    """An event, as a pair of its name and its data."""

    task_id: str
    number: int  # in the log; pass it as ``since`` to go on behind it

    @classmethod
    def of(cls, row: Event) -> "TaskEvent":
        """Return what a row tells."""
        found = cls(row.kind, json.loads(row.payload))
        found.task_id = row.stream[len(PREFIX) :]
        found.number = row.pk
        return found


def subscribe(task_id: str, since: Since = None, *, patience: float | None = None) -> Iterator[TaskEvent]:
    """Return an iterator over the events of a task, which ends with the task; ``'*'`` are all tasks, and has no end.

    It begins with what comes from now on; ``since`` asks for earlier ones: those behind a number, after a moment, or of
    so long ago. ``0`` are all that are kept. It ends as well when nothing has come for so many seconds as ``patience``
    says. Do not use it in a transaction, which may not see what is new. Raises InvalidValue for a ``since`` that is
    none of these.
    """
    if not (since is None or isinstance(since, (int, datetime, timedelta))):
        raise InvalidValue(f"since is {since!r}; pass the number of an event, a datetime, or a timedelta.")
    tail: _OfAll | _OfOne = _OfAll(since) if task_id == ALL else _OfOne(task_id, since)
    return _follow(tail, patience)


def _follow(tail: "_OfAll | _OfOne", patience: float | None) -> Iterator[TaskEvent]:
    with closing(Ear(conf.current().orm)) as ear:
        every = _SELDOM if ear.hears_all else _OFTEN
        silence = 0.0
        while True:
            told = False
            for row in tail.look():
                told = True
                if row.kind not in (START, END):
                    yield TaskEvent.of(row)
            if tail.has_ended:
                return
            silence = 0.0 if told else silence
            left = every if patience is None else min(every, patience - silence)
            if left <= 0:
                return
            if not ear.wait(left):
                silence += left


class _OfOne:
    """The events of one task, run after run: each has one writer, so that they have an order."""

    def __init__(self, task_id: str, since: Since) -> None:
        self.has_ended = False
        self._id = task_id
        self._events = Event.objects.using(conf.current().orm).filter(stream=f"{PREFIX}{task_id}")
        self._is_told = False  # the end of the newest run is known
        self._at_rest_since: datetime | None = None
        self._run, self._seq = self._place(since)

    def look(self) -> Iterable[Event]:
        behind = Q(run__gt=self._run) | Q(run=self._run, seq__gt=self._seq)
        found = list(self._events.filter(behind).order_by("run", "seq")[:_AT_ONCE])
        for row in found:
            self._run, self._seq, self._is_told = row.run, row.seq, row.kind == END
            yield row
            if self._is_told and json.loads(row.payload)["state"] in AT_REST:
                self.has_ended = True
                return
        if not found:
            self._ask_the_task()

    def _ask_the_task(self) -> None:
        """It may have ended without a word, since its runner died; the last word may also be on its way."""
        state = rows().filter(pk=self._id).values_list("state", flat=True).first()
        if state is not None and state not in AT_REST:
            self._at_rest_since = None
            return
        now = timezone.now()
        self._at_rest_since = self._at_rest_since or now
        self.has_ended = self._is_told or now - self._at_rest_since >= _LAST_WORD

    def _place(self, since: Since) -> tuple[int, int]:
        """Return the run and the number of the last event that is not asked for."""
        if since is None:
            last = self._events.order_by("-run", "-seq").first()
            self._is_told = last is not None and last.kind == END
            return (0, -1) if last is None else (last.run, last.seq)
        first = self._events.filter(_after(since)).order_by("run", "seq").first()
        return (0, -1) if first is None else (first.run, first.seq - 1)


class _OfAll:
    """The events of all tasks, in the order of the log; those are not missed whose transaction ended late."""

    has_ended = False

    def __init__(self, since: Since) -> None:
        self._events = Event.objects.using(conf.current().orm)
        self._gaps: deque[tuple[int, datetime]] = deque(maxlen=_GAPS)  # numbers, and until when they are looked for
        self._last = self._place(since)

    def look(self) -> Iterable[Event]:
        new = list(self._events.filter(pk__gt=self._last).order_by("pk")[:_AT_ONCE])
        # Later than the others: what is written behind an event of the same task is not told before it.
        late = list(self._events.filter(pk__in=[number for number, _ in self._gaps])) if self._gaps else []
        known, now = {row.pk for row in late}, timezone.now()
        self._gaps = deque([gap for gap in self._gaps if gap[0] not in known and gap[1] > now], maxlen=_GAPS)
        for row in new:
            self._gaps.extend((number, now + _LATE) for number in range(max(self._last + 1, row.pk - _GAPS), row.pk))
            self._last = row.pk
        return [row for row in sorted(late + new, key=lambda row: row.pk) if row.stream.startswith(PREFIX)]

    def _place(self, since: Since) -> int:
        newest = self._events.order_by("-pk").values_list("pk", flat=True).first() or 0
        if since is None:
            return newest
        if isinstance(since, int):
            return since
        first = self._events.filter(_after(since)).order_by("pk").values_list("pk", flat=True).first()
        return newest if first is None else first - 1


def _after(since: int | datetime | timedelta) -> Q:
    if isinstance(since, int):
        return Q(pk__gt=since)
    return Q(created__gt=timezone.now() - since if isinstance(since, timedelta) else since)
