"""The same tables where there is no screen: once, as text or as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django_q.management.monitor.screens.choice import full_table
from django_q.management.monitor.screens.frame import counts_text
from django_q.management.monitor.seen import Seen, Tab
from django_q.management.monitor.state import State
from django_q.management.monitor.table import plain_lines
from django_q.management.monitor.text import clean, text_of

_ALWAYS = ("at", "database", "totals")
# What belongs to which tab.
_FIELDS = {
    Tab.CLUSTERS: ("living", "ended"),
    Tab.RUNNING: ("running",),
    Tab.QUEUE: ("depths", "queued"),
    Tab.SCHEDULES: ("schedules",),
    Tab.FAILURES: ("failures",),
    Tab.THROUGHPUT: ("last_hour", "last_day"),
}


def printed(state: State, seen: Seen) -> Iterator[str]:
    """Yield the table of a tab as text, and the counts."""
    table = full_table(seen, state)
    yield from (clean(text_of(each)).rstrip() for each in table.above)
    yield from plain_lines(table)
    yield from (clean(text_of(each)).rstrip() for each in table.below)
    if state.tab is not Tab.MEMORY:
        yield counts_text(seen)


def as_object(state: State, seen: Seen) -> dict[str, Any]:
    """Return what a tab shows, for programs."""
    if state.tab is Tab.MEMORY:
        return _memory(state, seen)
    told = asdict(seen)
    return {name: told[name] for name in (*_ALWAYS, *_FIELDS[state.tab])}


def _memory(state: State, seen: Seen) -> dict[str, Any]:
    clusters = [
        {
            "host": view.host,
            "id": view.id,
            "available": view.host_available,
            "total": view.host_total,
            "by_role": dict(view.memory_of),
            "workers": [{"pid": worker.pid, "memory": worker.memory} for worker in view.workers],
            "cpu": view.cpu,
        }
        for view in seen.living
    ]
    return {"at": seen.at, "database": seen.database, "clusters": clusters, "lowest": dict(state.lowest)}
