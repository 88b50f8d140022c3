"""Real clusters in processes of their own, what can be done to them, and what must be true afterwards."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, transaction

from django_q.brokers import current_broker
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import OrmQ, Task
from django_q.tasks import async_task
from django_q_tests.support import factories
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT, OwnDatabase

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

PATIENCE = 30.0  # seconds; what a busy machine may need, never what a test waits for

# A cluster that notices things soon, so that tests of what it notices are short.
ALERT = {"heartbeat": 0.3, "lease": 2.5, "poll": 0.2}


@dataclass(frozen=True, slots=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    parent: int
    group: int
    session: int
    state: str
    title: str

    @property
    def is_zombie(self) -> bool:
        return self.state == "Z"

    @property
    def role(self) -> str:
        words = self.title.split()
        return words[2] if len(words) > 2 and words[0] == "qcluster" else ""

    def is_a(self, role: str) -> bool:
        # A worker leads a group; what its tasks fork bears the same title and does not.
        return self.role == role and (role != "worker" or self.group == self.pid)


def process(pid: int) -> Process | None:
    """Look at a process; None if there is none."""
    fields = stat(pid)
    return _process(pid, fields) if fields else None


def processes_of(session: int) -> list[Process]:
    """Look at the processes of a session, those that ended and nobody asked for left out."""
    stats = {int(name): stat(int(name)) for name in os.listdir("/proc") if name.isdecimal()}
    ours = [_process(pid, fields) for pid, fields in stats.items() if fields and int(fields[3]) == session]
    return [one for one in ours if one is not None and not one.is_zombie]


def stat(pid: int) -> list[str]:
    """Return what Linux tells of a process from its state on; nothing if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def _process(pid: int, fields: list[str]) -> Process | None:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[0], title)


def runs(pid: int) -> bool:
    """Is there such a process, and is it more than an exit code nobody has asked for?"""
    found = process(pid)
    return found is not None and not found.is_zombie


def waits_in_pipe(pid: int) -> bool:
    """Is a process held up in the middle of a write to a pipe?"""
    return "pipe_write" in Path(f"/proc/{pid}/wchan").read_text()


def waits_for_an_answer(pid: int) -> bool:
    """Is a process held up in reading from a pipe into which nobody has written?"""
    return "pipe_read" in Path(f"/proc/{pid}/wchan").read_text()


def times_rested(pid: int) -> int:
    """Return how often a process has waited for something."""
    found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def die_with_the_test() -> None:
    """Ask Linux to end this process with the one that started it: a test run that is killed leaves nothing behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class ClusterProcess:
    """``qcluster`` in a session of its own, so that all it starts can be found, whoever their parents are."""

    def __init__(
        self, database: OwnDatabase, log: Path, *, options: Iterable[str] = (), env: dict[str, str], **cluster: Any
    ) -> None:
        self.log = log
        self.workers_wanted = cluster.get("workers", 2)
        command = [*self.program(), *options]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=database.env_with(**cluster) | env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_the_test,
            )

    def program(self) -> Sequence[str]:
        """Return what starts it."""
        return [sys.executable, "-m", "django", "qcluster"]

    @property
    def pid(self) -> int:
        """The sentinel's process id."""
        return self.process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    # Who is there ----------------------------------------------------------------------------------------------------

    def family(self) -> list[Process]:
        """Return all processes of this cluster, those that its tasks started included."""
        return processes_of(self.pid)

    def pids(self, role: str) -> list[int]:
        """Return the processes of a role: sentinel, pusher, worker, monitor or keeper."""
        return [one.pid for one in self.family() if one.is_a(role)]

    def until_there(self, role: str) -> list[int]:
        return eventually(lambda: self.pids(role), within=PATIENCE, saying=lambda: self.output)

    def is_complete(self) -> bool:
        family = self.family()
        workers = sum(one.is_a("worker") for one in family)
        roles = {one.role for one in family}
        return workers == self.workers_wanted and roles >= {"pusher", "monitor", "keeper"}

    def until_complete(self) -> "ClusterProcess":
        eventually(self.is_complete, within=PATIENCE, saying=lambda: self.output)
        return self

    def says(self, text: str) -> bool:
        return text in self.output

    # What is done to it ----------------------------------------------------------------------------------------------

    def kill(self, role: str, choice: Callable[[list[int]], int] = min) -> int:
        """Kill one process of a role and return its id."""
        pids = [self.pid] if role == "sentinel" else self.until_there(role)
        pid = choice(pids)
        send(pid, signal.SIGKILL)
        return pid

    def kill_everything(self) -> None:
        while family := self.family():
            for one in family:
                send(one.pid, signal.SIGKILL)
            self.process.poll()
            time.sleep(0.01)
        self.process.wait()

    def term(self, number: int = signal.SIGTERM) -> None:
        os.kill(self.pid, number)

    def stop(self) -> int:
        """End it in order and return its exit code."""
        if self.process.poll() is None:
            self.term()
        return self.exit_code()

    def exit_code(self, within: float = PATIENCE + 15) -> int:
        """Wait for its end."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"it has not ended within {within} s: {self.family()}\n{self.output}") from error

    def until_gone(self, within: float) -> None:
        """Wait until nothing of it is left, its tasks' processes included."""
        eventually(lambda: self.process.poll() is not None, within=within, saying=lambda: self.output)
        eventually(lambda: not self.family(), within=within, saying=self.family)


class QRunner(ClusterProcess):
    """``qrunner``: a parent and the runner."""

    def program(self) -> Sequence[str]:
        return [sys.executable, "-m", "django", "qrunner"]


Kind = TypeVar("Kind", bound=ClusterProcess)


class Drill:
    """The clusters and tasks of one test, and the invariants at its end."""

    def __init__(self, database: OwnDatabase, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.clusters: list[ClusterProcess] = []
        self.ids: list[str] = []
        # What a test expects otherwise.
        self.left: set[str] = set()  # tasks that are to stand in the queue at the end
        self.stays_in_service = True  # clusters that still run at the end are to stop with exit code 0

    # Arrange ---------------------------------------------------------------------------------------------------------

    def start(
        self,
        kind: type[Kind] = ClusterProcess,
        *,
        complete: bool = True,
        options: Iterable[str] = (),
        env: dict[str, str] | None = None,
        **cluster: Any,
    ) -> Kind:
        """Start a cluster of two workers, by default patient with nobody."""
        settings = {"workers": 2, "grace": 5, "kill_after": 0.5, "poll": 0.2, **cluster}
        environment = {"DJANGO_Q_TEST_MARKERS": str(self.folder), **(env or {})}
        log = self.folder / f"cluster-{len(self.clusters)}.log"
        one = kind(self.database, log, options=options, env=environment, **settings)
        self.clusters.append(one)
        if complete:
            one.until_complete()
        return one

    def start_sabotaged(self, broker: str, **cluster: Any) -> ClusterProcess:
        """Start a cluster whose broker has an accident; see support/mishaps.py."""
        return self.start(complete=False, broker_class=path_of(f"mishaps.{broker}"), **cluster)

    def enqueue(self, func: str, *args: Any, **options: Any) -> str:
        """Enqueue a function of support/jobs.py, or of support/mishaps.py if the name says so."""
        self.ids.append(async_task(path_of(func), *args, **options))
        return self.ids[-1]

    def enqueue_many(self, calls: list[tuple[Any, ...]], func: str = "touch") -> list[str]:
        with transaction.atomic():
            ids = factories.put_many(calls, func=path_of(func))
        current_broker().announce(["default"])
        self.ids += ids
        return ids

    def touches(self, count: int) -> list[str]:
        """Enqueue so many tasks that each append their number to one file."""
        return self.enqueue_many([(self.file(), str(number)) for number in range(count)])

    def hold(self) -> str:
        """Enqueue a task that works until the gate is opened, and return its id when it runs."""
        before = len(self.lines("held"))
        task = self.enqueue("mishaps.work_until", self.file("held"), self.file("gate"))
        self.until(lambda: len(self.lines("held")) > before)
        return task

    def open_gate(self) -> None:
        (self.folder / "gate").touch()

    def file(self, name: str = "lines") -> str:
        return str(self.folder / name)

    def lines(self, name: str = "lines") -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    # Watch -----------------------------------------------------------------------------------------------------------

    def until(self, predicate: Callable[[], Any], within: float = PATIENCE) -> Any:
        return eventually(predicate, within=within, saying=self.state)

    def until_line(self, line: str = "started", name: str = "lines", times: int = 1, within: float = PATIENCE) -> None:
        self.until(lambda: self.lines(name).count(line) >= times, within=within)

    def pid_in(self, name: str = "lines", number: int = 0) -> int:
        """Return the process id that a task left in a file, the first or a later one."""
        found = self.until(lambda: [line for line in self.lines(name) if line.isdecimal()][number : number + 1])
        return int(found[0])

    def until_ended(self, *ids: str, within: float = PATIENCE) -> Task:
        """Wait for the ends of tasks and return the first."""
        self.until(lambda: Task.objects.filter(pk__in=ids).count() == len(ids), within=within)
        return Task.objects.get(pk=ids[0])

    def until_empty(self, within: float = 60.0) -> None:
        self.until(lambda: not OrmQ.objects.exclude(pk__in=self.left).exists(), within=within)

    def ended(self) -> int:
        return Task.objects.count()

    def row(self, id: str) -> OrmQ:
        return OrmQ.objects.get(pk=id)

    def state(self) -> str:
        """Tell all there is to know when something did not come true."""
        columns = ("id", "kind", "state", "func", "claimed_by", "generation", "attempts", "crashes", "rescues")
        rows = [str(row) for row in OrmQ.objects.values_list(*columns)[:10]]
        logs = [f"--- {one.log.name}, {one.family()}\n{one.output[-6000:]}" for one in self.clusters]
        return "\n".join([f"{OrmQ.objects.count()} rows in the queue, {self.ended()} ended", *rows, *logs])

    # Judge -----------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Stop what runs, then see that every task is in exactly one place and that nothing else is left."""
        if self.stays_in_service:
            self.until_empty()
        codes = {one: one.stop() for one in self.clusters if one.process.poll() is None}
        assert not any(codes.values()), f"{list(codes.values())}\n{self.state()}"
        for one in self.clusters:
            one.until_gone(within=5)
        self.check()

    def check(self) -> None:
        queued = set(OrmQ.objects.filter(kind=TaskKind.TASK).values_list("pk", flat=True))
        history = list(Task.objects.values_list("pk", flat=True))
        assert not queued & set(history), "in two places"
        assert len(history) == len(set(history)), "recorded twice"
        assert queued | set(history) == set(self.ids), f"lost or invented\n{self.state()}"
        assert queued == self.left, f"left behind\n{self.state()}"
        assert not OrmQ.objects.filter(kind=TaskKind.HOOK).exists(), "a hook was left behind"
        assert not OrmQ.objects.filter(state=TaskState.CLAIMED).exists(), f"claimed by nobody\n{self.state()}"
        for one in self.clusters:
            assert "could not do its work" not in one.output, one.output
            assert "Exception ignored" not in one.output, one.output

    def clean_up(self) -> None:
        """Leave no process behind, whatever happened."""
        for one in self.clusters:
            one.kill_everything()
        connection.close()


def path_of(func: str) -> str:
    return f"django_q_tests.support.{func if '.' in func else f'jobs.{func}'}"


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
