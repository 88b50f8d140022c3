"""The events of a task over HTTP: what the websocket says, as server-sent events."""

from collections.abc import Iterable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from django_q.contrib.publish import access, messages, options
from django_q.contrib.publish.messages import Message
from django_q.contrib.publish.viewing import Viewing
from django_q.contrib.publish.wishes import Unreadable, wish_of
from django_q.events import Place
from django_q.exceptions import TooManyViewers
from django_q.web.events import Event, EventStream, Source, refusal, room


@login_not_required
@require_GET
def events(request: HttpRequest) -> HttpResponseBase:
    """Stream a task: ``?id=demo__test1``, with ``&batch=1`` many events at once.

    The id of a message is ``run.number``; a browser that comes back says it, and is told what is behind it. Who is
    refused is told so by a message; no room for another stream: 503.
    """
    try:
        wish = wish_of(_wanted(request))
    except Unreadable as error:
        return EventStream(request, Words(messages.failed("unreadable", str(error))))
    if not access.may_watch(getattr(request, "user", None), wish.stream, wish.place.run):
        no = messages.failed("refused", "You may not watch this task.", access.hint(wish.stream))
        return EventStream(request, Words(no))
    most = room(request, in_threads=options.option("wsgi_streams"), in_loop=options.option("viewers"))
    try:
        return EventStream(request, Messages(Viewing.begin(wish, most=most)))
    except TooManyViewers:
        return refusal()


def _wanted(request: HttpRequest) -> dict[str, object]:
    seen = request.headers.get("Last-Event-ID", "") or request.GET.get("seen", "")
    run, _, last = seen.partition(".")
    place = {"run": int(run), "last": int(last)} if run.isdecimal() and last.isdecimal() else {}
    return {"id": request.GET.get("id"), "batch": request.GET.get("batch"), **place}


class Messages(Source):
    """The messages of one stream."""

    def __init__(self, viewing: Viewing) -> None:
        self._viewing = viewing

    def take(self) -> Iterable[Event]:
        return [_event(message) for message in self._viewing.take()]

    @property
    def is_over(self) -> bool:
        return self._viewing.is_over

    def wait(self, seconds: float) -> None:
        self._viewing.wait(seconds)

    async def await_news(self, seconds: float) -> None:
        await self._viewing.await_news(seconds)

    def close(self) -> None:
        self._viewing.close()


class Words(Source):
    """One message and no more."""

    def __init__(self, text: str) -> None:
        self._left = [_event(Message(text, Place()))]

    def take(self) -> Iterable[Event]:
        said, self._left = self._left, []
        return said

    @property
    def is_over(self) -> bool:
        return not self._left

    def wait(self, seconds: float) -> None:
        return None

    async def await_news(self, seconds: float) -> None:
        return None

    def close(self) -> None:
        return None


def _event(message: Message) -> Event:
    run, seq = message.place
    return Event(message.text, id=f"{run}.{seq}" if run else "")
