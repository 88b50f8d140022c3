"""Tasks that say how far they are."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from django_q.exceptions import ClusterError
from django_q.tasks import current_task


def in_one_go(total: int) -> dict[str, Any]:
    """Say so after each of many small steps; return what that took, and how often the process wrote meanwhile.

    The seconds of the processor with and without it can be compared on a busy machine, too.
    """
    task = current_task()
    assert task is not None
    alone = _timed(total, None)
    before, begun = _writes(), time.perf_counter()
    together = _timed(total, task.progress)
    seconds, writes = time.perf_counter() - begun, _writes() - before
    return {"alone": alone, "together": together, "seconds": seconds, "writes": writes}


def step_by_step(total: int, seconds: float = 0.05) -> None:
    """Say so after each of some steps that take a while."""
    task = current_task()
    assert task is not None
    for number in range(1, total + 1):
        task.progress(number, total, f"step {number}")
        time.sleep(seconds)


def until_open(gate: str) -> int:
    """Go on saying so until a file is there, then say 1000000."""
    task = current_task()
    assert task is not None
    number = 0
    while not Path(gate).exists():
        number += 1
        task.progress(number, message=os.getpid())
        time.sleep(0.005)
    task.progress(1_000_000)
    return number


async def in_a_coroutine(total: int) -> None:
    task = current_task()
    assert task is not None
    for number in range(1, total + 1):
        task.progress(number, total, f"coroutine {number}")
        await asyncio.sleep(0.01)


def worse_each_time() -> None:
    """Come less far with every attempt, and fail."""
    task = current_task()
    assert task is not None
    task.progress(10 - task.attempt, 10, f"attempt {task.attempt}")
    raise ClusterError("not this time")


def in_forked_children() -> list[int]:
    """Say so, fork while the sender is at work, say so in the children, and return their exit codes."""
    task = current_task()
    assert task is not None
    codes = []
    for number in range(5):
        task.progress(number, 10, "parent")
        child = os.fork()
        if not child:
            for step in range(1000):
                task.progress(step, 1000, "child")
            os._exit(7)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        time.sleep(0.1)
    return codes


def _timed(total: int, report: Any) -> float:
    begun, found = time.thread_time(), 0
    for number in range(total):
        for each in range(number, number + 10):
            found += each * each % 7
        if report is not None:
            report(number + 1, total, "at work")
    return time.thread_time() - begun


def _writes() -> int:
    """Return how many times this process has written to files and pipes."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["syscw"])
