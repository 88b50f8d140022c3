"""Background tasks for clusters in processes of their own, and processes that enqueue them all at once."""

import os
import sys
import time
from datetime import datetime, timezone
from typing import Any, NoReturn

from django_q import conf
from django_q.contrib.background import TaskSchedule, background
from django_q_tests.support.jobs import touch
from django_q_tests.support.mishaps import first_time, work_until


@background
def note(path: str, line: str = "x") -> str:
    """Leave a line."""
    touch(path, line)
    return line


@background
def when() -> float:
    """Tell the moment."""
    return datetime.now(timezone.utc).timestamp()


@background
def settings_here() -> tuple[Any, ...]:
    """Tell what the settings say in a worker."""
    found = conf.current()
    return found.name, found.queues, found.poll


@background
def held(path: str, gate: str) -> str:
    """Work until a file exists."""
    return work_until(path, gate)


@background
def slow(seconds: float, path: str) -> None:
    """Leave a line at the start and at the end."""
    touch(path, "started")
    time.sleep(seconds)
    touch(path, "ended")


@background
def leaves(kind: str, path: str) -> NoReturn | str:
    """Try to take the process along, the first time."""
    touch(path, str(os.getpid()))
    if first_time("leaves"):
        raise {"SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}[kind]()
    return "stayed"


def enqueue_often(action: str, times: int, gate: str) -> None:
    """Wait for a file, then enqueue the same call again and again; say how often a row was made."""
    chosen = getattr(TaskSchedule, action)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not os.path.exists(gate):
        time.sleep(0.001)
    made = [note("nowhere", schedule={"run_at": 3600, "action": chosen}) for _ in range(times)]
    sys.stdout.write(f"made {sum(task is not None for task in made)}\n")
