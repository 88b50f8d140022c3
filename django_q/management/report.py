"""An overview as lines of plain text."""

from collections.abc import Iterator
from datetime import datetime

import arrow

from django_q.kernel import clock
from django_q.models.schedule import aware
from django_q.tasks.overview import ClusterView, LastDay, Overview, QueueView, SchedulesView, UnknownView, age


def lines_of(seen: Overview) -> Iterator[str]:
    """Yield the lines that ``qinfo`` prints."""
    yield _head("Clusters", len(seen.living))
    for cluster in seen.living:
        yield from _cluster(cluster)
    yield _head("Queues", len(seen.queues))
    yield from _queues(seen.queues)
    yield from _schedules(seen.schedules)
    yield _last_day(seen.last_day)
    yield f"  {seen.last_day.pace()}"
    if seen.unknown:
        yield "Waiting for a worker that knows the function"
        yield from map(_unknown, seen.unknown)
    if seen.ended:
        yield "Ended within the last hour"
        yield from map(_ended, seen.ended)


def _head(word: str, count: int) -> str:
    return f"{word}: {count or 'none'}"


def _cluster(cluster: ClusterView) -> Iterator[str]:
    """Yield who a cluster is and what each of its processes does."""
    serves = ", ".join(cluster.queues)
    started = _ago(age(cluster.started_at))
    yield f"  {cluster.name} on {cluster.host}, pid {cluster.pid}: {cluster.state}, started {started}, serves {serves}"
    attempts = f"attempts succeeded {cluster.succeeded}, failed {cluster.not_succeeded}"
    yield f"    workers busy {cluster.busy} of {len(cluster.workers)}, tasks held {cluster.held}, {attempts}"
    yield f"    {_upkeep(cluster)}"
    for role, pids in cluster.processes.items():
        yield from (f"    {role:<9} {pid}" for pid in pids)
    for worker in cluster.workers:
        yield f"    {'worker':<9} {worker.pid}  {', '.join(worker.running) or 'idle'}"


def _upkeep(cluster: ClusterView) -> str:
    """Say how much memory a cluster holds, and whom it had to replace."""
    memory = "unknown" if cluster.memory is None else f"{cluster.memory / 2**20:.0f} MiB"
    losses = [f"{role} died {count}" for role, count in cluster.replaced.items()]
    left = [f"workers recycled {cluster.recycled}"] if cluster.recycled else []
    asked = ", asked to end" if cluster.stop_requested_at else ""
    return f"memory {memory}, processes replaced: {', '.join(left + losses) or 'none'}{asked}"


def _queues(queues: tuple[QueueView, ...]) -> Iterator[str]:
    if not queues:
        return
    width = max(8, *(len(queue.name) for queue in queues))
    yield f"  {'':<{width}} {'ready':>8} {'deferred':>8} {'waiting':>8} {'claimed':>8}  oldest ready"
    for queue in queues:
        oldest = "-" if queue.oldest_ready is None else _span(queue.oldest_ready)
        counts = (queue.ready, queue.deferred, queue.waiting, queue.claimed)
        yield f"  {queue.name:<{width}} {' '.join(f'{count:>8}' for count in counts)}  {oldest}"
    yield from (f"  {queue.complaint}" for queue in queues if queue.complaint)


def _last_day(day: LastDay) -> str:
    return f"Last 24 hours: {day.in_words()}"


def _schedules(found: SchedulesView) -> Iterator[str]:
    """Yield how many schedules there are, which is due next, and which missed runs."""
    paused = f", {found.paused} paused" if found.paused else ""
    due = "" if found.next_run is None else f", next {found.next_name} {_when(found.next_run)}"
    yield f"{_head('Schedules', found.count)}{paused}{due}"
    for name, missed, last in found.missed:
        lately = "" if last is None else f", the last {_when(last)}"
        yield f"  {name}: missed {missed} {'run' if missed == 1 else 'runs'}{lately}"


def _when(value: datetime) -> str:
    return arrow.get(aware(value)).humanize(arrow.get(clock.now()))


def _unknown(unknown: UnknownView) -> str:
    return f"  {unknown.func}: {unknown.tasks} waiting, first missed {_ago(age(unknown.since))}"


def _ended(cluster: ClusterView) -> str:
    how = "not heard of any more" if cluster.ended_at is None else f"ended {_ago(age(cluster.ended_at))}"
    return f"  {cluster.name} on {cluster.host}, pid {cluster.pid}: {how}"


def _ago(seconds: float) -> str:
    moment = arrow.get(clock.now())
    return moment.shift(seconds=-seconds).humanize(moment)


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
