"""The tasks of the benchmarks."""

import asyncio
import os
import time


def noop(left: int, right: int) -> int:
    """Do nothing, with two small arguments and a small result."""
    return left


def stamp(path: str, before: int) -> None:
    """Write how long after ``before`` the first line ran; the clock is one for all processes of a host."""
    moment = time.monotonic_ns()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, f"{moment - before}\n".encode())
    os.close(file)


def rest(seconds: float) -> None:
    """Wait for something outside of this process."""
    time.sleep(seconds)


async def arest(seconds: float) -> None:
    """Wait for something outside of this process, as a coroutine."""
    await asyncio.sleep(seconds)


def count_up(steps: int) -> int:
    """Keep a processor busy."""
    total = 0
    for step in range(steps):
        total += step
    return total
