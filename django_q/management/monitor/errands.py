"""What takes a while, done in a thread of its own, so that keys are answered while a database is slow or gone."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread

from django.core.management.base import CommandError
from django.db import Error, connections

from django_q import conf
from django_q.management.monitor.deeds import perform
from django_q.management.monitor.details import details_of
from django_q.management.monitor.gathering import Gatherer
from django_q.management.monitor.seen import Seen, Tab
from django_q.management.monitor.state import Action, State, Status, lost, opened, saw, told
from django_q.management.monitor.text import Style

#: What came of an errand: the next state, made from the one that there is then.
Change = Callable[[State], State]
Errand = Callable[[], Change]


class Errands:
    """One after the other, in their order, on a connection of their own."""

    def __init__(self) -> None:
        self._gatherer = Gatherer()
        self._wanted: SimpleQueue[Errand | None] = SimpleQueue()
        self._done: SimpleQueue[Change] = SimpleQueue()
        self._open = 0
        # A database that neither answers nor refuses must not keep the process from ending.
        self._thread = Thread(target=self._run, name="errands", daemon=True)
        self._thread.start()

    @property
    def are_open(self) -> bool:
        """Is something not done yet?"""
        return self._open > 0

    def look(self, tab: Tab) -> None:
        """Look at what a tab shows."""
        self._send(lambda: self._looked(tab))

    def open_details(self, tab: Tab, action: Action, seen: Seen) -> None:
        """Look at one row."""
        self._send(lambda: _opened(tab, action, seen))

    def perform(self, action: Action) -> None:
        """Do what was confirmed, then look again."""
        self._send(lambda: _performed(action))

    def changes(self) -> Iterator[Change]:
        """Yield what came of what is done. Raises CommandError if the thread has died of a mistake."""
        while not self._done.empty():
            self._open -= 1
            yield self._done.get()
        if not self._thread.is_alive():
            raise CommandError("What reads the database has ended unexpectedly; its traceback follows.")

    def end(self, patience: float) -> None:
        """Wait, but not for ever, until what was begun is done."""
        self._wanted.put(None)
        self._thread.join(patience)

    def _send(self, errand: Errand) -> None:
        self._open += 1
        self._wanted.put(errand)

    def _run(self) -> None:
        try:
            while (errand := self._wanted.get()) is not None:
                self._done.put(errand())
        finally:
            connections.close_all()

    def _looked(self, tab: Tab) -> Change:
        """Look at the database; when it cannot be read, begin with a new connection next time."""
        connection = connections[conf.current().orm]
        try:
            connection.close_if_unusable_or_obsolete()
            seen = self._gatherer.look(tab)
        except Error as error:
            words = _in_words(error)
            connection.close()
            return lambda state: lost(state, words)
        return lambda state: saw(state, seen)


def _opened(tab: Tab, action: Action, seen: Seen) -> Change:
    try:
        lines = details_of(tab, action.key, seen)
    except Error as error:
        status = Status(_in_words(error), Style.BAD)
        return lambda state: told(state, status)
    # Who went to another tab meanwhile does not want them any more.
    return lambda state: opened(state, action.label or action.key, lines) if state.tab is tab else state


def _performed(action: Action) -> Change:
    status = perform(action)
    return lambda state: told(state, status)


def _in_words(error: Error) -> str:
    return f"The database {conf.current().orm!r} cannot be read: {' '.join(str(error).split())}"
