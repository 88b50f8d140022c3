"""The functions that the load of the demonstration enqueues: one for each way in which a task can go."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import NoReturn

from django_q import Task, current_task


def greet(name: str) -> str:
    """Be over at once."""
    return f"Hello, {name}!"


def bake(seconds: float) -> str:
    """Take a while."""
    time.sleep(seconds)
    return f"baked for {seconds:g} s"


async def ask_the_weather(seconds: float) -> str:
    """Wait for somebody else, while the same worker does other things."""
    await asyncio.sleep(seconds)
    return "sunny"


def divide(number: float, by: float) -> float:
    """Fail, if it is by nothing."""
    return number / by


def order_flour() -> str:
    """Work at the third attempt only."""
    running = current_task()
    attempt = running.attempt if running else 3
    if attempt < 3:
        raise ConnectionError(f"the mill does not answer (attempt {attempt})")
    return f"ordered at attempt {attempt}"


def wait_for_ever() -> NoReturn:
    """Never end, until somebody cancels it or its time is over."""
    while True:
        time.sleep(0.1)


def weigh(load: bytes) -> int:
    """Say how large an argument is."""
    return len(load)


def lose_its_worker(mark: str) -> str:
    """Kill the worker that runs it, the first time."""
    path = Path(mark)
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    path.unlink()
    return "survived"


def tell(task: Task) -> None:
    """Be a hook: print how the task ended."""
    print(f"hook: {task.func.rpartition('.')[2]} returned {task.result!r}", flush=True)
