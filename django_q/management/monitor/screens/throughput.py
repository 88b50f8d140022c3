"""The tab of the throughput: how many tasks ended, how long they waited and ran, minute by minute."""

from collections.abc import Iterator

from django.utils import timezone

from django_q.management.monitor import numbers
from django_q.management.monitor.seen import Seen
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Column, Row, Table
from django_q.management.monitor.text import Line, line
from django_q.tasks.activity import Bar, LastHour

COLUMNS = (
    Column("From", right=True),
    Column("Succeeded", right=True),
    Column("Failed", right=True),
    Column("Per second", right=True, spare=2),
    Column("Waited", right=True, spare=4),
    Column("Ran", right=True, spare=3),
    Column("", can_shrink=True, spare=1),
)
EMPTY = "no task has ended in the last hour; async_task() enqueues one"
_WIDTH = 30  # columns of the longest bar


def table(seen: Seen, state: State) -> Table:
    """Return a row for each minute, the newest first."""
    found = seen.last_hour
    bars = [] if found is None else [bar for bar in reversed(found.bars)]
    while bars and not bars[-1].succeeded + bars[-1].failed:
        bars.pop()
    highest = max((bar.succeeded + bar.failed for bar in bars), default=0)
    rows = tuple(_row(bar, found.width, highest) for bar in bars) if found else ()
    return Table(COLUMNS, rows, EMPTY, above=tuple(_summary(seen, found)))


def _summary(seen: Seen, found: LastHour | None) -> Iterator[Line]:
    if seen.last_day is not None:
        yield line(f"Last 24 hours: {seen.last_day.in_words()}; {seen.last_day.pace()}")
    if found is not None:
        of = f"the newest tasks since {_clock(found.bars[0]) if found.bars else '-'}" if found.is_cut else "all tasks"
        spreads = f"waited {numbers.spread(found.wait)}, ran {numbers.spread(found.run)}"
        yield line(f"Last hour, {of}: {spreads} (half of them at most / 95 of 100)")
    yield line("")


def _row(bar: Bar, width: int, highest: int) -> Row:
    ended = bar.succeeded + bar.failed
    cells = (
        _clock(bar),
        str(bar.succeeded),
        str(bar.failed),
        f"{ended / width:.1f}",
        numbers.spread(bar.wait),
        numbers.spread(bar.run),
        numbers.bar(ended, highest, _WIDTH),
    )
    return Row(_clock(bar), cells)


def _clock(bar: Bar) -> str:
    begins = timezone.localtime(bar.begins) if timezone.is_aware(bar.begins) else bar.begins
    return f"{begins:%H:%M:%S}"
