"""The load of the demonstration: a small stream of tasks of every kind, round after round."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from django_q import Schedule, async_task, fetch, schedule
from django_q.examples.project.settings import BASE
from django_q.tasks import async_chain, async_iter, cancel, queue_size

WORK = "django_q.examples.demo.work"
PAUSE = 0.6  # seconds between two kinds
MOST_WAITING = 50  # tasks; a machine that cannot keep up gets no more
PATIENCE = 45.0  # seconds until the tasks of one round have to have ended
GROUP = 3


@dataclass(frozen=True)
class Kind:
    """A way in which tasks go: how they are enqueued, how they end, and in which rounds there are some."""

    name: str
    enqueue: Callable[[], str]
    ends: str = "succeeded"
    every: int = 1
    times: int = 1


def _kinds(number: int) -> tuple[Kind, ...]:
    """Return the kinds of a round. What is canceled comes first, so that it runs when the round is over."""
    mark = BASE / f"worker-{number}"
    return (
        Kind("canceled", _call("wait_for_ever"), "canceled", every=2),
        Kind("quick", _call("greet", "world")),
        Kind("slow", _call("bake", 3)),
        Kind("coroutine", _call("ask_the_weather", 1), times=3),
        Kind("failing", _call("divide", 1, 0), "error"),
        Kind("retried", _call("order_flour", max_attempts=3, backoff=1)),
        Kind("timed out", _call("wait_for_ever", timeout=2), "timeout", every=2),
        Kind("followed by a hook", _call("greet", "hook", hook=f"{WORK}.tell")),
        Kind("in a group", _call("divide", 1, 3, group=f"round {number}"), times=GROUP),
        Kind("an iteration", partial(async_iter, f"{WORK}.divide", [(number, 3) for number in range(5)]), every=2),
        Kind("a chain", _chain, every=2),
        Kind("urgent", _call("greet", "you first", priority=9)),
        Kind("deferred", _call("greet", "later", run_after=timedelta(seconds=3))),
        Kind("with big arguments", _call("weigh", os.urandom(200_000))),
        Kind("whose worker is killed", _call("lose_its_worker", str(mark)), every=6),
    )


def _chain() -> str:
    """Enqueue three steps, each of which waits for the one before; return the name of the last."""
    last = f"chain {uuid.uuid4().hex[:8]}"
    greet = f"{WORK}.greet"
    async_chain([(greet, ("first",)), (greet, ("second",)), (greet, ("third",), {"task_name": last})])
    return last


def make_schedules() -> None:
    """Store schedules of several kinds, or set those back that are there."""
    greet = partial(schedule, f"{WORK}.greet", replace=True)
    greet("every ten seconds", name="greeting", schedule_type=Schedule.CRON, cron="* * * * * */10")
    greet("a new day", name="morning", schedule_type=Schedule.CRON, cron="30 6 * * mon-fri", time_zone="Europe/Berlin")
    greet("another month", name="monthly", schedule_type=Schedule.MONTHLY, next_run=timezone.now() + timedelta(days=9))


def _call(func: str, *args: Any, **options: Any) -> Callable[[], str]:
    return partial(async_task, f"{WORK}.{func}", *args, **options)


def run_round(number: int, pause: float) -> dict[str, tuple[Kind, list[str]]]:
    """Enqueue the kinds of one round; return the ids of their tasks."""
    enqueued = {}
    for kind in _kinds(number):
        time.sleep(pause)
        if number % kind.every == 0 and queue_size() < MOST_WAITING:
            enqueued[kind.name] = kind, [kind.enqueue() for _ in range(kind.times)]
    for task_id in enqueued.get("canceled", (None, []))[1]:
        cancel(task_id)
    return enqueued


def check_one_round(say: Callable[[str], object]) -> bool:
    """Enqueue one round, say how each kind ended, and tell whether all ended as they should."""
    deadline = time.monotonic() + PATIENCE
    good = True
    for name, (kind, ids) in run_round(0, 0.1).items():
        ends = {_end_of(task_id, deadline) for task_id in ids}
        good = good and ends == {kind.ends}
        say(f"{len(ids)} {name}: {', '.join(sorted(ends))}")
    return good


def _end_of(task_id: str, deadline: float) -> str:
    task = fetch(task_id, wait=max(1.0, (deadline - time.monotonic()) * 1000))
    if task is None:
        return "has not ended"
    return "succeeded" if task.success else str(task.reason)
