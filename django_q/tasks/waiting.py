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
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from django_q import conf
from django_q.engine.decision import UNKNOWN, unknown_since
from django_q.engine.gathering import ITEMS
from django_q.kernel.queues import named, serves
from django_q.kernel.states import Reason, TaskKind, TaskState
from django_q.models import Incarnation, OrmQ, Task
from django_q.models.queue import INLINE
from django_q.tasks.sentences import NOTHING, Sentence, said

_MOST_AHEAD = 10_000  # rows that are counted
_SHORT = 200  # characters of an error


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a task does not run, and whether somebody has to do something about it."""

    sentence: Sentence
    needs_help: bool = False

    @property
    def text(self) -> str:
        """Return it in English."""
        return str(self.sentence)


def nobody_serves(queue: str, served: Iterable[str] = ()) -> str:
    """Return the sentence for a queue without a cluster, in English; ``served`` are those that have one."""
    return str(unserved(queue, served))


def unserved(queue: str, served: Iterable[str] = ()) -> Sentence:
    """Return the sentence for a queue without a cluster; ``served`` are those that have one."""
    near = get_close_matches(queue, named(served), n=1)
    name = "" if serves(conf.current().queues, queue) else f" -n {shlex.quote(queue)}"
    start = said(_("start %(command)s"), command=f"manage.py qcluster{name}")
    if near:
        return said(_('no cluster serves "%(queue)s" (did you mean "%(near)s"?)'), queue=queue, near=near[0]) + start
    return said(_('no cluster serves "%(queue)s"'), queue=queue) + start


def reasons(rows: Iterable[OrmQ]) -> dict[str, str]:
    """Return in the viewer's language why each of these rows of the queue waits, by its id: two queries for all."""
    listed = list(rows)
    scene = _Scene.of(listed)
    return {row.pk: scene.explain(row).sentence.told() for row in listed}


def reason_of(row: OrmQ) -> str:
    """Return in the viewer's language why a row of the queue waits, with how many are ahead of it."""
    return _explain(row).sentence.told()


def explain(id_or_name: str) -> Explanation:
    """Say of a task, by its id or name, why it has not ended, or how it has."""
    alias = conf.current().orm
    row = OrmQ.objects.using(alias).named(id_or_name).order_by("-pk").defer("args", "kwargs").first()
    if row is not None:
        found = _explain(row)
        if row.state == TaskState.CLAIMED or not connections[alias].in_atomic_block:
            return found
        return Explanation(found.sentence + said(_OPEN_HERE), needs_help=True)
    task = Task.objects.using(alias).only("success", "reason", "stopped").named(id_or_name)
    if task is not None:
        how = "succeeded" if task.success else _ENDED.get(task.reason or "", "failed")
        return Explanation(said("it has ended: it %(how)s at %(moment)s", how=how, moment=_moment(task.stopped)))
    return Explanation(said(_UNKNOWN_TASK), needs_help=True)


# What only programs and commands are told stays English.
_ENDED = {Reason.CANCELED.value: "was canceled", Reason.STOPPED.value: "was stopped"}
_OPEN_HERE = "a transaction is open here: clusters see what it enqueued when it commits"
_UNKNOWN_TASK = "there is no such task: it was not enqueued, its transaction is not committed, or its row was not kept"


def _explain(row: OrmQ) -> Explanation:
    scene = _Scene.of([row])
    found = scene.explain(row)
    if row.state == TaskState.READY and not found.needs_help:
        return Explanation(_place_in_line(row))
    return found


def _place_in_line(row: OrmQ) -> Sentence:
    ready = OrmQ.objects.using(conf.current().orm).filter(queue=row.queue, state=TaskState.READY)
    before = ready.filter(Q(priority__gt=row.priority) | Q(priority=row.priority, pk__lt=row.pk))
    ahead = before.order_by().values("pk")[: _MOST_AHEAD + 1].count()
    if not ahead:
        return said(_('it is the next in the queue "%(queue)s" and waits for a free worker'), queue=row.queue)
    if ahead > _MOST_AHEAD:
        return said(
            _('it is behind more than %(count)d others in the queue "%(queue)s"'), count=_MOST_AHEAD, queue=row.queue
        )
    form = ngettext_lazy(
        'it is behind %(count)d other in the queue "%(queue)s"',
        'it is behind %(count)d others in the queue "%(queue)s"',
        "count",
    )
    return said(form, count=ahead, queue=row.queue)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What has to be known of the clusters to explain rows."""

    served: frozenset[str]
    clusters: Mapping[str, Incarnation]  # those that live, by id
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
            clusters={cluster.pk: cluster for cluster in clusters},
            steps=dict(before),
        )

    def explain(self, row: OrmQ) -> Explanation:
        if row.state == TaskState.CLAIMED:
            return Explanation(_of_claim(row, self.clusters.get(row.claimed_by or "")))
        if row.kind == TaskKind.GATHER and row.state == TaskState.WAITING:
            return Explanation(_of_gather(row))
        if row.state == TaskState.WAITING:
            step = self.steps.get(row.waits_for or "", row.waits_for)
            return Explanation(said(_("it follows %(step)s, which has not ended"), step=step))
        if row.state == TaskState.DEFERRED:
            return self._of_deferred(row)
        if not serves(self.served, row.queue):
            return Explanation(unserved(row.queue, self.served), needs_help=True)
        return Explanation(said(_('it is in line in the queue "%(queue)s"'), queue=row.queue))

    def _of_deferred(self, row: OrmQ) -> Explanation:
        due = _moment(row.run_after) if row.run_after else _("an unknown time")
        last = _last_error(row)
        alone = NOTHING if serves(self.served, row.queue) else unserved(row.queue, self.served)
        since = unknown_since(row.errors) if last and last.get("reason") == UNKNOWN else None
        if since is not None:
            form = _("no worker knows the function %(function)s since %(since)s")
            missed = said(form, function=repr(row.func), since=_moment(since))
            again = said(_("it is looked for again at %(due)s"), due=due)
            return Explanation(missed + again + alone, needs_help=True)
        if last is not None:
            is_hook = row.kind == TaskKind.HOOK
            form = _AFTER_HOOK_ERROR if is_hook else _AFTER_ERROR
            retried = said(form, due=due, error=str(last.get("error", ""))[:_SHORT])
            return Explanation(retried + alone, needs_help=bool(alone.clauses))
        return Explanation(said(_("it is due at %(due)s"), due=due) + alone, needs_help=bool(alone.clauses))


_AFTER_ERROR = _("it is tried again at %(due)s, after %(error)s")
_AFTER_HOOK_ERROR = _("the hook is tried again at %(due)s, after %(error)s")


def _of_claim(row: OrmQ, cluster: Incarnation | None) -> Sentence:
    asked = said(_("it was asked to stop")) if row.stop_requested_at else NOTHING
    if row.claimed_by == INLINE:
        return said(_("the process that enqueued it runs it")) + asked
    if cluster is None:
        lost = said(_("a cluster that is not heard of any more holds it"))
        return lost + said(_("another one takes it over")) + asked
    if row.running_since is None:
        return said(_("the cluster %(cluster)s has claimed it"), cluster=cluster) + asked
    form = _("it runs on the cluster %(cluster)s since %(since)s")
    return said(form, cluster=cluster, since=_moment(row.running_since)) + asked


def _of_gather(row: OrmQ) -> Sentence:
    form = ngettext_lazy(
        "it collects the results of %(count)d item, which has not ended",
        "it collects the results of %(count)d items, which have not ended",
        "count",
    )
    return said(form, count=_items_of(row))


def _items_of(row: OrmQ) -> int:
    return int(json.loads(row.options)[ITEMS])


def _last_error(row: OrmQ) -> dict[str, Any] | None:
    entries = json.loads(row.errors) if row.errors else []
    return entries[-1] if entries else None


def _moment(value: datetime) -> str:
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{local:%Y-%m-%d %H:%M:%S}"
