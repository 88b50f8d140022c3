"""The tab of the clusters: who lives, what they do, and who ended lately."""

from collections.abc import Iterator
from datetime import datetime

from django_q.management.monitor import numbers
from django_q.management.monitor.seen import Seen
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Column, Row, Table
from django_q.management.monitor.text import Line, Style, line
from django_q.tasks.clusters import ClusterView

COLUMNS = (
    Column("Host", can_shrink=True),
    Column("Id"),
    Column("State"),
    Column("Pool", right=True),
    Column("TQ", right=True),
    Column("RQ", right=True, spare=1),
    Column("RC", right=True, spare=1),
    Column("Up", right=True),
    Column("Busy", right=True, spare=3),
    Column("Name", can_shrink=True, spare=4),
    Column("Queues", can_shrink=True, spare=5),
    Column("Ended", right=True, spare=6),
    Column("Memory", right=True, spare=7),
    Column("CPU", right=True, spare=8),
    Column("Pid", right=True, spare=9),
)
EMPTY = "no cluster runs; start manage.py qcluster"
_STYLES = {"idle": Style.PLAIN, "working": Style.GOOD, "starting": Style.WARN, "stopping": Style.WARN}


def table(seen: Seen, state: State) -> Table:
    """Return a row for each cluster."""
    return Table(COLUMNS, tuple(_living(view, seen.at) for view in seen.living), EMPTY, below=tuple(_gone(seen)))


def details(view: ClusterView, at: datetime) -> Iterator[str]:
    """Yield what is known of a cluster."""
    yield f"{view.name} on {view.host}, pid {view.pid}, django_q {view.version}"
    yield f"id         {view.id}"
    yield f"state      {state_of(view)}"
    yield f"queues     {', '.join(view.queues)}"
    yield f"started    {numbers.moment(view.started_at)}, {numbers.ago(numbers.passed(view.started_at, at))}"
    yield f"attempts   {view.succeeded} succeeded, {view.not_succeeded} did not"
    yield f"tasks      {view.held} held: {view.backlog} not handed out, {view.unrecorded} not recorded yet"
    left = [f"workers recycled {view.recycled}"] if view.recycled else []
    died = [f"{role} died {count}" for role, count in view.replaced.items()]
    yield f"replaced   {', '.join(left + died) or 'none'}"
    yield f"memory     {_memory(view)}"
    yield ""
    for role, pids in view.processes.items():
        yield from (f"{role:<9}  {pid}" for pid in pids)
    for worker in view.workers:
        memory = "" if worker.memory is None else f"  {numbers.mebibytes(worker.memory)} MB"
        yield f"{'worker':<9}  {worker.pid}{memory}  {', '.join(worker.running) or 'idle'}"


def state_of(view: ClusterView) -> str:
    """Return what a cluster does, in one word if it says one."""
    return "asked to stop" if view.stop_requested_at and view.state != "stopping" else view.state


def _living(view: ClusterView, at: datetime) -> Row:
    cells = (
        view.host,
        view.id[-8:],
        state_of(view),
        str(len(view.workers)),
        str(view.backlog),
        str(view.unrecorded),
        str(view.reincarnations),
        numbers.uptime(numbers.passed(view.started_at, at)),
        f"{view.busy}/{len(view.workers)}",
        view.name,
        ", ".join(view.queues),
        str(view.succeeded + view.not_succeeded),
        numbers.UNKNOWN if view.memory is None else f"{view.memory / 2**20:.0f} MB",
        numbers.NOTHING if view.cpu is None else f"{view.cpu:.0f}%",
        str(view.pid),
    )
    return Row(view.id, cells, _STYLES.get(view.state, Style.PLAIN), label=f"{view.name} on {view.host} ({view.pid})")


def _gone(seen: Seen) -> Iterator[Line]:
    if seen.ended:
        yield line("Ended within the last hour", Style.STRONG)
    for view in seen.ended:
        how, style = ("not heard of any more", Style.BAD) if view.ended_at is None else ("ended", Style.QUIET)
        when = numbers.ago(numbers.passed(view.ended_at or view.expires_at, seen.at))
        yield line(f"{view.name} on {view.host} ({view.pid}): {how} {when}", style)


def _memory(view: ClusterView) -> str:
    if not view.memory_of:
        return numbers.UNKNOWN
    return ", ".join(f"{role} {numbers.mebibytes(size)} MB" for role, size in view.memory_of.items())
