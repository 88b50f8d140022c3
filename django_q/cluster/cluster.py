"""The handle of a cluster: run it in this process, or start and stop it as a child."""

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable
from multiprocessing.process import BaseProcess

from django.db import Error, connections

from django_q import conf
from django_q.brokers import Broker
from django_q.cluster import identity, logs
from django_q.cluster.launch import preload
from django_q.cluster.sentinel import Orders, Sentinel
from django_q.conf import Conf
from django_q.exceptions import ClusterError, ClusterNotStarted, TransactionError
from django_q.kernel import clock
from django_q.kernel.queues import serves
from django_q.status import Stat

_START = 30.0  # seconds that a start may take before nobody waits for it any more
_LOOK = 0.02


class Cluster:
    """One cluster as the settings describe it.

    :meth:`run` is what ``manage.py qcluster`` does; :meth:`start` does it in a child process, for embedding.
    """

    def __init__(
        self,
        broker: Broker | None = None,
        *,
        workers: int | None = None,
        until_empty: bool = False,
        duration: float = 0.0,
        patient_signals: Iterable[int] = (),
        log_level: str | None = None,
        json_logs: bool = False,
    ) -> None:
        self.settings = conf.current()
        if broker is not None and not serves(self.settings.queues, broker.list_key):
            raise ClusterError(
                f"This cluster serves {', '.join(map(repr, self.settings.queues))}, not {broker.list_key!r}, the queue "
                f"of the broker. Add it to Q_CLUSTER['queues'], or set Q_CLUSTER_NAME={broker.list_key} in the "
                "environment of this process."
            )
        self.workers = workers or self.settings.workers
        self.until_empty = until_empty
        self.duration = duration
        self.patient_signals = tuple(patient_signals)
        self.log_level = log_level or self.settings.log_level
        self.json_logs = json_logs
        self._process: BaseProcess | None = None

    def run(self) -> int:
        """Run until stopped by a signal, or until the queue is empty if asked to; return the exit code."""
        require_a_system_that_can_run_clusters()
        logs.configure(self.log_level, as_json=self.json_logs)
        connections.close_all()  # no child may inherit an open connection
        context = multiprocessing.get_context(self.settings.start_method)
        if self.settings.start_method == "fork":
            preload()
            gc.collect()
            gc.freeze()  # memory that no collection touches stays shared with forked children
        elif self.settings.start_method == "forkserver":
            context.set_forkserver_preload(["django_q.cluster.preload"])
        return Sentinel(self._orders(), context, log_level=self.log_level, json_logs=self.json_logs).run()

    def start(self, *, wait: bool = True) -> int:
        """Start the cluster in a child process, wait until it is there if asked to, and return its process id.

        Starting twice changes nothing. Raises :exc:`~django_q.exceptions.ClusterNotStarted` if it ends with an error
        before, and :exc:`~django_q.exceptions.TransactionError` inside a transaction, of which the child could see
        nothing.
        """
        if self._process is None or self._process.exitcode is not None:
            context = multiprocessing.get_context(self.settings.start_method)
            process = context.Process(target=self._run_and_exit, name="sentinel")  # type: ignore[attr-defined]
            _close_connections()
            self._process = None  # the one before cannot be handed to a child that starts with an empty interpreter
            process.start()
            self._process = process
            if wait:
                self._see_it_start(process)
        return self.pid or 0

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
    def name(self) -> str:
        """Return the name of the cluster."""
        return self.settings.name

    @property
    def host(self) -> str:
        """Return the name of this host."""
        return identity.HOST

    @property
    def pid(self) -> int | None:
        """Return the process id of the child, None before the start."""
        return None if self._process is None else self._process.pid

    @property
    def stat(self) -> Stat:
        """Return how the child stands, from the database; ``Stopped`` if it is not there."""
        return Stat.of_process(self.pid or 0)

    @property
    def cluster_id(self) -> str:
        """Return the id under which the child claims tasks, empty while it is not there."""
        return self.stat.cluster_id

    @property
    def is_starting(self) -> bool:
        """Does the child live, and the database not know of it yet?"""
        return self.is_running and self.stat.status in (Conf.STOPPED, Conf.STARTING)

    @property
    def is_running(self) -> bool:
        """Does the child process live?"""
        return self._process is not None and self._process.exitcode is None

    @property
    def is_stopping(self) -> bool:
        """Does the child finish what runs, to end then?"""
        return self.is_running and self.stat.status == Conf.STOPPING

    @property
    def has_stopped(self) -> bool:
        """Has the child been there, and ended?"""
        return self._process is not None and not self.is_running

    def _see_it_start(self, process: BaseProcess) -> None:
        until = clock.monotonic() + _START
        try:
            while process.exitcode is None and self.is_starting and clock.monotonic() < until:
                process.join(_LOOK)
        except Error as error:
            self.stop()
            raise ClusterNotStarted(f"The cluster cannot be seen to start, and was stopped: {error}") from error
        if process.exitcode:
            raise ClusterNotStarted(
                f"The cluster ended with exit code {process.exitcode} before it had started; its log says why."
            )

    def _run_and_exit(self) -> None:
        sys.exit(self.run())

    def _orders(self) -> Orders:
        settings = self.settings
        return Orders(
            name=settings.name,
            workers=self.workers,
            pushers=settings.pushers,
            concurrency=settings.concurrency,
            cpu_affinity=settings.cpu_affinity,
            grace=settings.grace,
            kill_after=settings.kill_after,
            heartbeat=settings.heartbeat,
            lease=settings.lease,
            strict_lease=settings.strict_lease,
            until_empty=self.until_empty,
            duration=self.duration,
            patient_signals=self.patient_signals,
            worker_options={"recycle": settings.recycle, "max_rss": settings.max_rss},
        )


def _close_connections() -> None:
    """Close what a forked child would inherit, and close for both."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise TransactionError(
                f"A transaction is open on the database {connection.alias!r}. Start the cluster before or after it."
            )
        connection.close()


def require_a_system_that_can_run_clusters() -> None:
    """Raise :exc:`~django_q.exceptions.ClusterError` where processes cannot be supervised this way."""
    if not hasattr(os, "killpg") or not hasattr(signal, "SIGKILL"):
        raise ClusterError(
            "Clusters run on Linux and macOS. This system can enqueue tasks, read results and run them with sync=True."
        )
