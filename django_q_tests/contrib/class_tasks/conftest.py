"""Runners in threads of the test's process, on a database of their own."""

import os
import threading

import pytest
from django.db import connections

from django_q.contrib.class_tasks import Runner, client, subscribe
from django_q.contrib.class_tasks.tasks import Cleanup, Monitor
from django_q.events import writing
from django_q_tests.support import class_tasks
from django_q_tests.support.eventually import eventually

#: A runner that notices things soon.
ALERT = {"interval": 0.05, "heartbeat": 0.1, "task_timeout": 1.0, "grace": 0.3, "interrupt_grace": 0.3}


class InThread:
    """A runner in a thread."""

    def __init__(self, runner):
        self.runner = runner
        self.code = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.code = self.runner.run()
        finally:
            connections.close_all()

    def end(self):
        self.runner.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.code


@pytest.fixture
def make(own_database):
    """Make a runner that knows the classes of support/class_tasks.py."""

    def made(**given):
        runner = Runner(**{**ALERT, **given})
        runner.add_tasks(*class_tasks.ALL, Monitor, Cleanup)
        return runner

    return made


@pytest.fixture
def start(make):
    """Start a runner, as it is made or with options."""
    running = []

    def started(runner=None, **given):
        running.append(InThread(runner or make(**given)))
        return running[-1]

    yield started
    for each in running:
        each.end()
    # Other tests of this process write their events at once.
    writing._threaded.discard(os.getpid())


@pytest.fixture
def until():
    """Wait until a task is in a state, and return what is known of it."""

    def waited(task_id, *states, within=10):
        eventually(lambda: client.get_task(task_id, "state") in states, within=within, saying=client.get_task(task_id))
        return client.get_task(task_id)

    return waited


@pytest.fixture
def told():
    """Return the events of a task that has ended."""

    def found(task_id):
        return [tuple(event) for event in subscribe(task_id, since=0)]

    return found
