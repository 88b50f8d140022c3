"""Is it well? One answer for probes: an exit code, and a line that says why."""

from dataclasses import dataclass

from django_q import conf
from django_q.kernel.queues import serves
from django_q.tasks.overview import Standing
from django_q.tasks.waiting import nobody_serves

OK, WARNING, CRITICAL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Health:
    """The answer."""

    code: int
    line: str


def judge(seen: Standing, *, max_queue: int | None = None, max_age: float | None = None) -> Health:
    """Judge how it stands: critical without a cluster for what waits, a warning above a threshold, else well."""
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


def judge_host(seen: Standing, host: str, *, max_queue: int | None = None, max_age: float | None = None) -> Health:
    """Judge only the clusters of a host, and the queues that they serve."""
    living = tuple(cluster for cluster in seen.living if cluster.host == host)
    if not living:
        return Health(CRITICAL, f"no cluster is alive on this host, {host!r}; start manage.py qcluster here")
    served = {queue for cluster in living for queue in cluster.queues}
    own = Standing(living, tuple(queue for queue in seen.queues if serves(served, queue.name)))
    return judge(own, max_queue=max_queue, max_age=max_age)


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
