"""Is it well? One answer for probes: an exit code, and a line that says why."""

from dataclasses import dataclass

from django_q import conf
from django_q.tasks.overview import Overview
from django_q.tasks.waiting import nobody_serves

OK, WARNING, CRITICAL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Health:
    """The answer."""

    code: int
    line: str


def judge(seen: Overview, *, max_queue: int | None = None, max_age: float | None = None) -> Health:
    """Judge an overview: critical without a cluster for what waits, a warning above a threshold, else well."""
    deserted = next((queue.complaint for queue in seen.queues if queue.complaint), "")
    if not seen.living:
        return Health(CRITICAL, deserted or nobody_serves(conf.current().name))
    if deserted:
        return Health(CRITICAL, deserted)
    for queue in seen.queues:
        if max_queue is not None and queue.ready > max_queue:
            return Health(WARNING, f'queue "{queue.name}" has {queue.ready} ready tasks, more than {max_queue}')
        if max_age is not None and (queue.oldest_ready or 0) > max_age:
            waits = f"{queue.oldest_ready:.1f} s, longer than {max_age:g} s"
            return Health(WARNING, f'the oldest ready task of queue "{queue.name}" waits for {waits}')
    ready = sum(queue.ready for queue in seen.queues)
    return Health(OK, f"{_some(len(seen.living), 'cluster')} alive, {_some(ready, 'task')} ready")


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
