"""One run of a task: the thread in which its class works, and what becomes of that."""

import contextlib
import contextvars
import json
import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

from django_q.contrib.class_tasks.base import Task
from django_q.contrib.class_tasks.exceptions import StopTask
from django_q.contrib.class_tasks.interrupting import Interruptible
from django_q.contrib.class_tasks.spawning import Spawned, current
from django_q.contrib.class_tasks.states import ERROR, EXCEPTION, STOPPED, SUCCESS
from django_q.events import EventStream, storing
from django_q.exceptions import InvalidValue

logger = logging.getLogger("django_q.class_tasks")

#: What the names of the streams of tasks begin with.
PREFIX = "class-task-"
_LONGEST_TEXT = 100_000  # characters

Publish = Callable[[str, str, Any], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run."""

    id: str
    name: str
    data: str  # JSON
    token: str
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run has ended."""

    state: str
    output: str | None = None  # JSON
    error: BaseException | None = None


class Run:
    """One run. What a runner wants of it stands in ``intent``: the state that a stop shall lead to, or ``reload``."""

    def __init__(self, order: Order, find: Callable[[str], type[Task]], ended: Callable[["Run"], None], tell: Publish):
        """``find`` is asked for the class; ``ended`` is called in the thread of the run, ``tell`` for each event."""
        self.order = order
        self.intent: str | None = None
        self.outcome: Outcome | None = None
        self.has_ended = False
        self._find = find
        self._ended = ended
        self._tell = tell
        self._stream = EventStream(f"{PREFIX}{order.id}", {"task": order.name})
        self._call = Interruptible(StopTask)
        self._task: Task | None = None
        self._children: set[Spawned] = set()
        self._lock = threading.Lock()
        self._is_closed = False  # for more children

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread(self._work, self.order.name)

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event of the task."""
        self._stream.send(event, data)
        self._tell(self.order.id, event, data)

    # Its end ----------------------------------------------------------------------------------------------------------

    def ask_to_stop(self) -> None:
        """Call the ``stop()`` of the task in a thread of its own."""
        self._thread(self._stop, f"stop {self.order.name}")

    def interrupt(self) -> None:
        """Raise :exc:`StopTask` in the thread of the task, and in those that it has spawned."""
        self._call.interrupt()
        for child in self._close():
            child.abandon()

    def announce(self, state: str, output: str | None) -> None:
        """Tell how it has ended, after that is stored; nothing can be told afterwards."""
        if state in (SUCCESS, ERROR, EXCEPTION):
            self.emit(state.lower(), None if output is None else json.loads(output))
        elif state == STOPPED:
            self.emit("stopped")
        self.close(state)

    def close(self, state: str) -> None:
        """End the stream of events; ``state`` says whether another run follows."""
        self._stream.end({"state": state}, wait=False)

    # What was spawned in it -------------------------------------------------------------------------------------------

    def adopt(self, child: Spawned) -> None:
        """Take a child. Raises :exc:`StopTask` if the run is over."""
        with self._lock:
            if self._is_closed:
                raise StopTask()
            self._children.add(child)

    def disown(self, child: Spawned) -> None:
        """Forget a child that has ended."""
        with self._lock:
            self._children.discard(child)

    # In its threads ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        current.set(self)
        self.outcome = self._outcome()
        for child in self._close():
            child.kill(block=False)
        connections.close_all()
        self.has_ended = True
        self._ended(self)

    def _outcome(self) -> Outcome:
        try:
            return Outcome(SUCCESS, self._call.call(self._perform))
        except StopTask:
            return Outcome(STOPPED)
        except BaseException as error:
            return failure(error, self._task)

    def _perform(self) -> str:
        cls = self._find(self.order.name)
        data = json.loads(self.order.data)
        with context_of(cls):
            task = cls.__new__(cls)
            task._run = self  # before __init__, which may emit events
            task.__init__(**data)  # type: ignore[misc]
            self._task = task
            if self.intent is not None:
                raise StopTask()
            return encoded(task.start(), cls)  # type: ignore[attr-defined]

    def _stop(self) -> None:
        task = self._task
        if task is None:
            return  # it has not come to start(), and will not
        try:
            with context_of(type(task)):
                task.stop()
        except BaseException:
            logger.exception("stop() of %s %s raised an error.", self.order.name, self.order.id)
        if type(task).stop is Task.stop:  # nobody else ends what start() waits for
            with self._lock:
                children = list(self._children)
            for child in children:
                child.kill(block=False)
        connections.close_all()

    def _close(self) -> list[Spawned]:
        with self._lock:
            self._is_closed = True
            return list(self._children)

    def _thread(self, function: Callable[[], None], name: str) -> None:
        context = contextvars.Context()
        threading.Thread(target=context.run, args=(function,), name=name, daemon=True).start()


def context_of(cls: type[Task]) -> contextlib.AbstractContextManager[Any]:
    """Return a new context for a task, one that does nothing if the class provides none."""
    provide = getattr(cls, "provide_context", None)
    found: contextlib.AbstractContextManager[Any] = contextlib.nullcontext() if provide is None else provide()
    return found


def encoded(value: Any, cls: type[Task]) -> str:
    """Return what a task returned as JSON. Raises :exc:`TypeError` for what JSON cannot hold."""
    try:
        return storing.encode(value)
    except (TypeError, InvalidValue) as error:
        raise TypeError(f"start() of {cls.NAME!r} returned what cannot be stored as JSON: {error}") from error


def failure(error: BaseException, task: Task | None) -> Outcome:
    """Return what an error means."""
    if isinstance(error, (Task.Error, getattr(task, "Error", Task.Error))):
        try:
            return Outcome(ERROR, json.dumps(str(error)[:_LONGEST_TEXT]), error)
        except Exception as worse:  # of its __str__
            error = worse
    text = "".join(traceback.format_exception(error))
    return Outcome(EXCEPTION, json.dumps(text[-_LONGEST_TEXT:]), error)
