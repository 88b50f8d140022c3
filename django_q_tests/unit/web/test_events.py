"""What a stream says, when, and until when."""

import asyncio

import pytest
from django.test import AsyncRequestFactory, RequestFactory

from django_q.exceptions import InvalidValue
from django_q.kernel import clock
from django_q.web import events
from django_q.web.events import Event, EventStream, Source, refusal, room

pytestmark = pytest.mark.once


class Told(Source):
    """Tells what a test put down, each at its moment; time passes only while somebody waits."""

    def __init__(self, monkeypatch, *moments):
        self.now = 0.0
        self.left = list(moments)
        self.closed = 0
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)

    def take(self):
        due = [event for moment, event in self.left if moment <= self.now]
        self.left = [(moment, event) for moment, event in self.left if moment > self.now]
        return due

    @property
    def is_over(self):
        return self.left == []

    def wait(self, seconds):
        self.now = min(self.now + seconds, *(moment for moment, _ in self.left))

    async def await_news(self, seconds):
        self.wait(seconds)

    def close(self):
        self.closed += 1


@pytest.fixture(params=["in a thread", "in a loop"])
def said(request):
    """What a stream of each kind says, from its beginning to its end."""

    async def collect(response):
        return [part async for part in response]

    def say(source):
        if request.param == "in a thread":
            return list(EventStream(RequestFactory().get("/"), source))
        return asyncio.run(collect(EventStream(AsyncRequestFactory().get("/"), source)))

    return say


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event("now"), "data: now\n\n"),
        (Event("1", name="changed", id="7"), "id: 7\nevent: changed\ndata: 1\n\n"),
        (Event("one\ntwo\r\nthree\rfour"), "data: one\ndata: two\ndata: three\ndata: four\n\n"),
        (Event(""), "data: \n\n"),
        (Event("ä\u2028ö\x85"), "data: ä\u2028ö\x85\n\n"),
    ],
)
def test_an_event_is_written_as_browsers_read_it(event, text):
    assert event.encode() == text.encode()


@pytest.mark.parametrize("field", [{"name": "two\nlines"}, {"id": "nul\0"}, {"id": "two\rlines"}])
def test_what_would_end_a_line_is_refused(field):
    with pytest.raises(InvalidValue, match="Pass one line"):
        Event("", **field)


def test_a_stream_begins_at_once_and_says_what_comes(monkeypatch, said):
    source = Told(monkeypatch, (0, Event("first")), (3, Event("second")))

    assert said(source) == [b"retry: 1000\n\ndata: first\n\n", b"data: second\n\n"]
    assert source.now == 3


def test_a_silent_stream_says_now_and_then_that_it_lives(monkeypatch, said):
    source = Told(monkeypatch, (0, Event("first")), (40, Event("last")))

    assert said(source)[1:] == [b":\n\n", b":\n\n", b"data: last\n\n"]


def test_a_stream_ends_after_its_life(monkeypatch, said):
    source = Told(monkeypatch, (10_000, Event("never")))

    said(source)

    assert source.now in (events.LIFE_IN_THREAD, events.LIFE_IN_LOOP)


def test_a_stream_that_was_never_read_lets_go(monkeypatch):
    source = Told(monkeypatch, (0, Event("first")))

    EventStream(RequestFactory().get("/"), source).close()

    assert source.closed == 1


def test_nothing_between_server_and_browser_may_hold_it_back(monkeypatch):
    response = EventStream(RequestFactory().get("/"), Told(monkeypatch, (0, Event("first"))))

    assert response["Content-Type"] == "text/event-stream"
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-cache", "no")
    assert response["Content-Encoding"] == "identity"


def test_a_process_without_threads_has_no_room_for_a_stream():
    alone, threaded = RequestFactory(), RequestFactory(**{"wsgi.multithread": True})

    assert room(alone.get("/"), in_threads=3) == 0
    assert room(threaded.get("/"), in_threads=3) == 3
    assert room(AsyncRequestFactory().get("/"), in_threads=3) == 1000


def test_a_refusal_says_when_to_come_again():
    response = refusal()

    assert (response.status_code, response["Retry-After"]) == (503, "10")
