"""Which table belongs to which tab, and which of its rows is selected."""

from django_q.management.monitor.screens import clusters, memory, schedules, tasks, throughput
from django_q.management.monitor.seen import Seen, Tab
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Row, Table

_TABLES = {
    Tab.CLUSTERS: clusters.table,
    Tab.RUNNING: tasks.running,
    Tab.QUEUE: tasks.queue,
    Tab.SCHEDULES: schedules.table,
    Tab.FAILURES: tasks.failures,
    Tab.THROUGHPUT: throughput.table,
    Tab.MEMORY: memory.table,
}


def table_of(state: State) -> Table | None:
    """Return what the tab shows, filtered; None before the first look at it."""
    if state.seen is None or state.seen.tab is not state.tab:
        return None
    return full_table(state.seen, state).only(state.filter if state.typing is None else state.typing)


def full_table(seen: Seen, state: State) -> Table:
    """Return what the tab shows."""
    return _TABLES[state.tab](seen, state)


def place_of(state: State, table: Table) -> int:
    """Return the number of the selected row: it is followed by its key, and has a successor when it is gone."""
    places = {row.key: place for place, row in enumerate(table.rows)}
    return places.get(state.key, max(0, min(state.row, len(table.rows) - 1)))


def selected(state: State) -> Row | None:
    """Return the selected row, if there is one."""
    table = table_of(state)
    return table.rows[place_of(state, table)] if table is not None and table.rows else None
