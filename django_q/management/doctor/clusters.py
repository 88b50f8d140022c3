"""The clusters that live: whom they serve, and whether they and this process are of one mind."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connections

import django_q
from django_q import conf
from django_q.kernel import clock
from django_q.kernel.queues import named, serves
from django_q.management.doctor.finding import Finding, error, warning, well
from django_q.models import Incarnation
from django_q.tasks.overview import Overview
from django_q.tasks.waiting import nobody_serves

_APART = 2.0  # seconds; what a heartbeat may be on its way
_SHOWN = 3


def findings(seen: Overview) -> Iterator[Finding]:
    """Yield who serves what, and in what the clusters differ from this process."""
    yield from _served(seen)
    yield from _versions(seen)
    rows = list(Incarnation.objects.using(seen.database).living().order_by("name", "started_at"))
    told = [(row, about) for row in rows if (about := json.loads(row.stats).get("about"))]
    if told:
        yield from _keys(told)
        yield from _clocks(told, connections[seen.database].vendor)
        yield from _debug(told, connections[seen.database].vendor)


def _served(seen: Overview) -> Iterator[Finding]:
    current = conf.current()
    own = named({current.name, *current.queues})
    served = {queue for cluster in seen.living for queue in cluster.queues}
    waiting = {queue.name: queue.ready + queue.deferred + queue.waiting + queue.claimed for queue in seen.queues}
    with_work = {queue for queue, count in waiting.items() if count}
    for queue in _without(served, with_work | own):
        what, _, fix = nobody_serves(queue, served).partition("; ")
        tasks = f", in which {waiting[queue]} wait" if queue in with_work else ""
        yield error("clusters", f"{what}{tasks}", fix)
    for queue in _without(served, _alternatives() - with_work - own):
        what, _, fix = nobody_serves(queue, served).partition("; ")
        yield warning("clusters", f"{what}, which ALT_CLUSTERS names", fix)
    for cluster in seen.living:
        who = f"{cluster.name} on {cluster.host}, pid {cluster.pid},"
        yield well("clusters", f"{who} is {cluster.state} and serves {', '.join(cluster.queues)}")


def _without(served: set[str], queues: set[str]) -> list[str]:
    """Return the queues that nobody serves."""
    return sorted(queue for queue in queues if not serves(served, queue))


def _alternatives() -> set[str]:
    written: dict[str, Any] = (getattr(settings, "Q_CLUSTER", None) or {}).get("ALT_CLUSTERS") or {}
    return {str(variant.get("name", name)) for name, variant in written.items()}


def _versions(seen: Overview) -> Iterator[Finding]:
    for cluster in seen.living:
        if cluster.version != django_q.__version__:
            what = f"{cluster.name} on {cluster.host} runs django_q {cluster.version}"
            fix = "restart what is older with the same version"
            yield warning("version", f"{what}, and this process {django_q.__version__}", fix)


def _keys(told: list[tuple[Incarnation, dict[str, Any]]]) -> Iterator[Finding]:
    """Compare fingerprints: tasks are signed here and read there, results the other way round."""
    ours = conf.current().codec().fingerprints()
    fine = True
    for row, about in told:
        theirs = about["keys"]
        unread = [
            what
            for what, is_read in (
                ("it cannot run what is enqueued here", ours[0] in theirs),
                ("its results cannot be read here", theirs[0] in ours),
            )
            if not is_read
        ]
        if unread:
            fine = False
            seen = f"{row} has another SECRET_KEY than this process: {', and '.join(unread)}"
            fix = "give both the same SECRET_KEY, or each the other's in SECRET_KEY_FALLBACKS, and restart the cluster"
            yield error("key", seen, fix)
    if fine:
        yield well("key", "this process and the clusters can read what the other signs")


def _clocks(told: list[tuple[Incarnation, dict[str, Any]]], vendor: str) -> Iterator[Finding]:
    """Compare the clocks of the clusters' hosts with the database's, by which their leases are written."""
    if vendor == "sqlite":  # its clock is the host's
        return
    for row, about in told:
        apart = about["clock"] - (_epoch(row.expires_at) - about["lease"])
        if abs(apart) > _APART:
            which = "ahead of" if apart > 0 else "behind"
            seen = f"the clock of {row.host} is {abs(apart):.1f} s {which} the database's"
            yield warning("clock", seen, "let NTP set it: tasks start and stop by it")


def _epoch(moment: Any) -> float:
    aware = moment if moment.tzinfo else moment.astimezone()
    return float((aware - clock.from_epoch(0)).total_seconds())


def _debug(told: list[tuple[Incarnation, dict[str, Any]]], vendor: str) -> Iterator[Finding]:
    names = [str(row) for row, about in told if about["debug"]]
    if not names:
        return
    which = ", ".join(names[:_SHOWN]) + (" and more" if len(names) > _SHOWN else "")
    if settings.DEBUG and vendor == "sqlite":
        yield well("debug", f"DEBUG is on in {which}: good for a desk, not for a server")
    else:
        seen = f"DEBUG is on in {which}: Django keeps thousands of its queries, and processes grow"
        yield warning("debug", seen, "set DEBUG = False and restart the cluster")
