"""What :mod:`conditions` measures on one database, in a process that has its settings."""

import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, connections, transaction

from django_q_tests.benchmarks.cluster import Cluster, wait_until_empty
from django_q_tests.benchmarks.work import count_up

_WORK = "django_q_tests.benchmarks.work"
_NOOP = f"{_WORK}.noop"
_PART = 5000  # rows that are enqueued together
_TIMES = 3  # drains, of which the median counts
_QUEUES = 50
_HISTORY = """
INSERT INTO django_q_history (
    id, name, func, {group}, cluster, queue, priority, enqueued_at, started, stopped, success, attempt_count, crashes,
    error, traceback, errors, options, worker, hook_error, args, kwargs, result)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
SELECT {id}, 'name-' || n, 'shop.tasks.function_' || n % 40, 'group-' || n % 1000, 'default',
    'default', 0, {now}, {now}, {now}, n % 10 > 0, 1, 0, '', '', '', '', 'host:1', '', {blob}, {blob}, {blob}
FROM numbers
"""
_DIFFERENCES: dict[str, dict[str, str]] = {
    "postgresql": {"group": '"group"', "id": "lpad(n::text, 32, '0')", "now": "now()", "blob": r"'\x51'::bytea"},
    "mysql": {"group": "`group`", "id": "LPAD(n, 32, '0')", "now": "UTC_TIMESTAMP(6)", "blob": "x'51'"},
    "sqlite": {"group": '"group"', "id": "printf('%032d', n)", "now": "'2026-01-01 00:00:00'", "blob": "x'51'"},
}


def main(folder: str, options: str) -> None:
    """Measure what is wanted, and print a line of JSON."""
    django.setup()
    call_command("migrate", verbosity=0)
    straining = Straining(Path(folder), json.loads(options))
    straining.measure()
    print(json.dumps({"figures": straining.figures, "remarks": straining.remarks}))


class Straining:
    """The figures of one database, each beside the same work without the strain."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        self.options = options
        self.tasks: int = options["tasks"]
        self.figures: dict[str, Any] = {}
        self.remarks: dict[str, Any] = {}
        self.running: list[Cluster] = []

    def measure(self) -> None:
        """Measure one after the other; the empty queue before and after what leaves nothing behind."""
        empty = [self._drained()]  # and again at the end: machines change their minds
        steps: dict[str, Callable[[], Any]] = {
            "queues": self._many_queues,
            "deferred": self._beside_deferred,
            "waiting": self._long_queue,
            "clusters": lambda: self._drained(clusters=2),
            "workers": self._by_workers,
            "busy": self._busy,
            "coroutines": self._coroutines,
            "snapshot": self._beside_a_snapshot,
        }
        for name, step in steps.items():
            if name in self.options["only"] and (figure := step()) is not None:
                self.figures[name] = figure
        empty.append(self._drained())
        self.figures["empty"] = statistics.fmean(empty)
        if "history" in self.options["only"]:
            self.figures["history"] = self._beside_history()

    # The strains ------------------------------------------------------------------------------------------------------

    def _many_queues(self) -> float:
        names = [f"queue-{number}" for number in range(_QUEUES)]
        return self._drained(queues=names, Q_CLUSTER={"queues": names})

    def _beside_deferred(self) -> float:
        from django_q.models import OrmQ

        enqueue(self.options["waiting"] // 2, run_after=timedelta(days=1))
        self._tidy()
        rate = self._drained()
        OrmQ.objects.all().discard()
        self._tidy()
        return rate

    def _long_queue(self) -> float:
        return self._drained(self.options["waiting"])

    def _beside_history(self) -> float:
        with connection.cursor() as cursor:
            if connection.vendor == "mysql":
                cursor.execute("SET SESSION max_recursive_iterations = 100000000")
                cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')")
            cursor.execute(_HISTORY.format(rows=self.options["history"], **_DIFFERENCES[connection.vendor]))
        self._tidy()
        return self._drained()

    def _beside_a_snapshot(self) -> float | None:
        """A thousand tasks a second beside a transaction that sees them all: none of their rows can be vacuumed."""
        if connection.vendor != "postgresql":
            return None
        with closing(connections["default"].copy()) as other, self._cluster():
            with other.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT count(*) FROM django_q_queue")
            waits = self._paced(self.options["open"])
            with connection.cursor() as cursor:
                cursor.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'django_q_queue'")
                [dead] = cursor.fetchone()
            rate = statistics.median(self._timed(self.tasks) for _ in range(_TIMES))
        fifth = max(1, len(waits) // 5)
        first, last = statistics.median(waits[:fifth]), statistics.median(waits[-fifth:])
        self.remarks["beside the open transaction"] = (
            f"{dead:,} dead rows; median from enqueueing to the start {first:.1f} ms at first, {last:.1f} ms at last"
        )
        return rate

    def _by_workers(self) -> dict[str, float]:
        bare = statistics.fmean(timed(lambda: time.sleep(0.010)) for _ in range(50))
        found = {}
        for workers in (1, 2, 4, 8):
            count = 200 * workers
            elapsed = self._spanned("rest", 0.010, count=count, workers=workers)
            found[str(workers)] = bare * count / workers / elapsed
        return found

    def _busy(self) -> float:
        steps = round(0.005 / timed(lambda: count_up(1_000_000)) * 1_000_000)
        count = 400
        bare = timed(lambda: in_two_processes(steps, count // 2))
        return bare / self._spanned("count_up", steps, count=count, workers=2)

    def _coroutines(self) -> float:
        """Seconds from the commit to the end of the last, in a cluster that has run one before."""
        with self._cluster(2):
            enqueue(1, func=f"{_WORK}.arest", args=(0.001,))
            self._wait()
            return timed(lambda: (enqueue(1000, func=f"{_WORK}.arest", args=(0.100,)), self._wait()))

    # The work ---------------------------------------------------------------------------------------------------------

    def _drained(
        self,
        tasks: int | None = None,
        *,
        clusters: int = 1,
        queues: list[str] | None = None,
        Q_CLUSTER: dict[str, Any] | None = None,  # noqa: N803 - as the setting is called
    ) -> float:
        """Return the tasks per second of a cluster that was idle, from the commit to the empty queue."""
        with self._cluster(2, clusters=clusters, Q_CLUSTER=Q_CLUSTER):
            enqueue(100, queues=queues)
            self._wait(queues)
            if tasks is not None:
                return self._timed(tasks, queues)
            return statistics.median(self._timed(self.tasks, queues) for _ in range(_TIMES))

    def _timed(self, tasks: int, queues: list[str] | None = None) -> float:
        began = enqueue(tasks, queues=queues)
        self._wait(queues)
        return tasks / (time.monotonic() - began)

    def _spanned(self, name: str, argument: float, *, count: int, workers: int) -> float:
        """Return the seconds from the first start to the last end of so many calls."""
        from django.db.models import Max, Min

        from django_q.models import Task

        with self._cluster(workers):
            enqueue(4 * workers, func=f"{_WORK}.{name}", args=(argument,))
            self._wait()
            moment = Task.objects.latest("stopped").stopped
            enqueue(count, func=f"{_WORK}.{name}", args=(argument,))
            self._wait()
        ends = Task.objects.filter(started__gt=moment).aggregate(first=Min("started"), last=Max("stopped"))
        span: timedelta = ends["last"] - ends["first"]
        return span.total_seconds()

    def _paced(self, seconds: float) -> list[float]:
        """Enqueue a thousand tasks a second; return the milliseconds that one of each hundred waited for its start."""
        path = self.folder / "waits"
        path.unlink(missing_ok=True)
        began = time.monotonic()
        for number in range(int(seconds * 10)):
            time.sleep(max(0.0, began + number / 10 - time.monotonic()))
            enqueue(1, func=f"{_WORK}.stamp", args=(str(path), time.monotonic_ns()))
            enqueue(99)
        self._wait()
        return [int(line) / 1e6 for line in path.read_text().splitlines()]

    @contextmanager
    def _cluster(
        self,
        workers: int = 2,
        *,
        clusters: int = 1,
        Q_CLUSTER: dict[str, Any] | None = None,  # noqa: N803
    ) -> Iterator[None]:
        os.environ["DJANGO_Q_BENCHMARK_CLUSTER"] = json.dumps(Q_CLUSTER or {})
        self.running = [Cluster(workers=workers, log=self.folder / f"qcluster-{n}.log") for n in range(clusters)]
        try:
            yield
            for each in self.running:
                each.stop()
        finally:
            for each in self.running:
                each.kill()

    def _wait(self, queues: list[str] | None = None) -> None:
        wait_until_empty(self.running, queues or ["default"])

    def _tidy(self) -> None:
        """Do what autovacuum would have done by the time that a queue has grown so long."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")


def enqueue(
    count: int,
    *,
    func: str = _NOOP,
    args: tuple[Any, ...] | None = None,
    queues: list[str] | None = None,
    **given: Any,
) -> float:
    """Enqueue so many calls in one transaction, and return the moment of its commit."""
    from django_q import conf
    from django_q.tasks.enqueue import prepare, submit

    settings = conf.current()
    with transaction.atomic():
        for start in range(0, count, _PART):
            drafts = []
            for number in range(start, min(start + _PART, count)):
                chosen = given | ({"cluster": queues[number % len(queues)]} if queues else {})
                drafts.append(prepare(func, args or (number, 2), {}, chosen, settings))
            submit(drafts, settings)
    return time.monotonic()


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def in_two_processes(steps: int, count: int) -> None:
    """Do the work of so many tasks in each of two processes, with nothing around it."""
    processes = [multiprocessing.Process(target=_repeat, args=(steps, count)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _repeat(steps: int, count: int) -> None:
    for _ in range(count):
        count_up(steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
