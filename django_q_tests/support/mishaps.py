"""Accidents at exact moments: brokers that die or lie once, and tasks that go wrong in unusual ways."""

import asyncio
import ctypes
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from django.db import OperationalError, transaction

from django_q.brokers.orm import OrmBroker
from django_q_tests.support.jobs import swallow, touch


def first_time(name: str, times: int = 1) -> bool:
    """Is this one of the first times that any process of the test comes here?"""
    for number in range(times):
        marker = Path(os.environ["DJANGO_Q_TEST_MARKERS"]) / f"{name}-{number}"
        try:
            marker.open("x").close()
        except FileExistsError:
            continue
        return True
    return False


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Sabotaged(OrmBroker):
    times = 1

    def happens(self) -> bool:
        return first_time(type(self).__name__, self.times)


class DiesAfterClaim(_Sabotaged):
    """The pusher dies between claim and pipe."""

    times = 3

    def claim(self, *args: Any, **kwargs: Any) -> Any:
        claims = super().claim(*args, **kwargs)
        if claims and self.happens():
            die()
        return claims


class StopsAfterClaim(_Sabotaged):
    """The pusher is stopped between claim and pipe, until somebody continues or kills it."""

    def claim(self, *args: Any, **kwargs: Any) -> Any:
        claims = super().claim(*args, **kwargs)
        if claims and self.happens():
            os.kill(os.getpid(), signal.SIGSTOP)
        return claims


class LosesTheAnswerToClaim(_Sabotaged):
    """The database commits a claim and the connection breaks before it says so."""

    def claim(self, *args: Any, **kwargs: Any) -> Any:
        claims = super().claim(*args, **kwargs)
        if claims and self.happens():
            raise OperationalError("server closed the connection unexpectedly")
        return claims


class DiesBeforeCommit(_Sabotaged):
    """The monitor dies after the statements of a finish and before their commit."""

    times = 3

    def finish(self, outcomes: Any, *, cluster: str) -> Any:
        with transaction.atomic(using=self.alias):
            settled = super().finish(outcomes, cluster=cluster)
            if self.happens():
                die()
        return settled


class DiesAfterCommit(_Sabotaged):
    """The monitor dies between commit and confirmation."""

    times = 3

    def finish(self, outcomes: Any, *, cluster: str) -> Any:
        settled = super().finish(outcomes, cluster=cluster)
        if self.happens():
            die()
        return settled


class LosesTheAnswerToFinish(_Sabotaged):
    """The database commits a finish and the connection breaks before it says so."""

    def finish(self, outcomes: Any, *, cluster: str) -> Any:
        settled = super().finish(outcomes, cluster=cluster)
        if self.happens():
            raise OperationalError("server closed the connection unexpectedly")
        return settled


# --- tasks ---------------------------------------------------------------------------------------------------------


def hold_interpreter(path: str, seconds: int = 60) -> None:
    """Sleep in C code without letting go of the interpreter: no signal handler and no other thread runs meanwhile."""
    # Else a signal would end the sleep, as it ends few computations.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    touch(path, str(os.getpid()))
    ctypes.PyDLL(None).sleep(seconds)


def crash(path: str) -> None:
    """Read where there is nothing."""
    touch(path, str(os.getpid()))
    ctypes.string_at(0)


def crowd(path: str) -> None:
    """Fork a process that itself forks one, and wait for ever."""
    if not os.fork():
        os.fork()
        touch(path, str(os.getpid()))
        time.sleep(120)
        os._exit(0)
    time.sleep(120)


async def wait_async(path: str, seconds: float = 60.0) -> str:
    touch(path, "started")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        touch(path, "canceled")
        raise
    return "slept"


async def block_after(path: str, seconds: float) -> None:
    """Let its neighbours start, then block the loop."""
    touch(path, "started")
    await asyncio.sleep(seconds)
    touch(path, "blocks")
    time.sleep(60)


def work(path: str, seconds: float = 1.0, result: int = 0) -> bytes:
    """Leave the process id, work for a while, and return so many bytes."""
    touch(path, str(os.getpid()))
    time.sleep(seconds)
    touch(path, "ended")
    return b"x" * result


def moody(path: str, line: str, seconds: float) -> None:
    """Be quick, or not."""
    touch(path, line)
    if seconds:
        time.sleep(seconds)


def stubborn_crowd(path: str) -> None:
    """Fork processes that wait, and eat whatever is raised."""
    if not os.fork():
        os.fork()
        touch(path, str(os.getpid()))
        time.sleep(120)
        os._exit(0)
    swallow()


def work_until(path: str, gate: str) -> str:
    """Leave the process id and work until a file exists."""
    touch(path, str(os.getpid()))
    while not os.path.exists(gate):
        time.sleep(0.02)
    touch(path, "ended")
    return "the gate opened"


def append_name(task: Any) -> None:
    """Be a hook: leave a line in the file that the task is named after."""
    touch(task.name, "hooked")


def kill_cluster(path: str) -> None:
    """Kill the sentinel, and with it everybody."""
    touch(path, "started")
    os.kill(os.getsid(0), signal.SIGKILL)
    time.sleep(60)


def first_quick_then_held(path: str, gate: str) -> str:
    """Be quick at the first execution; at the second, wait until a file exists."""
    if first_time("execution"):
        touch(path, "quick")
        time.sleep(0.5)
        return "quick"
    touch(path, "held")
    while not os.path.exists(gate):
        time.sleep(0.02)
    return "held"


def leave_thread(path: str) -> int:
    """Leave a thread behind that keeps its process from ending."""
    threading.Thread(target=threading.Event().wait, daemon=False).start()
    touch(path, "left")
    return os.getpid()


def leave_orphan(path: str) -> None:
    """Start a program that starts another one, which outlives it and then ends on its own."""
    subprocess.run(["setsid", "sh", "-c", f"(sleep 0.2; echo ended >> '{path}') &"], check=True)


def add_at_the_second_try(numbers: list[float], name: str) -> float:
    """Kill the worker the first time that anybody comes here with this name; then add."""
    if first_time(name):
        die()
    return sum(numbers)
