"""A cluster that lives as long as one task: it serves a queue of its own, so that it touches nobody else's work."""

import os
from typing import Any

from django_q import conf
from django_q.cluster.cluster import Cluster, require_a_system_that_can_run_clusters
from django_q.kernel import clock, ids
from django_q.kernel.states import TaskState
from django_q.models import OrmQ

_NAME = "Q_CLUSTER_NAME"
_PAUSE = 0.02  # seconds between two looks at what is left


class OwnCluster:
    """While the context is entered, this process and what it starts enqueue into the cluster's own queue."""

    def __init__(self) -> None:
        require_a_system_that_can_run_clusters()
        self.queue = f"qrun-{ids.new_id()[-12:]}"
        self._usual = conf.current().name
        self._before = os.environ.get(_NAME)
        self._cluster: Cluster | None = None

    def __enter__(self) -> "OwnCluster":
        self._set_name(self.queue)
        return self

    def __exit__(self, *args: Any) -> None:
        if self._cluster is not None:
            self._cluster.stop()
        self._set_name(self._before)
        self._rows().leave_to(self._usual)

    def start(self) -> None:
        """Start it, with one worker, silently: who watches the task says how it ended."""
        self._cluster = Cluster(workers=1, log_level="CRITICAL")
        self._cluster.start(wait=False)

    @property
    def is_running(self) -> bool:
        """Does it live?"""
        return self._cluster is not None and self._cluster.is_running

    def finish(self) -> int:
        """Wait for hooks, and for tasks that the task enqueued; return how many are left because they are due later."""
        while self.is_running and self._rows().filter(state__in=(TaskState.READY, TaskState.CLAIMED)).exists():
            clock.sleep(_PAUSE)
        return self._rows().count()

    def _rows(self) -> Any:
        return OrmQ.objects.using(conf.current().orm).filter(queue=self.queue)

    def _set_name(self, name: str | None) -> None:
        """Children that start with an empty interpreter read it from the environment, too."""
        if name is None:
            os.environ.pop(_NAME, None)
        else:
            os.environ[_NAME] = name
        conf.reset()
