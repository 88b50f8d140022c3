"""What one viewer is told of a stream: the run of its newest task, from the beginning or from where he was."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from django_q import conf
from django_q.contrib.publish import messages, options, rows, runs
from django_q.contrib.publish.messages import Message
from django_q.events import Place, Tails, Told
from django_q.events.reading import read
from django_q.events.waking import Ear
from django_q.web.watching import Viewer, Watcher

_PACE = 0.05  # seconds between two looks
_LOOK_AGAIN = 1.0  # seconds after which what no look finds is looked for: the rest of a run that is not the newest
_AT_ONCE = 1000  # events
_PARTS = 16  # of so many events, that are kept

UNKNOWN = "unknown"
Answer = TypeVar("Answer")

tails: Tails = SimpleLazyObject(lambda: Tails(conf.current().orm))  # type: ignore[assignment]


class Seen(NamedTuple):
    """What all who watch a stream are told."""

    newest: Place = Place()  # of the newest run
    to_watch: int = 0  # the run that newcomers watch


class Looks:
    """Looks for all who watch in this process; which run newcomers watch is asked when another one has begun."""

    def __init__(self) -> None:
        self._chosen: dict[str, tuple[int, int]] = {}  # stream -> newest run, the one to watch

    def __call__(self, streams: Collection[str]) -> dict[str, Seen]:
        found = tails.look(streams)
        self._chosen = {stream: self._choice(stream, place.run) for stream, place in found.items()}
        return {stream: Seen(place, self._chosen[stream][1]) for stream, place in found.items()}

    def _choice(self, stream: str, newest: int) -> tuple[int, int]:
        known = self._chosen.get(stream)
        return known if known is not None and known[0] == newest else (newest, runs.to_watch(stream))


class Parts:
    """The newest parts of streams that were read from the database: many come late at the same time."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, Place], list[Told]] = {}

    def read(self, stream: str, place: Place) -> list[Told]:
        """Return what is behind a place; a full part is kept for the next who asks."""
        found = self._parts.get((stream, place))
        if found is None:
            found = read(tails.alias, stream, place, _AT_ONCE)
            if len(found) == _AT_ONCE:
                self._parts = {**dict(list(self._parts.items())[1 - _PARTS :]), (stream, place): found}
        return found

    def forget(self) -> None:
        """Forget what nobody watches any more."""
        self._parts = {}


class Desk:
    """Where viewers in event loops ask the database: one after the other, on one connection while some wait."""

    def __init__(self) -> None:
        self._waiting = 0

    async def ask(self, call: Callable[..., Answer], *args: Any) -> Answer:
        """Return what a function returns that asks the database."""
        self._waiting += 1
        try:
            return await sync_to_async(self._answer)(call, *args)
        finally:
            self._waiting -= 1

    def _answer(self, call: Callable[..., Answer], *args: Any) -> Answer:
        try:
            return call(*args)
        finally:
            if self._waiting <= 1:
                close_old_connections()


parts = Parts()
desk = Desk()
watcher: Watcher[str, Seen] = Watcher(Looks(), name="live tasks", interval=_PACE, ear=lambda: Ear(tails.alias))


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see."""

    stream: str
    place: Place = Place()  # what he has seen
    in_batches: bool = False


class Viewing:
    """One viewer's way through a stream. One thread, or one event loop, takes what he is told."""

    def __init__(self, wish: Wish, viewer: Viewer[str, Seen]) -> None:
        self._wish = wish
        self._viewer = viewer
        self._place = wish.place
        self._seen = Seen()
        self._judged: int | None = None  # runs up to this number were decided about, by the database
        self._has_begun = False
        self._has_news = False  # is something to be found in memory?
        self._asks = True  # has the database to be asked?
        self._asks_again = False  # did it not answer?
        self._fetched: list[Told] = []
        self._failure = ""
        self._until = self._later()
        self.is_over = False

    def take(self) -> list[Message]:
        """Return what is new, without waiting and without the database."""
        said: list[Message] = []
        if self._failure:
            said.append(Message(self._failure, self._place))
            self._failure, self.is_over = "", True
        while not self.is_over and (found := self._found()):
            said += self._say(found)
        return said

    def wait(self, seconds: float) -> None:
        """Wait until there may be something new, at most so long; the database may be asked."""
        if self._asks:
            self._fetch()
        else:
            self._viewer.wait(min(seconds, _LOOK_AGAIN))
            self._look_again()

    async def await_news(self, seconds: float) -> None:
        """Do what :meth:`wait` does, in an event loop."""
        if self._asks:
            await desk.ask(self._fetch)
        else:
            await self._viewer.await_news(min(seconds, _LOOK_AGAIN))
            self._look_again()

    @classmethod
    def begin(cls, wish: Wish, *, most: int) -> "Viewing":
        """Begin to watch. Raises :exc:`~django_q.exceptions.TooManyViewers` if ``most`` watch here already."""
        return cls(wish, watcher.watch(wish.stream, Seen(), most=most))

    def close(self) -> None:
        """Watch no more; may be called again."""
        self._viewer.close()
        if not len(watcher.circle):
            parts.forget()

    # --- where it comes from ------------------------------------------------------------------------------------------

    def _found(self) -> list[Told]:
        if self._fetched:
            found, self._fetched = self._fetched, []
            return found
        for seen in self._viewer.news():
            self._seen, self._has_news = seen or Seen(), True
        if not self._has_news:
            return []
        # What others chose before is not for him: his task may not have begun.
        if not self._place.run and self._judged is not None and self._seen.to_watch > self._judged:
            self._enter(self._seen.to_watch)
        if not self._place.run:
            self._has_news = False
            return []
        known = tails.known(self._wish.stream, self._place, _AT_ONCE)
        self._has_news = bool(known)
        self._asks = self._asks or known is None
        return known or []

    def _look_again(self) -> None:
        is_old = 0 < self._place.run < self._seen.newest.run
        is_late = not self._place.run and timezone.now() >= self._until
        self._asks = self._asks or self._asks_again or is_old or is_late
        self._asks_again = False

    def _fetch(self) -> None:
        try:
            self._ask()
        except Error:  # the watcher, which meets the same, says so
            self._asks, self._asks_again = False, True

    def _ask(self) -> None:
        stream = self._wish.stream
        if not self._place.run:
            # Of the runs that there are the database decides now, of later ones what was seen at their beginning.
            self._judged = runs.newest(stream)
            self._enter(runs.to_watch(stream))
        self._fetched = parts.read(stream, self._place) if self._place.run else []
        self._asks = len(self._fetched) == _AT_ONCE
        if not self._place.run and timezone.now() >= self._until:
            self._give_up_unless_queued()

    def _enter(self, run: int) -> None:
        # Who names no run has seen so much of the newest.
        self._place = Place(run, self._wish.place.seq if run else -1)

    def _give_up_unless_queued(self) -> None:
        row = rows.newest(self._wish.stream)
        if row is not None and rows.is_queued(row.task_id):
            self._until = self._later()
            return
        self._failure = messages.failed(UNKNOWN, f"No task publishes {self._wish.stream!r}.")

    def _later(self) -> Any:
        return timezone.now() + timedelta(seconds=options.option("patience"))

    # --- how it is said -----------------------------------------------------------------------------------------------

    def _say(self, found: list[Told]) -> list[Message]:
        said: list[Message] = []
        if not self._has_begun:
            self._has_begun = True
            said.append(messages.started(Place(self._place.run, max(self._place.seq, 0))))
        for part in _without_gaps(found):
            gone = part[0].seq - max(self._place.seq, 0) - 1
            if gone > 0:
                said.append(messages.missed(Place(self._place.run, part[0].seq - 1), gone))
            said += self._say_events([told for told in part if messages.is_event(told)])
            self._place = Place(part[-1].run, part[-1].seq)
        if found[-1].is_end:
            said.append(messages.ended(found[-1]))
            self.is_over = True
        return said

    def _say_events(self, events: list[Told]) -> Iterable[Message]:
        return messages.batches(self._wish.stream, events) if self._wish.in_batches else messages.singles(events)


def _without_gaps(found: list[Told]) -> Iterator[list[Told]]:
    start = 0
    for number in range(1, len(found) + 1):
        if number == len(found) or found[number].seq != found[number - 1].seq + 1:
            yield found[start:number]
            start = number
