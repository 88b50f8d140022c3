"""Brings events to the database: from the thread that runs the task, or, in a process of a cluster, from another one.

A task only puts its event into a queue, which a signal handler may interrupt anywhere. Numbers are given where the
events are written, so those of several threads have one order without a lock in the task.
"""

import os
import threading
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from django.db import Error, InterfaceError, OperationalError, connections

from django_q import conf
from django_q.engine.connections import close
from django_q.engine.places import Complaints, here, in_event_loop
from django_q.events import storing
from django_q.events.storing import Entry, Run
from django_q.kernel import clock
from django_q.models.event import END, START

_complain = Complaints("django_q.events", "events_failed")

_MOST = 10_000  # events that wait to be written; a task that is faster waits for room
_AT_ONCE = 1000
_PACE = 0.02  # seconds in which events gather after a batch of many
_MANY = 10
_PATIENCE = 5.0  # seconds that a task waits for a database that does not write
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds between two tries to write
_IDLE = 30.0  # seconds after which the thread closes its connection


class Writer(Protocol):
    """Takes events, and writes them in their order."""

    def put(self, entry: Entry) -> bool:
        """Write this soon. False: it is dropped, since nothing has been written for long."""

    def flush(self) -> bool:
        """Return when all is written that was put; False: it was not, and waiting longer is of no use."""


class EventStream:
    """One run of a stream: begun with the first event if not before. Threads of a task may send at once."""

    def __init__(self, name: str, about: Any = None) -> None:
        """Take a name of up to 200 characters, and what readers are to know of the run: a value that JSON can hold.

        Raises :exc:`~django_q.exceptions.InvalidValue` for another name, and :exc:`TypeError` for another value.
        """
        about = "" if about is None else storing.encode(about)
        self._run = Run(storing.checked_name(name), about)
        self._writer = writer()
        self._has_ended = False

    @property
    def name(self) -> str:
        """The name of the stream."""
        return self._run.stream

    def begin(self) -> bool:
        """Begin the run now, for a stream whose first event may be long in coming. False: as for :meth:`send`."""
        return not self._has_ended and self._writer.put(Entry(self._run, START))

    def send(self, kind: str, value: Any = None) -> bool:
        """Send an event. It is written within a moment, in the order of the calls.

        False: it is dropped, since the database has not written for long, or the run has ended; the log says so once.
        Raises :exc:`TypeError` for a value that JSON cannot hold, and :exc:`~django_q.exceptions.InvalidValue` for one
        that is too large, or a name that is too long or belongs to the log itself.
        """
        if self._has_ended:
            return False
        return self._writer.put(Entry(self._run, storing.checked_kind(kind), storing.encode(value)))

    def end(self, value: Any = None, *, wait: bool = True) -> bool:
        """End the run; what is sent later is dropped. Return when all is written; False: it could not be.

        Without ``wait`` it returns at once, True if it will be written.
        """
        if self._has_ended:
            return False
        self._has_ended = True
        is_taken = self._writer.put(Entry(self._run, END, storing.encode(value)))
        return is_taken and (not wait or self._writer.flush())

    def flush(self) -> bool:
        """Return when all that was sent is written; False: it could not be written for five seconds."""
        return self._writer.flush()


class Inline:
    """Writes in the thread that sends: at once if nothing was written just before, else with what comes next."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._entries: list[Entry] = []
        self._written_at = float("-inf")
        self._place = here()

    def put(self, entry: Entry) -> bool:
        self._entries.append(entry)
        # Another thread has a connection of its own, which may see less.
        if here() == self._place and clock.monotonic() - self._written_at >= _PACE:
            return self.flush()
        return True

    def flush(self) -> bool:
        if os.getpid() != self._place[0] or connections[self._alias].needs_rollback:
            return False
        entries, self._entries = self._entries, []
        self._written_at = clock.monotonic()
        try:
            storing.write(self._alias, entries)
        except Error as error:
            _complain("Events of tasks cannot be written and are dropped: %s", error)
            return False
        return True


class Background:
    """Writes in a thread of its own, with a connection of its own, so that no event waits for what a task does."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._items: SimpleQueue[Entry | threading.Event | None] = SimpleQueue()
        self._only_one = threading.Lock()
        self._is_running = False
        self._is_stuck = False  # a task has waited in vain
        self._ended = threading.Event()
        self._pid = os.getpid()

    def put(self, entry: Entry) -> bool:
        if os.getpid() != self._pid:  # a child that a task forked has no thread here
            return False
        if self._items.qsize() >= _MOST and not self._has_room():
            _complain("Events of tasks are dropped: the database does not write them.")
            return False
        self._items.put(entry)
        return self._start()

    def flush(self) -> bool:
        if os.getpid() != self._pid:
            return False
        done = threading.Event()
        self._items.put(done)
        written = self._start() and done.wait(_PACE if self._is_stuck else _PATIENCE)
        self._is_stuck = not written
        return written

    def stop(self) -> None:
        """End the thread and close its connection, after what was put is written or five seconds have passed."""
        if self._is_running and os.getpid() == self._pid:
            self._items.put(None)
            self._ended.wait(_PATIENCE)

    def _has_room(self) -> bool:
        """Wait until there is room; not again once that was in vain, before something has been written."""
        end = clock.monotonic() + (0 if self._is_stuck else _PATIENCE)
        while self._items.qsize() >= _MOST:
            if clock.monotonic() >= end:
                self._is_stuck = True
                return False
            clock.sleep(_PACE)
        return True

    def _start(self) -> bool:
        # The thread itself says that it runs: should an interrupt come between, the next call starts another one.
        if not self._is_running:
            try:
                threading.Thread(target=self._work, name="events", daemon=True).start()
            except RuntimeError as error:  # the system has no thread left
                _complain("Events of tasks cannot be written: %s", error)
                return False
        return True

    def _work(self) -> None:
        if not self._only_one.acquire(blocking=False):
            return
        self._is_running = True
        self._ended.clear()
        while self._is_running:
            entries, waiting = self._next()
            if entries:
                self._write(entries)
            for done in waiting:
                done.set()
            if len(entries) > _MANY:
                clock.sleep(_PACE)
        close()
        self._only_one.release()
        self._ended.set()

    def _next(self) -> tuple[list[Entry], list[threading.Event]]:
        """Return what has come, at most a batch, and who waits for the end of it."""
        entries: list[Entry] = []
        waiting: list[threading.Event] = []
        item = self._first()
        while item is not None:
            if isinstance(item, Entry):
                entries.append(item)
            else:
                waiting.append(item)
            if len(entries) >= _AT_ONCE or self._items.empty():
                return entries, waiting
            item = self._items.get()
        self._is_running = False
        return entries, waiting

    def _first(self) -> Entry | threading.Event | None:
        """Wait for the next item, without a connection if that takes long."""
        try:
            return self._items.get(timeout=_IDLE)
        except Empty:
            close()
            return self._items.get()

    def _write(self, entries: list[Entry]) -> None:
        """Write a batch, however long the database cannot be used; what it refuses is dropped."""
        tries = 0
        while True:
            try:
                storing.write(self._alias, entries)
            except (OperationalError, InterfaceError) as error:
                _complain("Events of tasks cannot be written and are tried again: %s", error)
                close()
                clock.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
                tries += 1
                continue
            except Error as error:  # what is refused now will be refused again
                _complain("Events of tasks cannot be written and are dropped: %s", error)
            self._is_stuck = False
            return


def writer() -> Writer:
    """Return the writer of this process."""
    alias = conf.current().orm
    if not _uses_thread() and not in_event_loop():
        return Inline(alias)
    found = _backgrounds.get((os.getpid(), alias))
    return found or _backgrounds.setdefault((os.getpid(), alias), Background(alias))


def use_thread() -> None:
    """Let events be written by a thread, in this process and from now on: it runs tasks for others."""
    _threaded.add(os.getpid())


def stop() -> None:
    """End the threads that write events in this process."""
    for (pid, _), background in _backgrounds.items():
        if pid == os.getpid():
            background.stop()


_backgrounds: dict[tuple[int, str], Background] = {}
_threaded: set[int] = set()


def _uses_thread() -> bool:
    return os.getpid() in _threaded
