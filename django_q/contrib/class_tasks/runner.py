"""``Runner``: what ``manage.py qrunner`` runs, and what programs of one's own may run."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from types import ModuleType
from typing import Any

from django.db import connections

from django_q import conf
from django_q.contrib.class_tasks import client, options
from django_q.contrib.class_tasks.base import Task
from django_q.contrib.class_tasks.exceptions import ClassTaskError, MissingTask, StopTask
from django_q.contrib.class_tasks.redis_bridge import Bridge
from django_q.contrib.class_tasks.registry import Registry, from_map
from django_q.contrib.class_tasks.service import Plan, Service
from django_q.events import writing
from django_q.events.waking import Ear
from django_q.exceptions import InvalidValue

logger = logging.getLogger("django_q.class_tasks")

Handler = Callable[[BaseException], object]

_LISTEN = 0.25  # seconds after which the thread that listens asks whether it is to end


class Runner:
    """Runs class tasks in threads of this process, until it gets SIGTERM or SIGINT or :meth:`stop` is called."""

    RunnerError = ClassTaskError
    MissingTaskError = MissingTask
    StopTask = StopTask

    #: The functions of clients, ``start_task()`` and the others.
    helpers: ModuleType = client

    def __init__(self, **given: Any) -> None:
        """``given`` are values instead of those in ``settings.CLASS_TASKS``.

        Raises InvalidSettings for wrong settings, and InvalidValue for others that cannot be used.
        """
        self._options = options.all_options() | given
        if complaints := options.complaints(self._options):
            raise InvalidValue(" ".join(complaints))
        self._registry = Registry()
        self._handlers: list[Handler] = []
        self._locals: list[tuple[str, str]] = []
        self._bridge: Bridge | None = None
        self._service: Service | None = None
        self._is_over = threading.Event()

    # Before it runs ---------------------------------------------------------------------------------------------------

    def discover(self) -> None:
        """Add the classes in the modules ``tasks`` of all applications.

        Raises :exc:`ImportError` for a module that cannot be imported, and what :meth:`add_task` raises.
        """
        self._registry.discover()

    def add_task(self, cls: type[Task], *, replace: bool = False) -> None:
        """Add a class. Raises :exc:`~.exceptions.InvalidTask` for one without NAME or start(), and
        :exc:`~.exceptions.DuplicateTask` for a NAME that another class has, unless it shall ``replace`` that."""
        self._registry.add(cls, replace=replace)

    def add_tasks(self, *classes: type[Task]) -> None:
        """Add several classes."""
        for cls in classes:
            self.add_task(cls)

    def start_local_task(self, task_name: str, **task_data: Any) -> None:
        """Let a task start with this runner: it runs nowhere else, and its row ends with the runner.

        Raises :exc:`TypeError` for data that JSON cannot hold.
        """
        self._locals.append((task_name, json.dumps(task_data, allow_nan=False)))

    def start_usual_tasks(self) -> None:
        """Let the tasks start that the settings name: the monitor, and the cleanup."""
        if self._options["monitor"]:
            self.start_local_task("pytask/monitor", task_timeout=self._options["task_timeout"])
        if cleanup := self._options["cleanup"]:
            self.start_local_task("pytask/cleanup", task_handler=None if cleanup is True else cleanup)

    def add_exception_handler(self, handler: Handler) -> None:
        """Call this with every error of a task that is no ``Task.Error``, after those that were added before."""
        self._handlers.append(handler)

    # Running ----------------------------------------------------------------------------------------------------------

    def run(self, task_map: Mapping[str, type[Task] | str] | None = None) -> int:
        """Run until the end and return the exit code: 0; 1 if the database did not take the last words; 75 if a task
        could not be ended, so that this process has to. ``task_map`` are more classes, or paths, by their names."""
        for cls in from_map(task_map or {}):
            self.add_task(cls)
        writing.use_thread()
        self._is_over.clear()
        self._service = service = self._new_service()
        if url := self._options["redis"]:
            self._bridge = Bridge(url, service.hear)
        before = self._take_signals()
        try:
            return self._run(service)
        finally:
            self._is_over.set()
            if self._bridge is not None:
                self._bridge.stop()
            writing.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Stop all tasks, let them wait for other runners, and end; a second call ends their grace."""
        if self._service is not None:
            self._service.end()

    def _run(self, service: Service) -> int:
        threads = [
            threading.Thread(target=function, args=(service,), name=function.__name__.strip("_"), daemon=True)
            for function in (self._listen, self._tick)
        ]
        for thread in threads:
            thread.start()
        if self._bridge is not None:
            self._bridge.start()
        try:
            return service.run()
        finally:
            self._is_over.set()
            connections[conf.current().orm].close()
            for thread in threads:
                thread.join(2 * _LISTEN)

    def _new_service(self) -> Service:
        names = ("concurrency", "interval", "heartbeat", "task_timeout", "grace", "interrupt_grace")
        plan = Plan(**{name: self._options[name] for name in names}, locals=tuple(self._locals))
        return Service(plan, self._registry, self._publish, self._on_failure)

    def _listen(self, service: Service) -> None:
        """Pass on what rings; where nothing does, the runner looks every now and then."""
        with closing(Ear(conf.current().orm, client.BELL)) as ear:
            while not self._is_over.is_set():
                if ear.wait(_LISTEN):
                    service.look()

    def _tick(self, service: Service) -> None:
        while not self._is_over.wait(self._options["heartbeat"]):
            service.beat()

    def _take_signals(self) -> dict[int, Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}
        numbers = (signal.SIGTERM, signal.SIGINT)
        return {number: signal.signal(number, lambda *told: self.stop()) for number in numbers}

    # What tasks tell --------------------------------------------------------------------------------------------------

    def _publish(self, task_id: str, event: str, data: Any) -> None:
        if self._bridge is not None:
            self._bridge.publish(task_id, event, data)

    def _on_failure(self, error: BaseException) -> None:
        """Let the handlers run in a thread, where they may take their time."""
        if self._handlers:
            threading.Thread(target=self._handle, args=(error,), name="exception handlers", daemon=True).start()

    def _handle(self, error: BaseException) -> None:
        for handler in self._handlers:
            try:
                handler(error)
            except Exception:
                logger.exception("A handler of exceptions, %r, raised an error itself.", handler)
        connections.close_all()
