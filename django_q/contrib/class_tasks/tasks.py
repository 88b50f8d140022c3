"""The tasks that look after the others, usually started by every runner: ``Monitor`` and ``Cleanup``."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from django.db import Error, connections
from django.utils.module_loading import import_string

from django_q import conf
from django_q.contrib.class_tasks import client, options
from django_q.contrib.class_tasks.base import Task
from django_q.contrib.class_tasks.execution import PREFIX
from django_q.contrib.class_tasks.models import ClassTask
from django_q.contrib.class_tasks.states import STOPPED, WAIT
from django_q.exceptions import InvalidValue
from django_q.models import Event

__all__ = ["Cleanup", "Monitor"]

logger = logging.getLogger("django_q.class_tasks")


class _Loop(Task):
    """Does something again and again, with a pause in between; an outage of the database is waited for."""

    def __init__(self, loop_interval: float) -> None:
        if not loop_interval > 0:
            raise InvalidValue(f"loop_interval is {loop_interval!r}; pass a number of seconds above 0.")
        self._interval = loop_interval
        self._is_over = threading.Event()

    def start(self) -> None:
        """Loop until :meth:`stop`."""
        while not self._is_over.is_set():
            try:
                self.look()
            except Error as error:
                logger.warning("%s cannot use the database: %s", self.NAME, error)
                connections[conf.current().orm].close()
            self._is_over.wait(self._interval)

    def stop(self) -> None:
        """End the loop."""
        self._is_over.set()

    def look(self) -> None:
        """Do it once."""
        raise NotImplementedError


class Monitor(_Loop):
    """Queues the tasks of runners that are dead, and deletes what ended long ago."""

    NAME = "pytask/monitor"

    def __init__(self, loop_interval: float | None = None, task_timeout: float | None = None) -> None:
        """A runner is dead after ``task_timeout`` seconds without a sign of life; without it the settings say how many.
        The monitor looks every ``loop_interval`` seconds, a sixth of that if nothing is said."""
        self._timeout = options.option("task_timeout") if task_timeout is None else task_timeout
        super().__init__(self._timeout / 6 if loop_interval is None else loop_interval)

    def look(self) -> None:
        """Look once."""
        taken = sum(self._is_taken(row) for row in client.rows().stale(self._timeout))
        if taken:
            logger.warning("A runner gives no sign of life; %d of its tasks run elsewhere, or are gone with it.", taken)
            client.ring()
        keep = options.option("keep")
        if keep is not None:
            client.rows().drop_old(keep)

    def _is_taken(self, row: ClassTask) -> bool:
        """Take a task from a dead runner; it waits, unless it was to be stopped."""
        state = STOPPED if row.control == "stop" else WAIT
        if not client.rows().take_from_the_dead(row, self._timeout, state):
            return False
        logger.info("%s %s was taken from runner %s, which is dead.", row.name, row.id, row.runner)
        _end_stream(f"{PREFIX}{row.id}", state)
        return True


class Cleanup(_Loop):
    """Deletes tasks that have ended, after it has handed them to a function if one is given."""

    NAME = "pytask/cleanup"

    def __init__(self, task_handler: str | None = None, loop_interval: float = 1.0, retry: float = 60.0) -> None:
        """``task_handler`` is the path of a function, ``'module:function'``, that takes the id and a dict as of
        ``get_task()``. Where it raises, the task is kept and handed to it again after ``retry`` seconds."""
        super().__init__(loop_interval)
        self._handle: Callable[[str, dict[str, Any]], object] | None = None
        if task_handler is not None:
            self._handle = import_string(task_handler.replace(":", "."))
        self._retry = retry

    def look(self) -> None:
        """Clean up what has ended."""
        while not self._is_over.is_set():
            taken = client.rows().take_ended(PREFIX + self.NAME, self._retry, 100)
            for row in taken:
                if self._is_done(row):
                    client.rows().filter(pk=row.pk, token=row.token).delete()
            if not taken:
                return

    def _is_done(self, row: ClassTask) -> bool:
        try:
            if self._handle is not None:
                self._handle(row.id, client.said(row))
        except Exception:
            logger.exception("The handler of the cleanup raised an error; task %s is kept for another try.", row.id)
            return False
        return True


def _end_stream(stream: str, state: str) -> None:
    """End the run of the events of a task whose runner is dead."""
    events = Event.objects.using(conf.current().orm)
    run = events.newest_runs([stream]).get(stream)
    if run is not None:
        events.end(stream, run, json.dumps({"state": state}))
