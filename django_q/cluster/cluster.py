"""The handle of a cluster: run it in this process, or start and stop it as a child."""

import gc
import multiprocessing
import os
import signal
import sys
from multiprocessing.process import BaseProcess

from django.db import connections

from django_q import conf
from django_q.cluster import logs
from django_q.cluster.sentinel import Orders, Sentinel
from django_q.conf import Conf
from django_q.exceptions import ClusterError


class Cluster:
    """One cluster as the settings describe it.

    :meth:`run` is what ``manage.py qcluster`` does; :meth:`start` does it in a child process, for embedding.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        until_empty: bool = False,
        log_level: str | None = None,
        json_logs: bool = False,
    ) -> None:
        self.settings = conf.current()
        self.workers = workers or self.settings.workers
        self.until_empty = until_empty
        self.log_level = log_level or self.settings.log_level
        self.json_logs = json_logs
        self._process: BaseProcess | None = None

    def run(self) -> int:
        """Run until stopped by a signal, or until the queue is empty if asked to; return the exit code."""
        require_a_system_that_can_run_clusters()
        logs.configure(self.log_level, as_json=self.json_logs)
        connections.close_all()  # no child may inherit an open connection
        gc.collect()
        gc.freeze()  # memory that no collection touches stays shared with forked children
        context = multiprocessing.get_context(self.settings.start_method)
        if self.settings.start_method == "forkserver":
            context.set_forkserver_preload(["django_q.cluster.preload"])
        orders = _orders(self.settings, workers=self.workers, until_empty=self.until_empty)
        return Sentinel(orders, context, log_level=self.log_level, json_logs=self.json_logs).run()

    def start(self) -> int:
        """Start the cluster in a child process and return its process id. Starting twice changes nothing."""
        if self._process is None or self._process.exitcode is not None:
            context = multiprocessing.get_context(self.settings.start_method)
            self._process = context.Process(target=self._run_and_exit, name="sentinel")  # type: ignore[attr-defined]
            self._process.start()
        return self._process.pid or 0

    def stop(self, timeout: float | None = None) -> bool:
        """Drain the cluster and wait for its end, by default as long as its grace allows; True if it was running.

        Stopping twice, or before the start, is harmless.
        """
        process = self._process
        if process is None or process.exitcode is not None:
            return False
        os.kill(process.pid or 0, signal.SIGTERM)
        process.join(timeout if timeout is not None else self.settings.grace + self.settings.kill_after + 20)
        if process.exitcode is None:
            process.kill()
            process.join()
        return True

    @property
    def is_running(self) -> bool:
        """Does the child process live?"""
        return self._process is not None and self._process.exitcode is None

    def _run_and_exit(self) -> None:
        sys.exit(self.run())


def require_a_system_that_can_run_clusters() -> None:
    """Raise :exc:`~django_q.exceptions.ClusterError` where processes cannot be supervised this way."""
    if not hasattr(os, "killpg") or not hasattr(signal, "SIGKILL"):
        raise ClusterError(
            "Clusters run on Linux and macOS. This system can enqueue tasks, read results and run them with sync=True."
        )


def _orders(settings: Conf, *, workers: int, until_empty: bool) -> Orders:
    return Orders(
        name=settings.name,
        workers=workers,
        pushers=settings.pushers,
        concurrency=settings.concurrency,
        cpu_affinity=settings.cpu_affinity,
        grace=settings.grace,
        kill_after=settings.kill_after,
        heartbeat=settings.heartbeat,
        lease=settings.lease,
        strict_lease=settings.strict_lease,
        until_empty=until_empty,
        worker_options={"recycle": settings.recycle, "max_rss": settings.max_rss},
    )
