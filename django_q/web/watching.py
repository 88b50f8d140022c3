"""One look at the database, a few times a second, for all in this process who watch something."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import closing, nullcontext, suppress
from typing import Generic, Protocol, TypeVar

from django.db import Error, connections

from django_q.exceptions import TooManyViewers

logger = logging.getLogger("django_q.web")

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

INTERVAL = 0.3  # seconds between two looks
_LONGEST = 5.0  # seconds between two looks while the database cannot be asked
_SELDOM, _OFTEN = 1.0, 0.2  # seconds that an ear waits in vain, if it hears all and if it does not

Read = Callable[[Collection[Key]], Mapping[Key, Value]]


class Ear(Protocol):
    """Hears that there may be something new; such as :class:`django_q.events.waking.Ear`."""

    @property
    def hears_all(self) -> bool:
        """Is nothing missed?"""

    def wait(self, seconds: float) -> bool:
        """Wait until something is heard, at most so long."""

    def close(self) -> None:
        """Hear no more."""


class Viewer(Generic[Key, Value]):
    """Somebody who watches what belongs to a key. Who is slow misses what was in between, never what is newest."""

    def __init__(self, key: Key, known: Value, leave: Callable[["Viewer[Key, Value]"], None]) -> None:
        self.key = key
        self._newest: Value | None = known
        self._leave = leave
        self._bell = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_bell = asyncio.Event()

    def news(self) -> list[Value | None]:
        """Return what is newest if it has changed, None for what is gone; an empty list if nothing is new."""
        if not self._bell.is_set():
            return []
        self._bell.clear()  # before it is read: what comes from now on is news again
        return [self._newest]

    def wait(self, seconds: float) -> None:
        """Wait for news, at most so long."""
        self._bell.wait(seconds)

    async def await_news(self, seconds: float) -> None:
        """Wait for news in an event loop, at most so long."""
        self._loop_bell.clear()
        self._loop = asyncio.get_running_loop()
        # After it was said which loop has to be woken: so one of the two sees the other.
        if not self._bell.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._loop_bell.wait(), seconds)

    def tell(self, value: Value | None) -> None:
        """Say what was found; called by the thread that looks."""
        if value == self._newest:
            return
        self._newest = value
        self._bell.set()
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._loop_bell.set)
            except RuntimeError:  # the loop was closed, with whoever waited in it
                self.close()

    def close(self) -> None:
        """Watch no more; may be called again."""
        self._leave(self)


class Watcher(Generic[Key, Value]):
    """Reads what is watched, all of it at once, in a thread that lives while somebody watches.

    ``read`` gets the keys and returns the values of those that exist; values that are equal are no news. It runs in the
    thread, and is tried again if it raises an error of the database. With an ``ear``, which is made in the thread, it
    looks when something is heard, ``interval`` being the least pause between two looks; else once in each interval.
    """

    def __init__(
        self,
        read: Read[Key, Value],
        *,
        name: str,
        interval: float = INTERVAL,
        ear: Callable[[], Ear] | None = None,
    ) -> None:
        self.read = read
        self.name = name
        self.interval = interval
        self.ear = ear
        self._circle = Circle(self)

    def watch(self, key: Key, known: Value, *, most: int) -> Viewer[Key, Value]:
        """Watch a key whose value is ``known``. The caller closes what is returned.

        Raises :exc:`~django_q.exceptions.TooManyViewers` if ``most`` watch here already.
        """
        return self.circle.join(key, known, most)

    @property
    def circle(self) -> "Circle[Key, Value]":
        """Those who watch in this process."""
        if self._circle.pid != os.getpid():
            # A server that forked after somebody had watched: the lock may be held by a thread that is not here.
            self._circle = Circle(self)
        return self._circle


class Circle(Generic[Key, Value]):
    """Those who watch in one process, and the thread that looks for them."""

    def __init__(self, watcher: Watcher[Key, Value]) -> None:
        self.pid = os.getpid()
        self.thread: threading.Thread | None = None
        self._watcher = watcher
        self._viewers: set[Viewer[Key, Value]] = set()
        self._lock = threading.Lock()
        self._is_empty = threading.Event()
        self._is_failing = False

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self, key: Key, known: Value, most: int) -> Viewer[Key, Value]:
        """Let somebody watch, and see that somebody looks. Raises TooManyViewers."""
        viewer = Viewer(key, known, self.leave)
        with self._lock:
            if len(self._viewers) >= most:
                raise TooManyViewers()
            self._viewers.add(viewer)
            self._is_empty.clear()
            try:
                self._begin()
            except RuntimeError as error:  # the system has no thread left
                self._viewers.discard(viewer)
                raise TooManyViewers() from error
        return viewer

    def leave(self, viewer: Viewer[Key, Value]) -> None:
        """Let somebody go; the last one lets the thread end."""
        with self._lock:
            self._viewers.discard(viewer)
            if not self._viewers:
                self._is_empty.set()

    def look(self) -> bool:
        """Look once, and tell those for whom something has changed. False: the database could not be asked."""
        with self._lock:
            viewers = list(self._viewers)
        try:
            found = self._watcher.read({viewer.key for viewer in viewers}) if viewers else {}
        except Error as error:
            self._fail(error)
            return False
        self._is_failing = False
        for viewer in viewers:
            viewer.tell(found.get(viewer.key))
        return True

    def _begin(self) -> None:
        if self.thread is not None and self.thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name=f"watching {self._watcher.name}", daemon=True)
        thread.start()
        self.thread = thread

    def _run(self) -> None:
        pause = self._watcher.interval
        ear = None if self._watcher.ear is None else self._watcher.ear()
        try:
            with nullcontext() if ear is None else closing(ear):
                while self._goes_on():
                    pause = self._watcher.interval if self.look() else min(2 * pause, _LONGEST)
                    if not self._is_empty.wait(pause) and ear is not None and not self._is_failing:
                        ear.wait(_SELDOM if ear.hears_all else _OFTEN)
        finally:
            connections.close_all()

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._viewers:
                self.thread = None  # said under the lock: whoever comes from now on begins another one
            return bool(self._viewers)

    def _fail(self, error: Error) -> None:
        if not self._is_failing:
            logger.warning("What is watched (%s) cannot be read and is tried again: %s", self._watcher.name, error)
        self._is_failing = True
        connections.close_all()
