"""The clusters, as they describe themselves with each sign of life, and the wish that they end."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from django_q import conf
from django_q.models import Incarnation
from django_q.models.dialects import dialect_for

_LATELY = 3600.0  # seconds
_MOST_LIVING = 500
_MOST_DEAD = 20


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker, and what it runs."""

    pid: int
    running: tuple[str, ...]  # functions
    given: int
    tasks: tuple[str, ...] = ()  # ids of what it runs, in the same order
    memory: int | None = None  # resident bytes; None where the system does not say


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A cluster, as it described itself with its last sign of life."""

    id: str
    name: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    state: str
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    stop_requested_at: datetime | None
    processes: dict[str, list[int]]  # by role
    workers: tuple[WorkerView, ...]
    held: int
    succeeded: int
    not_succeeded: int
    memory: int | None = None  # resident bytes of all its processes; pages that they share count in each
    lease: float = 0.0  # seconds that a heartbeat is believed
    recycled: int = 0  # workers that left by themselves, after so many tasks or so much memory
    replaced: Mapping[str, int] = field(default_factory=dict)  # children that died, by role
    backlog: int = 0  # tasks that it claimed and has not handed to a worker
    unrecorded: int = 0  # tasks that have ended and are not in the history yet
    memory_of: Mapping[str, int] = field(default_factory=dict)  # resident bytes by role; empty where nobody says
    host_available: int | None = None  # bytes that processes of its host could still get
    host_total: int | None = None
    cpu: float | None = None  # what all its processes use, in percent of one processor

    @property
    def busy(self) -> int:
        """Return how many workers run something."""
        return sum(bool(worker.running) for worker in self.workers)

    @property
    def reincarnations(self) -> int:
        """Return how many children were started in the place of one that left or died."""
        return self.recycled + sum(self.replaced.values())


def clusters(alias: str) -> tuple[tuple[ClusterView, ...], tuple[ClusterView, ...]]:
    """Return the clusters that live, and those that ended or fell silent within the last hour."""
    rows = Incarnation.objects.using(alias)
    living = list(rows.living().order_by("name", "started_at")[:_MOST_LIVING])
    lately = dialect_for(alias).later_expression(-_LATELY)
    ids = [row.pk for row in living]
    gone = rows.exclude(pk__in=ids).filter(Q(dead_at__gt=lately) | Q(dead_at=None)).order_by("-expires_at")[:_MOST_DEAD]
    return tuple(map(view_of, living)), tuple(map(view_of, gone))


def view_of(row: Incarnation) -> ClusterView:
    """Return what the row of a cluster says; a cluster of another version may say less, or in other words."""
    stats = _dict_of(row.stats)
    memory = _mapping(stats.get("memory"))
    replaced = {role: count for role, count in _mapping(stats.get("replaced")).items() if count}
    processes = {"sentinel": [row.pid], **_mapping(stats.get("processes"))}
    workers = tuple(_worker(each, memory) for each in stats.get("workers", ()))
    host = _mapping(stats.get("host_memory"))
    return ClusterView(
        id=row.pk,
        name=row.name,
        host=row.host,
        pid=row.pid,
        version=row.version,
        queues=tuple(json.loads(row.queues)),
        state=stats.get("state", "starting"),
        started_at=row.started_at,
        expires_at=row.expires_at,
        ended_at=row.dead_at,
        stop_requested_at=row.stop_requested_at,
        processes=processes,
        workers=workers,
        held=stats.get("held", 0),
        succeeded=stats.get("succeeded", 0),
        not_succeeded=stats.get("not_succeeded", 0),
        lease=_mapping(stats.get("about")).get("lease", conf.current().lease),
        memory=1024 * sum(memory.values()) if memory else None,
        recycled=replaced.pop("recycled", 0),
        replaced=replaced,
        backlog=stats.get("backlog", 0),
        unrecorded=stats.get("unrecorded", 0),
        memory_of=_by_role({**processes, "worker": [worker.pid for worker in workers]}, memory),
        host_available=_bytes(host.get("available")),
        host_total=_bytes(host.get("total")),
        cpu=stats.get("cpu"),
    )


def stop_clusters(ids: Iterable[str]) -> int:
    """Ask clusters to drain and end: they give back what has not started, finish what runs within their grace, and
    leave. Return how many were asked now; those that have ended or were asked before do not count."""
    return Incarnation.objects.using(conf.current().orm).filter(pk__in=list(ids)).request_stop()


def _worker(told: dict[str, Any], memory: Mapping[str, int]) -> WorkerView:
    return WorkerView(
        pid=told["pid"],
        running=tuple(told["running"]),
        given=told["given"],
        tasks=tuple(told.get("tasks", ())),
        memory=_bytes(memory.get(str(told["pid"]))),
    )


def _by_role(processes: Mapping[str, Iterable[int]], memory: Mapping[str, int]) -> dict[str, int]:
    """Return the resident bytes of the processes of each role, of those that could be asked."""
    known = {role: [memory[str(pid)] for pid in pids if str(pid) in memory] for role, pids in processes.items()}
    return {role: 1024 * sum(sizes) for role, sizes in known.items() if sizes}


def _bytes(kilobytes: int | None) -> int | None:
    return None if kilobytes is None else 1024 * kilobytes


def _dict_of(text: str) -> dict[str, Any]:
    return dict(_mapping(json.loads(text)))


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}
