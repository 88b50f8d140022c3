"""The tab of the schedules: what is due next."""

from datetime import datetime

from django_q.management.monitor import numbers
from django_q.management.monitor.seen import ScheduleView, Seen
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Column, Row, Table
from django_q.management.monitor.text import Style

COLUMNS = (
    Column("Name", can_shrink=True),
    Column("Function", can_shrink=True, spare=1),
    Column("Rule", can_shrink=True, spare=2),
    Column("Next run", right=True),
    Column("State"),
    Column("Last run", spare=3),
    Column("Missed", right=True, spare=4),
    Column("Queue", can_shrink=True, spare=6),
    Column("Error", can_shrink=True, spare=5),
)
EMPTY = "nothing is scheduled; schedule() in code, or Add in the admin, makes a schedule"


def table(seen: Seen, state: State) -> Table:
    """Return a row for each schedule, what is due next first."""
    return Table(COLUMNS, tuple(_row(view, seen.at) for view in seen.schedules), EMPTY)


def _row(view: ScheduleView, at: datetime) -> Row:
    waits = view.next_run is None or view.is_paused
    cells = (
        view.name,
        view.func,
        view.rule,
        numbers.NOTHING if waits or view.next_run is None else numbers.ago((at - view.next_run).total_seconds()),
        view.condition,
        view.last or numbers.NOTHING,
        str(view.missed),
        view.queue or numbers.NOTHING,
        view.error.partition("\n")[0][:300],
    )
    style = Style.BAD if view.error else Style.PLAIN if view.condition == "active" else Style.QUIET
    return Row(str(view.id), cells, style, label=view.name)
