"""What a task sends its events by."""

from types import TracebackType
from typing import Any

from django_q.contrib.publish import options, outcomes
from django_q.events import EventStream

#: The kind of event that a task sends; another one belongs to the log itself.
EVENT = "event"


class EventDropped(RuntimeError):
    """An event cannot be stored, and ``PUBLISH["strict"]`` says that this matters."""


class CommunicationBasePublisher:
    """Takes events and sends them nowhere: what a task gets where publishing is switched off."""

    def begin(self) -> None:
        """Tell those who wait that the task has begun."""

    def send_event(self, value: Any) -> None:
        """Send an event: HTML with a place, see the component, or any value that JSON can hold."""

    def close(self, outcome: str = outcomes.SUCCESS) -> None:
        """Send no more, and tell how it ended."""

    def __enter__(self) -> "CommunicationBasePublisher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(outcomes.SUCCESS if error is None else outcomes.of_error(error))


class CommunicationByEventsPublisher(CommunicationBasePublisher):
    """Sends events to whoever watches the stream of this name, and keeps them for those who come later."""

    def __init__(self, id: str, task_id: str | None = None) -> None:
        """Take the name of the stream. Raises :exc:`~django_q.exceptions.InvalidValue` for what is none."""
        self.id = id
        self._stream = EventStream(id, outcomes.about(task_id))

    def begin(self) -> None:
        self._see(self._stream.begin())

    def send_event(self, value: Any) -> None:
        """Send an event: HTML with a place, see the component, or any value that JSON can hold.

        It returns at once; the event is there within a moment, in the order of the calls, from whatever thread. What
        cannot be stored is dropped, and logged once; with ``PUBLISH["strict"]`` that raises :exc:`EventDropped`.
        Raises :exc:`TypeError` for a value that JSON cannot hold and :exc:`~django_q.exceptions.InvalidValue` for one
        of more than a million characters.
        """
        self._see(self._stream.send(EVENT, value))

    def close(self, outcome: str = outcomes.SUCCESS) -> None:
        """End the run and return when all is stored; what is sent later is dropped."""
        self._see(self._stream.end({"outcome": outcome}) or outcome != outcomes.SUCCESS)

    def _see(self, is_stored: bool) -> None:
        if not is_stored and options.option("strict"):
            raise EventDropped(f"An event of {self.id!r} was dropped: the database does not store it.")
