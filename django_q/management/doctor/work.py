"""The tasks in the queue: what waits for too long, and what nobody here could read."""

from collections.abc import Iterator

from django.db.models import Count
from django.db.models.functions import Length

from django_q import conf
from django_q.exceptions import PayloadError
from django_q.kernel.states import TaskState
from django_q.management.doctor.finding import Finding, error, warning, well
from django_q.models import Incarnation, OrmQ
from django_q.models.queue import INLINE
from django_q.tasks.overview import Overview, age

_OLD = 300.0  # seconds that a ready task may wait
_LATE = 5.0  # seconds that a deferred task may be overdue
_SAMPLE = 20  # rows, the newest
_LARGEST = 2**20  # bytes of arguments that are fetched


def findings(seen: Overview) -> Iterator[Finding]:
    """Yield how the queue stands."""
    yield from _oldest(seen)
    yield from _overdue(seen)
    yield from _held_by_the_dead(seen)
    yield from _unknown(seen)
    yield from _signatures(seen.database)


def _oldest(seen: Overview) -> Iterator[Finding]:
    for queue in seen.queues:
        if queue.oldest_ready is not None and queue.oldest_ready > _OLD:
            what = f'the oldest of {queue.ready} ready tasks in "{queue.name}" waits for {queue.oldest_ready:.0f} s'
            yield warning("queue", what, "add workers or clusters, or see manage.py qinfo for what they are busy with")
        elif queue.oldest_ready is not None:
            what = f'{queue.ready} ready in "{queue.name}", the oldest for {queue.oldest_ready:.1f} s'
            yield well("queue", what)


def _overdue(seen: Overview) -> Iterator[Finding]:
    due = OrmQ.objects.using(seen.database).next_due() if seen.living else None
    if due is not None and due < -_LATE:
        what = f"a deferred task has been due for {-due:.0f} s, and no cluster has made it ready"
        yield warning("deferred", what, "see the log of the clusters for their keeper, or restart them")


def _held_by_the_dead(seen: Overview) -> Iterator[Finding]:
    living = [INLINE, *(cluster.id for cluster in seen.living)]
    claimed = OrmQ.objects.using(seen.database).filter(state=TaskState.CLAIMED).exclude(claimed_by__in=living)
    counts = list(claimed.order_by().values_list("claimed_by").annotate(count=Count("pk")))
    if counts:
        rows = Incarnation.objects.using(seen.database).in_bulk([owner for owner, _ in counts])
        who = ", ".join(str(rows.get(owner, owner)) for owner, _ in counts)
        what = f"{sum(count for _, count in counts)} tasks are held by clusters that are not heard of any more: {who}"
        fix = f"wait {conf.current().lease:g} s" if seen.living else "start manage.py qcluster"
        yield warning("claims", what, f"{fix}; a living cluster takes them over")


def _unknown(seen: Overview) -> Iterator[Finding]:
    for each in seen.unknown:
        what = f"no worker knows {each.func!r} for {age(each.since):.0f} s, and {each.tasks} of its tasks wait"
        yield warning("functions", what, "deploy the code that has it, and restart the clusters")


def _signatures(alias: str) -> Iterator[Finding]:
    """Verify the signatures of the newest rows; nothing is unpickled."""
    rows = OrmQ.objects.using(alias)
    newest = list(rows.order_by("-pk").annotate(size=Length("args")).values_list("pk", "size")[:_SAMPLE])
    small = [pk for pk, size in newest if (size or 0) <= _LARGEST]
    codec = conf.current().codec()
    strange = []
    for row in rows.filter(pk__in=small).only("func", "args"):
        try:
            codec.verify(row.__dict__["args"] or b"", purpose="args", task_id=row.pk, func=row.func)
        except PayloadError:
            strange.append(row.pk)
    if strange:
        what = f"{len(strange)} of the newest {len(small)} queued tasks are not signed with a key of this process"
        fix = "give the process that enqueued them the same SECRET_KEY, or add its key to SECRET_KEY_FALLBACKS"
        yield error("signatures", f"{what} ({strange[0]})", fix)
    elif small:
        yield well("signatures", f"those of the newest {len(small)} queued tasks can be verified")
