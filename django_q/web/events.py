"""Server-sent events: what the ``EventSource`` of a browser reads, from WSGI and from ASGI servers."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from django_q.exceptions import InvalidValue
from django_q.kernel import clock

CONTENT_TYPE = "text/event-stream"

HEARTBEAT = 15.0  # seconds of silence after which a comment is sent: proxies close what is silent
COMES_BACK = 1.0  # seconds after which a browser asks again when a stream has ended
# Seconds that a stream lives: on WSGI it has a thread, and on both who it belongs to is asked at the beginning only.
LIFE_IN_THREAD, LIFE_IN_LOOP = 60.0, 300.0
RETRY_AFTER = 10  # seconds that whoever was refused is asked to wait

_BREAKS = ("\r", "\n", "\0")
_SILENCE = b":\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell a browser. Raises :exc:`~django_q.exceptions.InvalidValue` for a name or id of two lines."""

    data: str
    name: str = ""  # what to listen to; empty: "message"
    id: str = ""  # what a browser says in Last-Event-ID when it comes back

    def __post_init__(self) -> None:
        for field, value in (("name", self.name), ("id", self.id)):
            if any(each in value for each in _BREAKS):
                raise InvalidValue(f"The {field} of an event is {value!r}. Pass one line, without NUL.")

    def encode(self) -> bytes:
        """Return it as it is sent."""
        lines = [f"{field}: {value}" for field, value in (("id", self.id), ("event", self.name)) if value]
        # Each of the three ends a line, and nothing else does.
        data = self.data.replace("\r\n", "\n").replace("\r", "\n")
        lines += [f"data: {line}" for line in data.split("\n")]
        return "\n".join([*lines, "", ""]).encode()


class Source(ABC):
    """Where the events of one stream come from. One thread, or one event loop, reads it."""

    @abstractmethod
    def take(self) -> Iterable[Event]:
        """Return what is new, without waiting."""

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Will nothing follow what was taken?"""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Wait until there may be something new, at most so long."""

    @abstractmethod
    async def await_news(self, seconds: float) -> None:
        """Do what :meth:`wait` does, in an event loop."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; called once or more, from any thread."""


class EventStream(StreamingHttpResponse):
    """The answer that sends events as they come: until the source is over, the browser is gone, or its life ends.

    Then a browser comes back by itself, unless the source was over and the page closed its ``EventSource``.
    """

    def __init__(self, request: HttpRequest, source: Source) -> None:
        self._source = source
        in_loop = isinstance(request, ASGIRequest)
        course = _Course(source, LIFE_IN_LOOP if in_loop else LIFE_IN_THREAD)
        # The other kind of iterator would be read to its end before anything is sent.
        super().__init__(_in_loop(course) if in_loop else _in_thread(course), content_type=CONTENT_TYPE)
        self["Cache-Control"] = "no-cache"
        self["X-Accel-Buffering"] = "no"  # nginx
        self["Content-Encoding"] = "identity"  # else GZipMiddleware would hold back what is too short to be compressed

    def close(self) -> None:
        """Let go of the source, whether anything was sent or not."""
        self._source.close()
        super().close()


def room(request: HttpRequest, *, in_threads: int, in_loop: int = 1000) -> int:
    """Return how many streams the process that answers this request may hold open.

    A thread serves one stream and nothing else, a process without threads would serve nobody else at all.
    """
    if isinstance(request, ASGIRequest):
        return in_loop
    return in_threads if request.META.get("wsgi.multithread") else 0


def refusal() -> HttpResponse:
    """Return the answer to one stream too many: the page has to ask now and then instead."""
    return HttpResponse(status=503, headers={"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"})


class _Course:
    """What one stream says, and when."""

    def __init__(self, source: Source, life: float) -> None:
        self.source = source
        self._ends_at = clock.monotonic() + life
        self._silent_until = clock.monotonic() + HEARTBEAT

    def say(self) -> bytes:
        """Return what has to be sent now; empty: nothing."""
        said = b"".join(event.encode() for event in self.source.take())
        moment = clock.monotonic()
        if not said and moment >= self._silent_until:
            said = _SILENCE
        if said:
            self._silent_until = moment + HEARTBEAT
        return said

    @property
    def is_over(self) -> bool:
        return self.source.is_over or clock.monotonic() >= self._ends_at

    @property
    def rest(self) -> float:
        return max(min(self._silent_until, self._ends_at) - clock.monotonic(), 0.0)


_OPENING = f"retry: {int(COMES_BACK * 1000)}\n\n".encode()


def _in_thread(course: _Course) -> Iterator[bytes]:
    _let_go_of_the_database()
    yield _OPENING + course.say()
    while not course.is_over:
        course.source.wait(course.rest)
        if said := course.say():
            yield said


async def _in_loop(course: _Course) -> AsyncIterator[bytes]:
    await sync_to_async(_let_go_of_the_database)()
    yield _OPENING + course.say()
    while not course.is_over:
        await course.source.await_news(course.rest)
        if said := course.say():
            yield said


def _let_go_of_the_database() -> None:
    """Close what the view has used: nobody needs it until the stream ends, and a database has few connections."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
