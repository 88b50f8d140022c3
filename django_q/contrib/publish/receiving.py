"""What streams tell, for programs in Python."""

import json
from typing import Any

from django_q.contrib.publish.publishers import EVENT
from django_q.events import Place, Told, follow


class CommunicationBaseReceiver:
    """Hears nothing. What a subclass hears goes to its observer, which has the same three methods, or to the methods
    themselves where they are overridden."""

    def __init__(self, id: str, observer: Any = None) -> None:
        self.id = id
        self.observer = observer

    def process(self) -> None:
        """Hear what is new."""

    def handle_start(self) -> None:
        """The task has begun."""
        if self.observer is not None:
            self.observer.handle_start()

    def handle_event(self, value: Any) -> None:
        """The task has sent something."""
        if self.observer is not None:
            self.observer.handle_event(value)

    def handle_end(self) -> None:
        """The task has ended."""
        if self.observer is not None:
            self.observer.handle_end()


class CommunicationByEventsReceiver(CommunicationBaseReceiver):
    """Hears the newest run of a stream from its beginning, or the next one if there is none; whoever else hears it."""

    def __init__(self, id: str, observer: Any = None) -> None:
        super().__init__(id, observer)
        self._place = Place()
        self.has_ended = False

    def process(self) -> None:
        """Hear what is new since the last time, without waiting."""
        self.follow(patience=0)

    def follow(self, patience: float | None = None) -> bool:
        """Hear all until the end. False: it has not ended, and nothing has come for so many seconds."""
        while not self.has_ended:
            before = self._place
            for told in follow(self.id, self._place, patience=patience):
                self._place = Place(told.run, told.seq)
                self._hear(told)
            if patience is not None and self._place == before:
                break
        return self.has_ended

    def _hear(self, told: Told) -> None:
        if told.is_start:
            self.handle_start()
        elif told.is_end:
            self.has_ended = True
            self.handle_end()
        elif told.kind == EVENT:
            self.handle_event(json.loads(told.payload))
