"""How clusters stand, under the names of Django Q."""

import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django_q import conf
from django_q.brokers import Broker
from django_q.kernel import clock
from django_q.kernel.queues import serves
from django_q.tasks.clusters import ClusterView, clusters
from django_q.tasks.overview import age

__all__ = ["Stat"]

_STOPPED = "Stopped"


@dataclass(frozen=True, slots=True)
class Stat:
    """What a cluster said of itself with its last sign of life."""

    cluster_id: str
    pid: int
    host: str = field(default_factory=socket.gethostname)
    tob: datetime = field(default_factory=clock.now)  # time of birth
    status: str = _STOPPED  # Starting, Working, Idle, Stopping or Stopped
    workers: tuple[int, ...] = ()  # process ids
    sentinel: int | None = None
    monitor: int | None = None
    pusher: int | None = None
    task_q_size: int = 0  # tasks that it has claimed and not finished
    done_q_size: int = 0  # those of them that have run and are not recorded yet
    reincarnations: int = 0
    timestamp: datetime = field(default_factory=clock.now)  # of that sign of life

    @staticmethod
    def get(pid: int, cluster_id: str, broker: Broker | None = None) -> "Stat":
        """Return how a cluster stands, by its id and the process id of its sentinel; ``Stopped`` if none lives."""
        found = (each for each in Stat.get_all(broker) if each.cluster_id == cluster_id and each.pid == pid)
        return next(found, Stat(cluster_id=cluster_id, pid=pid))

    @staticmethod
    def get_all(broker: Broker | None = None) -> list["Stat"]:
        """Return how the clusters stand that live, those of a broker's queue if one is given."""
        living = clusters(conf.current().orm)[0]
        return [stat_of(each) for each in living if broker is None or serves(each.queues, broker.list_key)]

    @staticmethod
    def of_process(pid: int) -> "Stat":
        """Return how the cluster stands whose sentinel is this process of this host; ``Stopped`` if none lives."""
        host = socket.gethostname()
        return next((each for each in Stat.get_all() if each.pid == pid and each.host == host), Stat("", pid))

    def uptime(self) -> float:
        """Return the seconds since the cluster started."""
        return age(self.tob)

    def empty_queues(self) -> bool:
        """Has it finished all that it claimed?"""
        return not self.task_q_size and not self.done_q_size


def stat_of(seen: ClusterView) -> Stat:
    """Return what is known of a cluster in Django Q's words."""
    return Stat(
        cluster_id=seen.id,
        pid=seen.pid,
        host=seen.host,
        tob=seen.started_at,
        status=seen.state.capitalize(),
        workers=tuple(worker.pid for worker in seen.workers),
        sentinel=seen.pid,
        monitor=_first(seen, "monitor"),
        pusher=_first(seen, "pusher"),
        task_q_size=seen.held,
        done_q_size=seen.unrecorded or 0,
        reincarnations=seen.reincarnations,
        timestamp=seen.expires_at - timedelta(seconds=seen.lease),
    )


def _first(seen: ClusterView, role: str) -> int | None:
    return next(iter(seen.processes.get(role, ())), None)
