"""Keeps the cluster's place in the database: its lease, its marks, deferred rows, and what others left behind."""

import json
import logging
import math
import os
import signal
from collections.abc import Callable

from django.conf import settings as project

import django_q
from django_q import signals
from django_q.brokers.base import DUE, STOP
from django_q.cluster import identity
from django_q.cluster.channels import Frame, Kind
from django_q.cluster.database import DatabaseRole
from django_q.cluster.maintainer import Maintainer
from django_q.cluster.notebook import Notebook
from django_q.cluster.role import Berth
from django_q.cluster.scheduler import Scheduler
from django_q.kernel import clock
from django_q.kernel.queues import EVERY
from django_q.kernel.states import Event, TaskState
from django_q.models import Incarnation, OrmQ
from django_q.tasks import backlog

logger = logging.getLogger("django_q.cluster")

_LOOK_EVERY = 2.0  # seconds between two looks for dead clusters and deferred rows
_PRUNE_EVERY = 60.0
_NOTE_AGAIN = 2.0  # seconds after progress could not be written
_PAUSE = 0.05  # seconds between two jobs that a bell asks for


class Keeper(DatabaseRole):
    """The process that renews the lease. If the sentinel dies it ends the workers, then itself."""

    title = "keeper"
    dies_with_parent = False

    def __init__(self, berth: Berth, *, predecessors: list[str]) -> None:
        super().__init__(berth)
        self.predecessors = predecessors  # incarnations of this very sentinel that were declared dead

    def setup(self) -> None:
        super().setup()
        self.id = self.berth.incarnation
        self.maintainer = Maintainer(self.id, self.berth.cluster)
        self.scheduler = Scheduler()
        self.notebook = Notebook(self.alias)
        self.stats: dict[str, object] = {}
        self._incarnations = Incarnation.objects.using(self.alias)
        self._queue = OrmQ.objects.using(self.alias)
        self._registered = False
        self._steady_since: float | None = None  # since when renewals have had no gap
        self._renewed_at = 0.0
        self._promoted_at = self._fired_at = 0.0
        self._heard_at = clock.monotonic()  # when the sentinel last spoke
        self._running: list[tuple[str, str]] = []  # claims to be marked as running
        self._marks: list[tuple[str, str]] = []  # claims whose start has to be written before they are handed out
        self._is_busy = False  # does the cluster hold claims?
        self._dead_generations: list[int] = []
        self._known: list[str] = []
        self._groups: list[int] = []  # process groups of the workers
        self._due = dict.fromkeys((self._renew, self._promote, self._look, self._prune, self._note), 0.0)
        if self.settings.scheduler:
            self._due[self._fire] = 0.0
        self._stopping = False
        self._asked_to_end = False
        self.bells = self.broker.listen_for([DUE, STOP])

    def work(self) -> float:
        if not self._registered:
            self._register()
        if self._marks:
            self._write_marks()
        if self._stopping:
            self._note()
            self._close()
            return 0.0
        for job, moment in self._due.items():
            if clock.monotonic() >= moment:
                self._due[job] = clock.monotonic() + job()
        return max(0.0, min(self._due.values()) - clock.monotonic())

    def hear(self, frame: Frame) -> None:
        self._heard_at = clock.monotonic()
        if frame.kind is Kind.STOP:
            self._stopping = True
        elif frame.kind is Kind.MARK:
            self._marks += [(id, token) for id, token in frame.headers]
        elif frame.kind is Kind.PROGRESS:
            self.notebook.take(frame.headers)
            self._bring_forward(self._note, clock.monotonic())
        elif frame.kind is Kind.BEAT:
            stats, self._running, self._is_busy, self._dead_generations, self._known, self._groups = frame.headers[0]
            self.stats = json.loads(stats)

    def rang(self) -> None:
        # Not for every one of a thousand rings.
        self._bring_forward(self._promote, self._promoted_at + _PAUSE)
        self._bring_forward(self._fire, self._fired_at + _PAUSE)
        if self._is_busy:  # one of its claims may be the one that shall stop
            self._bring_forward(self._renew, self._renewed_at + _PAUSE)

    def _bring_forward(self, job: Callable[[], float], moment: float) -> None:
        """See that a job, if it is one of this keeper, is done at this moment at the latest."""
        if job in self._due:
            self._due[job] = min(self._due[job], moment)

    def orphaned(self) -> None:
        # The workers watch the same pipe, but code that never lets go of the interpreter keeps them from noticing.
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os._exit(1)

    # What is due, each returning the seconds until it is due again ----------------------------------------------------

    def _renew(self) -> float:
        moment = clock.monotonic()
        if moment - self._heard_at > self.settings.lease:
            return self.settings.heartbeat  # the sentinel hangs: others shall take over
        if not self._incarnations.renew(self.id, lease=self.settings.lease, stats=self._description()):
            self.sender.send(Kind.DEAD)
            self.done = True
            return self.settings.lease
        if self._steady_since is None or moment - self._renewed_at > self.settings.lease / 2:
            self._steady_since = moment
        self._renewed_at = moment
        self.sender.send(Kind.RENEWED)
        self._attend_to_claims()
        return self.settings.heartbeat

    def _attend_to_claims(self) -> None:
        """Mark what runs, see what shall stop, and give back what a dead pusher claimed after its death was noticed."""
        if self._running:
            self._queue.mark_running(self._running)
            self._running = []
        if self._is_busy:
            self._pass_on_cancellations()
        if self._dead_generations:
            self.broker.release(incarnation=self.id, generations=self._dead_generations, known=self._known)

    def _pass_on_cancellations(self) -> None:
        held = self._queue.filter(claimed_by=self.id).exclude(stop_requested_at=None)
        unwanted = list(held.values_list("pk", flat=True))
        if unwanted:
            self.sender.send(Kind.CANCEL, [(id,) for id in unwanted])

    def _promote(self) -> float:
        self._promoted_at = clock.monotonic()
        seconds = self._queue.next_due()
        if seconds is not None and seconds <= 0:
            if self._queue.promote():
                self._announce()
            return 0.0
        return math.inf if seconds is None else seconds

    def _fire(self) -> float:
        self._fired_at = clock.monotonic()
        return self.scheduler.fire()

    def _announce(self) -> None:
        """Wake the clusters of every queue: what was made ready need not be for this one."""
        self.broker.announce(backlog.queue_names())

    def _look(self) -> float:
        steady = self._steady_since is not None and clock.monotonic() - self._steady_since >= self.settings.lease
        if self.maintainer.look(steady=steady):
            self._announce()
        if self.maintainer.stop_requested:
            self._end_cluster()
        # Enqueued or scheduled on another host, perhaps: no bell rang here.
        for job, seconds in ((self._promote, self.maintainer.next_due), (self._fire, self.maintainer.next_run)):
            if seconds is not None:
                self._bring_forward(job, clock.monotonic() + max(0.0, seconds))
        return _LOOK_EVERY

    def _end_cluster(self) -> None:
        """Begin the drain that somebody asked for in the admin, once: a second signal would end the grace."""
        if not self._asked_to_end:
            self._asked_to_end = True
            logger.info("The cluster was asked to end and drains.", extra={"action": "stop_requested"})
            os.kill(self.berth.parent, signal.SIGTERM)

    def _prune(self) -> float:
        return 0.1 if self.maintainer.prune() else _PRUNE_EVERY

    def _note(self) -> float:
        if self.notebook.is_empty:
            return math.inf
        if not self.notebook.write():
            self._drop_connection()
            return _NOTE_AGAIN
        self.sender.send(Kind.NOTED)
        return math.inf

    # The life of the incarnation --------------------------------------------------------------------------------------

    def _register(self) -> None:
        if not self._incarnations.filter(pk=self.id).exists():  # a keeper that was replaced finds its row
            self._incarnations.register(
                id=self.id,
                lease=self.settings.lease,
                name=self.berth.cluster,
                host=identity.HOST,
                pid=self.berth.parent,
                process_started=identity.process_started(self.berth.parent),
                boot_id=identity.boot_id(),
                version=django_q.__version__,
                queues=json.dumps(list(self.settings.queues)),
                stats=self._description(),
            )
        self._registered = True
        self._bury_predecessors()
        signals.send(signals.cluster_started, incarnation=self.id)

    def _description(self) -> str:
        """Return what the row says: what the sentinel counted, and what others compare with their own (``qcheck``)."""
        about = {
            "keys": self.settings.codec().fingerprints(),
            "debug": project.DEBUG,
            "clock": clock.epoch(),
            "lease": self.settings.lease,
        }
        return json.dumps({**self.stats, "about": about})

    def _bury_predecessors(self) -> None:
        """Take over what this very sentinel held under an earlier name: nobody else can tell that it is gone."""
        for dead in self._incarnations.filter(pk__in=self.predecessors):
            self._incarnations.bury(dead.pk, expired_only=False)
            self.maintainer.rescue(dead)

    def _write_marks(self) -> None:
        self._queue.mark_running(self._marks)
        self.sender.send(Kind.MARKED, self._marks)
        self._marks = []

    def _close(self) -> None:
        """Give back whatever is still claimed and end the incarnation."""
        self._queue.filter(claimed_by=self.id, state=TaskState.CLAIMED).give_up_claim(Event.RELEASE)
        self._incarnations.bury(self.id, expired_only=False)
        queues = self.settings.queues
        self.broker.announce(backlog.queue_names() if EVERY in queues else queues)
        signals.send(signals.cluster_stopped, incarnation=self.id)
        self.done = True
