"""The screen of ``qmemory``: what hosts have left, and what the processes of each cluster hold."""

from collections.abc import Mapping

from django_q.management.monitor import numbers
from django_q.management.monitor.seen import Seen
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Column, Row, Table
from django_q.management.monitor.text import line
from django_q.tasks.clusters import ClusterView

_HEADS = (
    Column("Host", can_shrink=True),
    Column("Id"),
    Column("Available (%)", right=True, spare=1),
    Column("Available (MB)", right=True),
    Column("Total (MB)", right=True, spare=2),
    Column("Sentinel (MB)", right=True, spare=5),
    Column("Monitor (MB)", right=True, spare=6),
)
_REST = (
    Column("Pusher (MB)", right=True, spare=7),
    Column("Keeper (MB)", right=True, spare=8),
    Column("CPU (%)", right=True, spare=4),
)
EMPTY = "no cluster runs; start manage.py qcluster"


def table(seen: Seen, state: State) -> Table:
    """Return a row for each cluster."""
    most = max((len(view.workers) for view in seen.living), default=0)
    workers = (
        tuple(Column(f"Worker {number} (MB)", right=True, spare=10 + number) for number in range(1, most + 1))
        if state.by_worker
        else (Column("Workers (MB)", right=True),)
    )
    rows = tuple(_row(view, most, by_worker=state.by_worker) for view in seen.living)
    return Table((*_HEADS, *workers, *_REST), rows, EMPTY, below=(line(lowest_text(state.lowest)),))


def lowest_text(lowest: Mapping[str, int]) -> str:
    """Say how little memory hosts had left since the command began."""
    if not lowest:
        return f"Available lowest: {numbers.UNKNOWN}"
    return "Available lowest (MB): " + ", ".join(
        f"{host} {numbers.mebibytes(size)}" for host, size in sorted(lowest.items())
    )


def _row(view: ClusterView, most: int, *, by_worker: bool) -> Row:
    sizes = [numbers.mebibytes(worker.memory) for worker in view.workers]
    workers = (*sizes, *[numbers.NOTHING] * (most - len(sizes))) if by_worker else (_of(view, "worker"),)
    cells = (
        view.host,
        view.id[-8:],
        numbers.share(view.host_available, view.host_total),
        numbers.mebibytes(view.host_available),
        numbers.mebibytes(view.host_total),
        _of(view, "sentinel"),
        _of(view, "monitor"),
        *workers,
        _of(view, "pusher"),
        _of(view, "keeper"),
        numbers.UNKNOWN if view.cpu is None else f"{view.cpu:.1f}",
    )
    return Row(view.id, cells, label=f"{view.name} on {view.host} ({view.pid})")


def _of(view: ClusterView, role: str) -> str:
    return numbers.mebibytes(view.memory_of.get(role))
