"""Why a task that has not ended does not run: one sentence each, in a bounded number of queries."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from django_q import conf
from django_q.engine.decision import UNKNOWN, unknown_since
from django_q.engine.gathering import ITEMS
from django_q.kernel.states import Reason, TaskKind, TaskState
from django_q.models import Incarnation, OrmQ, Task
from django_q.models.queue import INLINE

_MOST_AHEAD = 10_000  # rows that are counted
_SHORT = 200  # characters of an error


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a task does not run, and whether somebody has to do something about it."""

    text: str
    needs_help: bool = False


def nobody_serves(queue: str, served: Iterable[str] = ()) -> str:
    """Return the sentence for a queue without a cluster; ``served`` are those that have one."""
    near = get_close_matches(queue, served, n=1)
    question = f' (did you mean "{near[0]}"?)' if near else ""
    name = "" if queue in conf.current().queues else f" -n {shlex.quote(queue)}"
    return f'no cluster serves "{queue}"{question}; start manage.py qcluster{name}'


def reasons(rows: Iterable[OrmQ]) -> dict[str, str]:
    """Return why each of these rows of the queue waits, by its id: two queries for all of them."""
    listed = list(rows)
    scene = _Scene.of(listed)
    return {row.pk: scene.explain(row).text for row in listed}


def reason_of(row: OrmQ) -> str:
    """Return why a row of the queue waits, with how many are ahead of it."""
    return _explain(row).text


def explain(id_or_name: str) -> Explanation:
    """Say of a task, by its id or name, why it has not ended, or how it has."""
    alias = conf.current().orm
    row = OrmQ.objects.using(alias).named(id_or_name).order_by("-pk").defer("args", "kwargs").first()
    if row is not None:
        found = _explain(row)
        if row.state == TaskState.CLAIMED or not connections[alias].in_atomic_block:
            return found
        open_here = "a transaction is open here: clusters see what it enqueued when it commits"
        return Explanation(f"{found.text}; {open_here}", needs_help=True)
    task = Task.objects.using(alias).only("success", "reason", "stopped").named(id_or_name)
    if task is not None:
        how = "succeeded" if task.success else _ENDED.get(task.reason or "", "failed")
        return Explanation(f"it has ended: it {how} at {_moment(task.stopped)}")
    text = "there is no such task: it was not enqueued, its transaction is not committed, or its row was not kept"
    return Explanation(text, needs_help=True)


_ENDED = {Reason.CANCELED.value: "was canceled", Reason.STOPPED.value: "was stopped"}


def _explain(row: OrmQ) -> Explanation:
    scene = _Scene.of([row])
    found = scene.explain(row)
    if row.state == TaskState.READY and not found.needs_help:
        return Explanation(_place_in_line(row))
    return found


def _place_in_line(row: OrmQ) -> str:
    ready = OrmQ.objects.using(conf.current().orm).filter(queue=row.queue, state=TaskState.READY)
    before = ready.filter(Q(priority__gt=row.priority) | Q(priority=row.priority, pk__lt=row.pk))
    ahead = before.order_by().values("pk")[: _MOST_AHEAD + 1].count()
    if not ahead:
        return f'it is the next in the queue "{row.queue}" and waits for a free worker'
    count = f"more than {_MOST_AHEAD}" if ahead > _MOST_AHEAD else str(ahead)
    return f'it is behind {count} {"other" if ahead == 1 else "others"} in the queue "{row.queue}"'


@dataclass(frozen=True, slots=True)
class _Scene:
    """What has to be known of the clusters to explain rows."""

    served: frozenset[str]
    names: Mapping[str, str]  # of the living clusters, by id
    steps: Mapping[str, str]  # names of the tasks that steps of chains wait for, by id

    @classmethod
    def of(cls, rows: Iterable[OrmQ]) -> "_Scene":
        alias = conf.current().orm
        living = Incarnation.objects.using(alias).living().order_by().only("name", "host", "pid", "queues")
        clusters = list(living)
        wanted = {row.waits_for for row in rows if row.state == TaskState.WAITING}
        before = OrmQ.objects.using(alias).filter(pk__in=wanted).order_by().values_list("pk", "name") if wanted else ()
        return cls(
            served=frozenset(queue for cluster in clusters for queue in json.loads(cluster.queues)),
            names={cluster.pk: str(cluster) for cluster in clusters},
            steps=dict(before),
        )

    def explain(self, row: OrmQ) -> Explanation:
        if row.state == TaskState.CLAIMED:
            return self._of_claimed(row)
        if row.kind == TaskKind.GATHER and row.state == TaskState.WAITING:
            return Explanation(f"it collects the results of {_items_of(row)} items, which have not ended")
        if row.state == TaskState.WAITING:
            return Explanation(f"it follows {self.steps.get(row.waits_for or '', row.waits_for)}, which has not ended")
        if row.state == TaskState.DEFERRED:
            return self._of_deferred(row)
        if row.queue not in self.served:
            return Explanation(nobody_serves(row.queue, self.served), needs_help=True)
        return Explanation(f'it is in line in the queue "{row.queue}"')

    def _of_claimed(self, row: OrmQ) -> Explanation:
        asked = "; it was asked to stop" if row.stop_requested_at else ""
        if row.claimed_by == INLINE:
            return Explanation(f"the process that enqueued it runs it{asked}")
        cluster = self.names.get(row.claimed_by or "")
        if cluster is None:
            return Explanation(f"a cluster that is not heard of any more holds it; another one takes it over{asked}")
        if row.running_since is None:
            return Explanation(f"the cluster {cluster} has claimed it{asked}")
        return Explanation(f"it runs on the cluster {cluster} since {_moment(row.running_since)}{asked}")

    def _of_deferred(self, row: OrmQ) -> Explanation:
        due = _moment(row.run_after) if row.run_after else "an unknown time"
        last = _last_error(row)
        alone = "" if row.queue in self.served else f"; {nobody_serves(row.queue, self.served)}"
        since = unknown_since(row.errors) if last and last.get("reason") == UNKNOWN else None
        if since is not None:
            missed = f"no worker knows the function {row.func!r} since {_moment(since)}"
            return Explanation(f"{missed}; it is looked for again at {due}{alone}", needs_help=True)
        if last is not None:
            kind = "the hook" if row.kind == TaskKind.HOOK else "it"
            error = str(last.get("error", ""))[:_SHORT]
            return Explanation(f"{kind} is tried again at {due}, after {error}{alone}", needs_help=bool(alone))
        return Explanation(f"it is due at {due}{alone}", needs_help=bool(alone))


def _items_of(row: OrmQ) -> int:
    return int(json.loads(row.options)[ITEMS])


def _last_error(row: OrmQ) -> dict[str, Any] | None:
    entries = json.loads(row.errors) if row.errors else []
    return entries[-1] if entries else None


def _moment(value: datetime) -> str:
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{local:%Y-%m-%d %H:%M:%S}"
