"""A real cluster for a test, in processes of its own, on the database of the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings as django_settings
from django.db import connections
from django.test.utils import override_settings

from django_q import conf
from django_q.conf import Settings
from django_q.exceptions import ClusterError, InvalidSettings, TransactionError
from django_q.kernel.queues import EVERY
from django_q.kernel.states import TaskState
from django_q.models import Incarnation, OrmQ
from django_q.tasks import why
from django_q.tasks.results import wait_for
from django_q.testing import carried

# A cluster of its own for one test: small, and quick to say that a function is missing and to end.
_USUAL = {"workers": 2, "grace": 5, "unknown_task_grace": 0}
_PATIENCE = 60.0  # seconds that a busy machine may need; a test waits for what it needs only
_LONGEST_LOG = 20_000  # characters


class RunningCluster:
    """A cluster that works on the database of the test."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, settings: Settings) -> None:
        self._process = process
        self._log = log
        self._settings = settings

    @property
    def pid(self) -> int:
        """Return the process id of the sentinel."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Return what the cluster has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def until_idle(self, within: float = _PATIENCE) -> None:
        """Wait until nothing that the cluster serves is ready or running; what is due later does not count.

        Raises :exc:`AssertionError` that names a task, why it waits and what the cluster logged.
        """
        if self._wait_for_idle(within):
            return
        row = self._busy().order_by("pk").first()
        about = "" if row is None else f" The task {row.name} ({row.func}): {why(row.pk)}."
        raise AssertionError(f"The cluster was not idle within {within:g} s.{about}{self._excerpt()}")

    def _wait_for_idle(self, within: float) -> bool:
        def look() -> bool | None:
            self._require_life()
            return None if self._busy().exists() else True

        return wait_for(look, within * 1000) is not None

    def _busy(self) -> Any:
        rows = OrmQ.objects.using(self._settings.orm).filter(state__in=(TaskState.READY, TaskState.CLAIMED))
        return rows if EVERY in self._settings.queues else rows.filter(queue__in=self._settings.queues)

    def _until_ready(self) -> None:
        clusters = Incarnation.objects.using(self._settings.orm)

        def look() -> bool | None:
            self._require_life()
            return clusters.living().filter(pid=self.pid).exists() or None

        if wait_for(look, _PATIENCE * 1000) is None:
            raise ClusterError(f"The cluster of the test was not ready within {_PATIENCE:g} s.{self._excerpt()}")

    def _require_life(self) -> None:
        code = self._process.poll()
        if code is not None:
            raise ClusterError(f"The cluster of the test has ended with the exit code {code}.{self._excerpt()}")

    def _stop(self) -> int:
        """Drain the cluster and return its exit code; kill it if it does not end."""
        self._process.terminate()
        try:
            return self._process.wait(self._settings.grace + self._settings.kill_after + _PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
            return -1

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _excerpt(self) -> str:
        return f" It logged:\n{self.log[-_LONGEST_LOG:]}"


@contextmanager
def run_cluster(**settings: Any) -> Iterator[RunningCluster]:
    """Start a cluster on the database of the test, and drain it when the block ends.

    It has the settings of the test run as they are now; the keywords replace keys of ``Q_CLUSTER``. It starts two
    workers unless they say otherwise. Its processes see what is committed only: use ``TransactionTestCase``.

    Raises :exc:`~django_q.exceptions.TransactionError` where a transaction is open,
    :exc:`~django_q.exceptions.InvalidSettings` for a database in memory or a setting that cannot be used, and
    :exc:`~django_q.exceptions.ClusterError` if the cluster does not start, or ends before the block does.
    """
    written = {**(getattr(django_settings, "Q_CLUSTER", None) or {}), **_USUAL, "sync": False, **settings}
    with override_settings(Q_CLUSTER=written):
        chosen = conf.current()
    _require_a_shared_database(chosen.orm)
    with TemporaryDirectory(prefix="django_q-test-") as name:
        cluster = _start(Path(name), written, chosen)
        try:
            cluster._until_ready()
            yield cluster
        except BaseException:
            cluster._stop()
            raise
        cluster._require_life()
        code = cluster._stop()
        if code:
            raise ClusterError(f"The cluster of the test ended with the exit code {code}.{cluster._excerpt()}")


def _start(folder: Path, q_cluster: dict[str, Any], chosen: Settings) -> RunningCluster:
    carried.write(folder / "settings", Q_CLUSTER=q_cluster)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "django_q.testing.child_settings",
        carried.VARIABLE: str(folder / "settings"),
        # What this process can import, a cluster has to find too.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path or os.getcwd() for path in sys.path)),
    }
    command = [sys.executable, "-m", "django_q.testing.child", str(os.getpid()), "qcluster"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the test run, which then stops the cluster
        )
    return RunningCluster(process, folder / "log", chosen)


def _require_a_shared_database(alias: str) -> None:
    connection = connections[alias]
    if connection.in_atomic_block:
        raise TransactionError(
            "A cluster cannot see what an open transaction has written, and the test has one open. Use "
            "TransactionTestCase; with pytest, the fixture q_cluster alone, which brings transactional_db with it."
        )
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and (":memory:" in name or "mode=memory" in name):
        raise InvalidSettings(
            f"A cluster cannot see a database in the memory of this process, and DATABASES[{alias!r}] is SQLite in "
            "memory while tests run. Let tests use a file, in the settings: "
            f"DATABASES[{alias!r}]['TEST'] = {{'NAME': BASE_DIR / 'test.sqlite3'}}"
        )
