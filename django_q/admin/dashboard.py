"""The dashboard: how it stands, on one page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_q import conf
from django_q.admin import display
from django_q.admin.graphs import graphs_of
from django_q.admin.sight import Sight
from django_q.admin.words import ENDED, QUIET, ended_how, state_of, word_of
from django_q.kernel import clock
from django_q.kernel.queues import serves
from django_q.kernel.states import Reason, TaskState
from django_q.models import Failure, Incarnation, OrmQ
from django_q.tasks import TaskProgress, activity, backlog, progress_of_many
from django_q.tasks.activity import Ends, RunningTask
from django_q.tasks.backlog import Depth
from django_q.tasks.clusters import ClusterView, clusters
from django_q.tasks.overview import age, unknown_functions
from django_q.tasks.waiting import reasons, unserved

#: Seconds between two loads of the page, for who asks for it.
REFRESH = 10
_RUNNING = 50
_LISTED = 10
_QUEUES = 10  # whose oldest rows are looked for
_HOUR, _DAY = 3600.0, 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Counter:
    """A number with its name; ``href`` leads to what was counted."""

    word: str
    count: str
    href: str = ""


def dashboard(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show how it stands, as far as the viewer may see it."""
    sight = Sight(site, request)
    sight.demand(sight.tasks or sight.clusters)
    living, gone = clusters(conf.current().orm)
    refresh = _refresh(request)
    content: dict[str, Any] = {"at": display.moment(clock.now()), "refresh": refresh, "refresh_every": REFRESH}
    content["counters"] = []
    if sight.queue:
        content |= _queue(sight, living)
    if sight.clusters:
        content["counters"].append(_workers(living, sight))
        content["clusters"] = [_cluster(sight, view) for view in living] + [_gone(sight, view) for view in gone]
    if sight.successes or sight.failures:
        content["counters"] += _ends(sight)
        content["lately"] = graphs_of(activity.last_hour(successes=sight.successes, failures=sight.failures))
    if sight.failures:
        content["failures"] = [_failure(sight, row) for row in activity.recent_failures(limit=_LISTED)]
    answer = TemplateResponse(request, "admin/django_q/dashboard.html", sight.page(_("Dashboard"), **content))
    if refresh:
        answer["Refresh"] = str(refresh)
    return answer


def _refresh(request: HttpRequest) -> int:
    """Return after how many seconds the page shall load again, 0 for never; no more often than every five."""
    wanted = request.GET.get("refresh", "")[:6]
    seconds = int(wanted) if wanted.isascii() and wanted.isdecimal() else 0
    return min(max(seconds, 5), 3600) if seconds else 0


# The queue -----------------------------------------------------------------------------------------------------------


def _queue(sight: Sight, living: Sequence[ClusterView]) -> dict[str, Any]:
    served = {queue for cluster in living for queue in cluster.queues}
    depths = backlog.depths(backlog.queue_names(served))
    heads = {depth.queue: list(backlog.heads(depth.queue)) for depth in [d for d in depths if d.ready][:_QUEUES]}
    running = activity.running(limit=_RUNNING)
    advances = progress_of_many(each.row.pk for each in running)
    return {
        "counters": _states(depths, sight),
        "queues": [_queue_line(depth, heads.get(depth.queue), serves(served, depth.queue)) for depth in depths],
        "complaints": [unserved(depth.queue).told() for depth in depths if _is_deserted(depth, served)],
        "oldest": _oldest(sight, heads.values()),
        "running": [_running(sight, each, living, advances) for each in running[:_RUNNING]],
        "more_running": len(running) > _RUNNING,
        "unknown": [
            {"func": each.func, "tasks": each.tasks, "since": display.moment(each.since)}
            for each in unknown_functions(conf.current().orm)
        ],
    }


def _states(depths: Iterable[Depth], sight: Sight) -> list[Counter]:
    listed = list(depths)
    words = (
        ("ready", TaskState.READY, word_of(TaskState.READY)),
        ("claimed", TaskState.CLAIMED, word_of(TaskState.CLAIMED)),
        ("deferred", TaskState.DEFERRED, word_of(TaskState.DEFERRED)),
        ("waiting", TaskState.WAITING, _("waiting for a step before")),
    )
    return [
        Counter(word, _sum([getattr(depth, name) for depth in listed]), sight.list_of(OrmQ, f"?state__exact={state:d}"))
        for name, state, word in words
    ]


def _is_deserted(depth: Depth, served: set[str]) -> bool:
    holds = depth.ready + depth.deferred + depth.waiting + depth.claimed
    return not serves(served, depth.queue) and bool(holds)


def _queue_line(depth: Depth, heads: list[OrmQ] | None, is_served: bool) -> dict[str, Any]:
    oldest = display.span(max(age(_since(row)) for row in heads)) if heads else display.EMPTY
    counts = {name: _sum([getattr(depth, name)]) for name in ("ready", "deferred", "waiting", "claimed")}
    note = "" if is_served else unserved(depth.queue).told()
    return {"name": depth.queue, **counts, "oldest": oldest, "note": note}


def _oldest(sight: Sight, heads: Iterable[list[OrmQ]]) -> list[dict[str, Any]]:
    rows = sorted((row for each in heads for row in each), key=_since)[:_LISTED]
    why = reasons(rows)
    return [
        {
            "link": sight.link(OrmQ, row.pk, row),
            "func": row.func,
            "since": display.moment(_since(row)),
            "span": display.span(age(_since(row))),
            "why": why[row.pk],
        }
        for row in rows
    ]


def _since(row: OrmQ) -> datetime:
    return row.run_after or row.enqueued_at


def _running(
    sight: Sight, found: RunningTask, living: Sequence[ClusterView], advances: Mapping[str, TaskProgress]
) -> dict[str, Any]:
    row = found.row
    advance = advances.get(row.pk)
    return {
        "progress": "" if advance is None else display.progress(advance),
        "link": sight.link(OrmQ, row.pk, row),
        "func": row.func,
        "since": "" if row.running_since is None else display.moment(row.running_since),
        "where": _where(sight, row, living),
        "span": display.span(found.seconds),
        "limit": "" if found.timeout is None else display.span(found.timeout),
        "value": f"{min(found.seconds, found.timeout or 0):.0f}",
        "max": f"{found.timeout or 0:.3f}",
        "stops": row.stop_requested_at is not None,
    }


def _where(sight: Sight, row: OrmQ, living: Sequence[ClusterView]) -> SafeString | str:
    cluster = next((view for view in living if view.id == row.claimed_by), None)
    if cluster is None:
        return display.EMPTY
    worker = next((each.pid for each in cluster.workers if row.pk in each.tasks), None)
    form = _("%(name)s on %(host)s") if worker is None else _("%(name)s on %(host)s, worker %(worker)s")
    return sight.link(Incarnation, cluster.id, form % {"name": cluster.name, "host": cluster.host, "worker": worker})


# The history ---------------------------------------------------------------------------------------------------------


def _ends(sight: Sight) -> list[Counter]:
    found: list[Counter] = []
    for seconds, good, bad in (
        (_HOUR, _("succeeded, last hour"), _("failed, last hour")),
        (_DAY, _("succeeded, last 24 hours"), _("failed, last 24 hours")),
    ):
        ends = activity.ends(seconds, successes=sight.successes, failures=sight.failures)
        found += _ends_within(sight, ends, good, bad)
    return found


def _ends_within(sight: Sight, ends: Ends, good: str, bad: str) -> list[Counter]:
    counters = []
    if sight.successes:
        counters.append(Counter(good, _plus(ends.succeeded, ends.more_succeeded)))
    if sight.failures:
        counters.append(Counter(bad, _plus(ends.failed, ends.more_failed)))
    return counters


def _failure(sight: Sight, row: Any) -> dict[str, Any]:
    reason = row.reason or Reason.ERROR.value
    return {
        "link": sight.link(Failure, row.pk, row),
        "func": row.func,
        "at": display.moment(row.stopped),
        "badge": display.badge(ended_how(reason), "quiet" if reason in QUIET else "bad"),
        "error": display.shortened(row.error, 160),
    }


# The clusters --------------------------------------------------------------------------------------------------------


def _workers(living: Sequence[ClusterView], sight: Sight) -> Counter:
    all = sum(len(view.workers) for view in living)
    word = ngettext("worker busy, of %(all)d", "workers busy, of %(all)d", all) % {"all": all}
    return Counter(word, str(sum(view.busy for view in living)), sight.list_of(Incarnation))


def _cluster(sight: Sight, view: ClusterView) -> dict[str, Any]:
    is_leaving = view.stop_requested_at is not None
    return {
        **_named(sight, view),
        "badge": display.badge(_("asked to stop") if is_leaving else state_of(view), "quiet" if is_leaving else "good"),
        "workers": _("%(busy)d of %(all)d busy") % {"busy": view.busy, "all": len(view.workers)},
        "memory": display.EMPTY if view.memory is None else f"{view.memory / 2**20:.0f} MiB",
        "span": display.span(age(view.started_at)),
        "replaced": str(view.reincarnations),
    }


def _gone(sight: Sight, view: ClusterView) -> dict[str, Any]:
    text, kind = (_("not heard of, possibly dead"), "bad") if view.ended_at is None else (ENDED, "quiet")
    end = view.ended_at or view.expires_at
    nothing = dict.fromkeys(("workers", "memory", "replaced"), display.EMPTY)
    span = display.span(max((end - view.started_at).total_seconds(), 0.0))
    return {**_named(sight, view), **nothing, "badge": display.badge(text, kind), "span": span}


def _named(sight: Sight, view: ClusterView) -> dict[str, Any]:
    name = _("%(name)s on %(host)s (%(pid)s)") % {"name": view.name, "host": view.host, "pid": view.pid}
    link = sight.link(Incarnation, view.id, name)
    return {"link": link, "queues": ", ".join(view.queues)}


# Numbers -------------------------------------------------------------------------------------------------------------


def _sum(counts: Iterable[int]) -> str:
    """Return a sum of counts that each have an end; with a plus if one of them was broken off."""
    listed = list(counts)
    return _plus(sum(min(count, backlog.MOST) for count in listed), any(count > backlog.MOST for count in listed))


def _plus(count: int, is_cut: bool) -> str:
    return f"{count}+" if is_cut else str(count)
