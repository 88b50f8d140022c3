"""The websocket at which browsers watch tasks, for Channels."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django_q.contrib.publish import access, messages, options
from django_q.contrib.publish.viewing import Viewing, desk
from django_q.contrib.publish.wishes import Unreadable, wish_of
from django_q.exceptions import TooManyViewers

try:
    from channels.generic.websocket import AsyncWebsocketConsumer
except ImportError as error:
    raise ImportError(
        "The websocket of live tasks needs Channels: pip install 'django-q-cluster[channels]'. Without it, pages can "
        "listen to django_q.contrib.publish.urls."
    ) from error

_REST = 10.0  # seconds


class TaskEventsConsumer(AsyncWebsocketConsumer):
    """One browser: ``{"id": "demo__test1"}`` has the events of a task sent, ``{"ping": 1}`` is answered meanwhile."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._viewing: Viewing | None = None
        self._showing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a browser. However that ends, nothing of it is left."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what a browser wants; what cannot be understood is answered by an error and changes nothing."""
        try:
            wanted = json.loads(text_data if text_data is not None else bytes_data or b"")
        except ValueError:
            wanted = None
        if not isinstance(wanted, Mapping):
            await self._fail("unreadable", 'Send a JSON object, for example {"id": "demo__test1"}.')
            return
        if "ping" in wanted:
            await self.send(text_data='{"status":"pong"}')
        if "id" in wanted:
            await self._begin(wanted)

    async def disconnect(self, code: int) -> None:
        """Stop when the browser is gone."""
        self._leave()

    async def _begin(self, wanted: Mapping[str, Any]) -> None:
        if self._viewing is not None:
            await self._fail("busy", "This socket shows a task already. Open another one.")
            return
        try:
            wish = wish_of(wanted)
        except Unreadable as error:
            await self._fail("unreadable", str(error))
            return
        if not await desk.ask(access.may_watch, self.scope.get("user"), wish.stream, wish.place.run):
            await self._fail("refused", "You may not watch this task.", access.hint(wish.stream))
            await self.close()
            return
        try:
            self._viewing = Viewing.begin(wish, most=options.option("viewers"))
        except TooManyViewers as error:
            await self._fail("full", str(error))
            await self.close()
            return
        # Not here: messages wait until this method has returned, and pings are to be answered.
        self._showing = asyncio.create_task(self._show(self._viewing))

    async def _show(self, viewing: Viewing) -> None:
        with suppress(OSError):  # the browser is gone, which the server has not said yet
            while not viewing.is_over:
                said = viewing.take()
                for message in said:
                    await self.send(text_data=message.text)
                if not said and not viewing.is_over:
                    await viewing.await_news(_REST)
            await self.close()

    async def _fail(self, reason: str, message: str, hint: str = "") -> None:
        await self.send(text_data=messages.failed(reason, message, hint))

    def _leave(self) -> None:
        if self._showing is not None:
            self._showing.cancel()
        if self._viewing is not None:
            self._viewing.close()
