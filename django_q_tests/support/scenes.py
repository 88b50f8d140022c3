"""What a screen may see, without a database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django_q.kernel import clock
from django_q.management.commands.qmonitor import TABS
from django_q.management.monitor.screens.frame import lines_of
from django_q.management.monitor.seen import FailureView, QueuedView, RunningView, ScheduleView, Seen, Tab
from django_q.management.monitor.state import State, saw
from django_q.management.monitor.text import text_of
from django_q.tasks.activity import Bar, LastHour, Spread
from django_q.tasks.backlog import Depth, Totals
from django_q.tasks.clusters import ClusterView, WorkerView
from django_q.tasks.overview import LastDay

AT = clock.now()
MIB = 2**20


def cluster(number: int = 1, **changes: Any) -> ClusterView:
    """Return a cluster that lives."""
    known: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": "web",
        "host": f"host{number}",
        "pid": 4711,
        "version": "1.0",
        "queues": ("default",),
        "state": "working",
        "started_at": AT - timedelta(seconds=3725),
        "expires_at": AT + timedelta(seconds=10),
        "ended_at": None,
        "stop_requested_at": None,
        "processes": {"sentinel": [4711], "pusher": [13], "monitor": [14], "keeper": [15]},
        "workers": (
            WorkerView(pid=11, running=("app.tasks.mail",), given=1, tasks=("a" * 32,), memory=50 * MIB),
            WorkerView(pid=12, running=(), given=0, memory=20 * MIB),
        ),
        "held": 4,
        "succeeded": 7,
        "not_succeeded": 2,
        "memory": 100 * MIB,
        "recycled": 2,
        "replaced": {"monitor": 1},
        "backlog": 3,
        "unrecorded": 6,
        "memory_of": {"sentinel": 30 * MIB, "monitor": 31 * MIB, "worker": 70 * MIB},
        "host_available": 1024 * MIB,
        "host_total": 4096 * MIB,
        "cpu": 12.5,
    }
    return ClusterView(**{**known, **changes})


def running(number: int = 1, **changes: Any) -> RunningView:
    known: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": f"task-{number}",
        "func": "app.tasks.mail",
        "queue": "default",
        "seconds": 12.0,
        "timeout": 60.0,
        "cluster": "web on host1",
        "worker": 11,
        "is_stopping": False,
    }
    return RunningView(**{**known, **changes})


def queued(number: int = 1, **changes: Any) -> QueuedView:
    known: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": f"task-{number}",
        "func": "app.tasks.mail",
        "queue": "default",
        "state": "ready",
        "is_hook": False,
        "priority": 0,
        "enqueued_at": AT - timedelta(seconds=5),
        "run_after": None,
        "attempts": 0,
    }
    return QueuedView(**{**known, **changes})


def scheduled(number: int = 1, **changes: Any) -> ScheduleView:
    known: dict[str, Any] = {
        "id": number,
        "name": f"schedule-{number}",
        "func": "app.tasks.report",
        "rule": "hourly",
        "condition": "active",
        "next_run": AT + timedelta(seconds=90),
        "last": "succeeded",
        "missed": 0,
        "error": "",
        "queue": "",
    }
    return ScheduleView(**{**known, **changes})


def failed(number: int = 1, **changes: Any) -> FailureView:
    known: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": f"task-{number}",
        "func": "app.tasks.mail",
        "queue": "default",
        "stopped": AT - timedelta(seconds=number),
        "reason": "error",
        "error": "ValueError: no such customer",
        "attempts": 1,
        "seconds": 0.25,
    }
    return FailureView(**{**known, **changes})


def last_hour() -> LastHour:
    spread = Spread(0.1, 0.5)
    bars = (Bar(AT - timedelta(seconds=60), 30, 6, spread, spread), Bar(AT, 3, 0, None, None))
    return LastHour(bars, 60, spread, spread, AT - timedelta(seconds=60), False)


#: What there is in each tab.
FULL: dict[Tab, dict[str, Any]] = {
    Tab.CLUSTERS: {},
    Tab.MEMORY: {},
    Tab.RUNNING: {"running": (running(1), running(2))},
    Tab.QUEUE: {"depths": (Depth("default", 1, 2, 3, 4), Depth("alone", 0, 0, 9, 0)), "queued": (queued(1), queued(2))},
    Tab.SCHEDULES: {"schedules": (scheduled(1), scheduled(2, condition="paused"))},
    Tab.FAILURES: {"failures": (failed(1), failed(2))},
    Tab.THROUGHPUT: {"last_hour": last_hour(), "last_day": LastDay(1440, 0, 0, False, 0.5)},
}


def seen(tab: Tab = Tab.CLUSTERS, **changes: Any) -> Seen:
    """Return what was seen of a tab: one cluster, unless it is said otherwise."""
    known: dict[str, Any] = {
        "tab": tab,
        "at": AT,
        "database": "default",
        "totals": Totals(1, 2, 3, 4, 5, 6),
        "living": (cluster(),),
    }
    return Seen(**{**known, **changes})


def full(tab: Tab) -> Seen:
    """Return a look at a tab that holds something."""
    return seen(tab, **FULL[tab])


def state(tab: Tab = Tab.CLUSTERS, found: Seen | None = None, **changes: Any) -> State:
    """Return a screen that shows what was seen, by default something."""
    tabs = (Tab.MEMORY,) if tab is Tab.MEMORY else TABS
    return replace(saw(State(tabs=tabs, tab=tab), found or full(tab)), **{"width": 150, "height": 30, **changes})


def shown(one: State) -> str:
    """Return the screen as text."""
    return "\n".join(text_of(each).rstrip() for each in lines_of(one))
