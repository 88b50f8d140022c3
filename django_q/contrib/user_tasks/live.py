"""What live pages ask: one user task as JSON, as a stream of events, and to be canceled."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_POST, require_safe

from django_q.contrib.user_tasks import options
from django_q.contrib.user_tasks.models import UserTaskArtifact
from django_q.contrib.user_tasks.permissions import may
from django_q.contrib.user_tasks.snapshots import Facts, look_at, snapshot
from django_q.exceptions import TooManyViewers
from django_q.web.events import Event, EventStream, Source, refusal, room
from django_q.web.watching import Viewer, Watcher

watcher: Watcher[UUID, Facts] = Watcher(look_at, name="user tasks")

# Each view answers those who are not logged in by itself: a redirection to the login is of no use to a script.
_STATUS_OF_REFUSAL = {"anonymous": 403, "unknown": 404, "cancel": 403}


class Refused(Exception):
    """The answer is no; says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.status = _STATUS_OF_REFUSAL[why]

    def answer(self) -> JsonResponse:
        """Return what says so, and nothing else."""
        return JsonResponse({"detail": str(self)}, status=self.status)


@dataclass(frozen=True, slots=True)
class Reader:
    """What somebody may see of a row, and in which language."""

    may_cancel: bool
    sees_artifacts: bool
    language: str | None

    @classmethod
    def of(cls, user: Any, facts: Facts) -> "Reader":
        """Ask who may what, which may take the database: once, for as long as one answer lasts."""
        sees_artifacts = may(user, "view", UserTaskArtifact(status=facts.row))
        return cls(may(user, "cancel", facts.row), sees_artifacts, translation.get_language())

    @classmethod
    def nobody(cls) -> "Reader":
        """Return whoever is told of a page without users: no more than how it stands."""
        return cls(may_cancel=False, sees_artifacts=False, language=translation.get_language())

    def snapshot(self, facts: Facts) -> dict[str, Any]:
        """Return what he is told."""
        # A stream is written when the middleware that chose the language is done.
        with translation.override(self.language):
            return snapshot(facts, may_cancel=self.may_cancel, sees_artifacts=self.sees_artifacts)


@login_not_required
@never_cache
@require_safe
def status(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Return a user task as JSON."""
    try:
        facts = _visible(request, uuid)
    except Refused as no:
        return no.answer()
    return JsonResponse(Reader.of(request.user, facts).snapshot(facts))


@login_not_required
@require_GET
def events(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    """Stream a user task: an event ``snapshot`` now and at every change, until it has ended; ``gone`` if it is deleted.

    Answer 503 if there is no room for another stream, and 204, which ends an ``EventSource``, if the task has ended and
    ``Last-Event-ID`` says that this is known.
    """
    try:
        facts = _visible(request, uuid)
    except Refused as no:
        return no.answer()
    seen = request.headers.get("Last-Event-ID", "")
    if facts.row.is_final and seen == facts.version:
        return HttpResponse(status=204)
    reader, most = Reader.of(request.user, facts), room(request, in_threads=options.wsgi_streams())
    try:
        viewer = watcher.watch(uuid, facts, most=most)
    except TooManyViewers:
        return refusal()
    return EventStream(request, Snapshots(viewer, reader, facts, seen))


@login_not_required
@require_POST
@csrf_protect
def cancel(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Cancel a user task; return it as JSON, or go back to the page that a form names in ``next``."""
    try:
        facts = _visible(request, uuid)
        if not may(request.user, "cancel", facts.row):
            raise Refused("cancel")
        facts.row.cancel()
        facts = _visible(request, uuid)
    except Refused as no:
        return no.answer()
    page = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(page)
    return JsonResponse(Reader.of(request.user, facts).snapshot(facts))


def _visible(request: HttpRequest, uuid: UUID) -> Facts:
    """Return what is known of a row that its reader may see. Raises Refused: whoever may not does not learn of it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        raise Refused("anonymous")
    facts = look_at([uuid]).get(uuid)
    if facts is None or not may(user, "view", facts.row):
        raise Refused("unknown")
    return facts


class Snapshots(Source):
    """The events of one stream."""

    def __init__(self, viewer: Viewer[UUID, Facts], reader: Reader, facts: Facts, seen: str) -> None:
        self._viewer = viewer
        self._reader = reader
        # What a browser that comes back has seen is not said again.
        self._first = [] if seen == facts.version else [facts]
        self._is_over = False

    def take(self) -> Iterable[Event]:
        """Return a snapshot if there is a new one."""
        first, self._first = self._first, []
        return [self._event(facts) for facts in [*first, *self._viewer.news()]]

    @property
    def is_over(self) -> bool:
        """Has it ended, or is it gone?"""
        return self._is_over

    def wait(self, seconds: float) -> None:
        self._viewer.wait(seconds)

    async def await_news(self, seconds: float) -> None:
        await self._viewer.await_news(seconds)

    def close(self) -> None:
        self._viewer.close()

    def _event(self, facts: Facts | None) -> Event:
        if facts is None:
            self._is_over = True
            return Event("{}", name="gone")
        self._is_over = facts.row.is_final
        return Event(json.dumps(self._reader.snapshot(facts)), name="snapshot", id=facts.version)
