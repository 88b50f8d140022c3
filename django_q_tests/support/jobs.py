"""One function for each way in which a task can end."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from django.db import connection, transaction

from django_q.engine.context import RunningTask, current_task
from django_q.tasks import async_task


def ok() -> None:
    """End well, with nothing to tell."""


def add(left: int, right: int) -> int:
    return left + right


def echo(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def touch(path: str, line: str = "x") -> None:
    """Append a line to a file in one write, so that executions can be counted whatever is killed."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


def lines(path: str | Path) -> list[str]:
    """Return what was appended so far. For tests."""
    path = Path(path)
    return path.read_text().splitlines() if path.exists() else []


def slow(seconds: float = 1.0, path: str = "") -> str:
    """Work for a while; leave a line at the start and, if nothing interferes, at the end."""
    if path:
        touch(path, "started")
    time.sleep(seconds)
    if path:
        touch(path, "ended")
    return "slept"


def hang(path: str = "") -> NoReturn:
    """Work for ever."""
    if path:
        touch(path, "started")
    while True:
        time.sleep(0.05)


# --- failures ------------------------------------------------------------------------------------------------------


def fail(message: str = "it does not work") -> NoReturn:
    raise ValueError(message)


def fail_with_cause() -> NoReturn:
    try:
        fail("the cause")
    except ValueError as error:
        raise RuntimeError("the consequence") from error


def fail_unspeakably() -> NoReturn:
    """Raise an error that cannot be shown and holds what no database stores."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even this")

    raise Unspeakable


def exit_zero() -> NoReturn:
    sys.exit(0)


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


def unpicklable() -> Any:
    return threading.Lock()


def big(size: int = 3 * 2**20) -> bytes:
    return b"x" * size


# --- deaths --------------------------------------------------------------------------------------------------------


def die(code: int = 1) -> NoReturn:
    os._exit(code)


def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(10)


def die_once(path: str) -> str:
    """Die at the first execution and end well at the second."""
    touch(path)
    if len(lines(path)) == 1:
        os._exit(1)
    return "survived"


# --- reluctance ----------------------------------------------------------------------------------------------------


def swallow(path: str = "", seconds: float = 30.0) -> str:
    """Ignore whatever is raised inside."""
    if path:
        touch(path, "started")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            time.sleep(0.02)
        except BaseException as error:  # noqa: BLE001
            if path:
                touch(path, type(error).__name__)
    return "swallowed"


def ignore_term(path: str = "", seconds: float = 30.0) -> str:
    """Do not even notice a TERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return slow(seconds, path)


def clean_up(path: str) -> None:
    """Say what it was stopped by, then tidy up for a moment."""
    try:
        touch(path, "started")
        time.sleep(30)
    except BaseException as error:
        touch(path, type(error).__name__)
        raise
    finally:
        time.sleep(0.1)
        touch(path, "tidy")


def until_asked(path: str) -> str:
    """End by itself when it is asked to."""
    task = current_task()
    assert task is not None
    touch(path, "started")
    while not task.stop_requested:
        try:
            time.sleep(0.02)
        except BaseException as error:  # noqa: BLE001
            touch(path, type(error).__name__)
    return "asked"


def hold_lock(seconds: float = 1.0) -> int:
    """Hold the interpreter's lock in C for about so long: no signal handler runs meanwhile."""
    started = time.monotonic()
    sum(range(3_000_000))
    rate = 3_000_000 / (time.monotonic() - started)
    return sum(range(int(rate * seconds)))


def spawn_child(path: str, seconds: float = 60.0) -> NoReturn:
    """Start a program, tell its process id and wait for ever."""
    child = subprocess.Popen(["sleep", str(seconds)])
    touch(path, str(child.pid))
    hang()


def fork_child(path: str) -> int:
    """Fork a child that waits, tell it to end, and return the signal that ended it."""
    pid = os.fork()
    if not pid:
        touch(path, "waiting")
        time.sleep(30)
        os._exit(0)
    while not lines(path):
        time.sleep(0.01)
    os.kill(pid, signal.SIGTERM)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


# --- the context ---------------------------------------------------------------------------------------------------


def whoami() -> dict[str, Any]:
    return _describe(current_task())


def whoami_in_thread() -> dict[str, Any]:
    found: list[RunningTask | None] = []
    thread = threading.Thread(target=copy_context().run, args=(lambda: found.append(current_task()),))
    thread.start()
    thread.join()
    return _describe(found[0])


async def whoami_async() -> dict[str, Any]:
    await asyncio.sleep(0)
    return _describe(await asyncio.to_thread(current_task))


def _describe(task: RunningTask | None) -> dict[str, Any]:
    if task is None:
        return {}
    return {name: getattr(task, name) for name in ("id", "name", "func", "group", "queue", "attempt", "stop_requested")}


def pid() -> int:
    return os.getpid()


# --- databases -----------------------------------------------------------------------------------------------------


def leave_open_block() -> None:
    """Enter a transaction and never leave it."""
    transaction.atomic().__enter__()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def leave_open_transaction() -> None:
    """Switch autocommit off and never commit."""
    transaction.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def begin_by_hand() -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")


def connection_state() -> tuple[bool, bool]:
    """Return whether a block is open and whether each statement commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.in_atomic_block, connection.get_autocommit()


# --- coroutines ----------------------------------------------------------------------------------------------------


async def add_async(left: int, right: int) -> int:
    await asyncio.sleep(0)
    return left + right


async def fail_async(message: str = "it does not work") -> NoReturn:
    await asyncio.sleep(0)
    raise ValueError(message)


async def slow_async(seconds: float = 1.0, path: str = "") -> str:
    if path:
        touch(path, "started")
    await asyncio.sleep(seconds)
    if path:
        touch(path, "ended")
    return "slept"


async def exit_async() -> NoReturn:
    sys.exit(3)


async def cancel_itself() -> None:
    raise asyncio.CancelledError


async def block_loop(seconds: float = 30.0) -> None:
    """Block the event loop, as no coroutine should."""
    time.sleep(seconds)


def returns_coroutine() -> Any:
    """Look like a plain function and hand back a coroutine."""
    return add_async(20, 22)


# --- hooks ---------------------------------------------------------------------------------------------------------


def note_hook(task: Any) -> str:
    return f"hooked {task.name}"


# --- tasks that enqueue --------------------------------------------------------------------------------------------


def fan_out(path: str) -> None:
    """Enqueue a task that leaves a line, and one that is due in an hour."""
    touch_later = f"{__name__}.touch"
    async_task(touch_later, path, "child")
    async_task(touch_later, path, "late", run_after=timedelta(hours=1))
