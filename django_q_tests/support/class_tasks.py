"""Class tasks for runners in threads and processes. What they do is seen in files, named by their data."""

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

from django_q.contrib.class_tasks import Task, spawn


def leave(path: str, line: str) -> None:
    """Append a line to a file."""
    with open(path, "a") as file:
        file.write(f"{line}\n")


class Returns(Task):
    """Returns what it was given, after some events."""

    NAME = "test/returns"

    def __init__(self, value: Any = None, events: int = 0, path: str = "") -> None:
        self.value, self.events, self.path = value, events, path
        if events:
            self.emit("made", {"value": value})

    def start(self) -> Any:
        if self.path:
            leave(self.path, str(self.value))
        for number in range(self.events):
            self.emit("number", number)
        return self.value


class Unstorable(Task):
    NAME = "test/unstorable"

    def start(self) -> Any:
        return {1, 2}


class Fails(Task):
    """Raises what it is told to."""

    NAME = "test/fails"

    class WorseError(Task.Error):
        pass

    def __init__(self, how: str) -> None:
        self.how = how

    def start(self) -> None:
        kinds = {"error": self.Error, "worse": self.WorseError, "exception": ValueError, "exit": SystemExit}
        raise kinds[self.how]("it went wrong")


class Loops(Task):
    """Works until it is stopped, as the documentation shows it."""

    NAME = "test/loops"

    def __init__(self, path: str, word: str = "started") -> None:
        self.path, self.word = path, word

    def start(self) -> None:
        self.loop = spawn(self.work)
        self.loop.get()

    def stop(self) -> None:
        leave(self.path, "stopped")
        self.loop.kill()

    def work(self) -> None:
        leave(self.path, self.word)
        self.emit("working", os.getpid())
        while True:
            time.sleep(0.02)


class Deaf(Task):
    """Does not care for stop()."""

    NAME = "test/deaf"

    def __init__(self, path: str, in_c: float = 0.02) -> None:
        self.path, self.in_c = path, in_c

    def start(self) -> None:
        leave(self.path, f"deaf {os.getpid()}")
        while True:
            time.sleep(self.in_c)


class LeavesChildren(Task):
    """Waits for what it has spawned, and has no stop()."""

    NAME = "test/leaves-children"

    def __init__(self, path: str) -> None:
        self.path = path

    def start(self) -> None:
        spawn(self.work).get()

    def work(self) -> None:
        leave(self.path, "started")
        try:
            while True:
                time.sleep(0.02)
        finally:
            leave(self.path, "killed")


class FailsToStop(Task):
    NAME = "test/fails-to-stop"

    def __init__(self, path: str) -> None:
        self.path, self.is_over = path, threading.Event()

    def start(self) -> None:
        leave(self.path, "started")
        self.is_over.wait()

    def stop(self) -> None:
        self.is_over.set()
        raise RuntimeError("stop() is broken")


@contextlib.contextmanager
def _noted(path: str, number: list[int] = [0]):  # noqa: B006
    number[0] += 1
    mine = number[0]
    leave(path, f"enter {mine}")
    yield mine
    leave(path, f"leave {mine}")


class InContext(Task):
    """Notes when its contexts are entered and left."""

    NAME = "test/in-context"
    path = ""

    def __init__(self) -> None:
        leave(self.path, "init")
        self.is_over = threading.Event()

    @staticmethod
    def provide_context() -> Any:
        return _noted(InContext.path)

    def start(self) -> None:
        leave(self.path, "start")
        self.is_over.wait()

    def stop(self) -> None:
        leave(self.path, "stop")
        self.is_over.set()


class WithoutContext(Task):
    """Its context cannot be made."""

    NAME = "test/without-context"

    def __init__(self, path: str) -> None:
        leave(path, "init")

    @staticmethod
    def provide_context() -> Any:
        raise LookupError("no context today")

    def start(self) -> None:
        raise AssertionError("it must not come to this")


ALL = [Returns, Unstorable, Fails, Loops, Deaf, LeavesChildren, FailsToStop, InContext, WithoutContext]


def lines(path: Path) -> list[str]:
    """Return the lines of a file."""
    return path.read_text().splitlines() if path.exists() else []


cleaned: list[tuple[str, dict[str, Any]]] = []


def clean(task_id: str, data: dict[str, Any]) -> None:
    """Be the handler of a cleanup; refuse a task once whose data say so."""
    cleaned.append((task_id, data))
    if data["data"].get("value") == "refuse" and len(cleaned) == 1:
        raise RuntimeError("not now")
