"""All children of a sentinel: who is there, who has to be started, and what the keeper is told of them."""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django_q.cluster.channels import Frame, Kind
from django_q.cluster.children import Child, Nursery
from django_q.cluster.launch import Recruit
from django_q.cluster.ledger import Ledger
from django_q.cluster.memory import of_host, residents
from django_q.cluster.processor import ProcessorTime
from django_q.cluster.seats import Seat
from django_q.cluster.slots import Slots
from django_q.kernel import clock
from django_q.kernel.states import Ending

logger = logging.getLogger("django_q.cluster")

_MARK_AFTER = 1.0  # seconds after which a task is worth a mark in the database that it runs
_EARLY = 1.0  # seconds of life that are too short to be an accident, if it happens again and again
_LONGEST_PAUSE = 5.0  # seconds between two starts then
_NAMED = 3  # tasks of a worker that are told by name
_SWEEP_FOR = 60.0  # seconds after a pusher's death in which its last claim may still turn up


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many of whom."""

    name: str
    workers: int
    pushers: int
    concurrency: int
    cpu_affinity: int
    heartbeat: float
    worker_options: dict[str, Any] = field(default_factory=dict)


class Staff:
    """The children of one incarnation."""

    def __init__(self, plan: Plan, nursery: Nursery, *, predecessors: list[str]) -> None:
        self.plan = plan
        self.nursery = nursery
        self.seats: list[Seat] = []
        self.pushers: list[Child] = []
        self.monitor: Child | None = None
        self.keeper: Child | None = None
        self.renewed_at: float | None = None  # when the lease was last extended; None until the cluster is registered
        self._predecessors = list(predecessors)
        self._generation = 0
        self._dead_generations: dict[int, float] = {}  # and when each died
        self._generations: dict[Child, int] = {}
        self._reported_at = 0.0
        self._started_at = clock.now()
        self._counts: Counter[str] = Counter()
        self._replaced: Counter[str] = Counter()  # by role, and workers that were recycled
        self._processor = ProcessorTime()
        self._early_deaths = 0  # one after the other
        self._not_before = 0.0  # when the next child may be started

    def start(self) -> None:
        """Start everybody but the pushers, who wait until the cluster is registered."""
        self._start_keeper()
        self._start_monitor()
        for number in range(1, self.plan.workers + 1):
            self._start_worker(number)

    def start_pushers(self, ledger: Ledger) -> None:
        """Fill the places of the pushers; a new one first gives back what the one before left unsaid."""
        while len(self.pushers) < self.plan.pushers:
            self._generation += 1
            options = {
                "generation": self._generation,
                "dead_generations": list(self._dead_generations),
                "known": ledger.ids(),
            }
            pusher = Child(self.nursery, Recruit("pusher", "Pusher", options), "pusher")
            self._generations[pusher] = self._generation
            self.pushers.append(pusher)

    def fill(self, ledger: Ledger, *, is_draining: bool) -> None:
        """Replace who is missing and still needed; not at full speed when children die as fast as they are started."""
        if clock.monotonic() < self._not_before:
            return
        if self.keeper is None and (not is_draining or self.monitor is not None):
            self._start_keeper()
        if self.monitor is None and (not is_draining or len(ledger)):
            self._start_monitor()
        if is_draining:
            return
        taken = {seat.number for seat in self.seats}
        for number in range(1, self.plan.workers + 1):
            if number not in taken:
                self._start_worker(number)
        if self.renewed_at is not None:
            self.start_pushers(ledger)

    # Who is there -----------------------------------------------------------------------------------------------------

    def children(self) -> list[Child]:
        """Return every child."""
        return [*self.seats, *self.scribes()]

    def scribes(self) -> list[Child]:
        """Return the children that talk to the database."""
        return [child for child in (*self.pushers, self.monitor, self.keeper) if child is not None]

    def dead(self) -> Iterator[Child]:
        """Return the children that have ended."""
        return iter([child for child in self.children() if child.has_ended()])

    @property
    def is_gone(self) -> bool:
        """Has everybody ended?"""
        return not self.children()

    def bury(self, child: Child) -> None:
        """Forget a dead child."""
        child.bury()
        self._note_death(child)
        if isinstance(child, Seat):
            self.seats.remove(child)
        elif child is self.monitor:
            self.monitor = None
        elif child is self.keeper:
            self.keeper = None
        else:
            self.pushers.remove(child)
            self._dead_generations[self._generations.pop(child)] = clock.monotonic()

    def kill_all(self) -> None:
        """End every child at once."""
        for child in self.children():
            child.kill()
        for child in self.children():
            child.bury()
        self.seats, self.pushers, self.monitor, self.keeper = [], [], None, None

    # What is told -----------------------------------------------------------------------------------------------------

    def tell_keeper(self, frame: Frame) -> None:
        """Send a frame to the keeper, if there is one; a new keeper is told again."""
        if self.keeper is not None:
            self.keeper.tell(frame)

    def count(self, ending: int) -> None:
        """Count an attempt that ended."""
        self._counts["succeeded" if ending == Ending.SUCCEEDED else "not_succeeded"] += 1

    def report(self, ledger: Ledger, *, is_draining: bool) -> None:
        """Tell the keeper what runs and how the cluster is, once a heartbeat."""
        moment = clock.monotonic()
        if self.keeper is None or self.keeper.stopping or moment - self._reported_at < self.plan.heartbeat / 2:
            return
        self._reported_at = moment
        old = {number: died for number, died in self._dead_generations.items() if moment - died < _SWEEP_FOR}
        self._dead_generations = old
        running = [
            task.entry.key
            for seat in self.seats
            if seat.given
            for task in seat.running()
            if moment - task.since > _MARK_AFTER
        ]
        to_mark = [entry.key for entry in ledger.to_mark()]
        stats = json.dumps(self._statistics(ledger, is_draining=is_draining))
        groups = [seat.pid for seat in self.seats]
        known = ledger.ids() if old else []
        self.keeper.tell(Frame(Kind.BEAT, [(stats, running, bool(len(ledger)), list(old), known, groups)]))
        if to_mark:
            self.keeper.tell(Frame(Kind.MARK, to_mark))

    def _statistics(self, ledger: Ledger, *, is_draining: bool) -> dict[str, Any]:
        state = (
            "stopping"
            if is_draining
            else "starting"
            if self.renewed_at is None
            else "working"
            if len(ledger)
            else "idle"
        )
        pids = [os.getpid(), *(child.pid for child in self.children() if not child.is_dead)]
        return {
            "state": state,
            "started": self._started_at.isoformat(),
            "workers": [self._worker_statistics(seat) for seat in self.seats],
            "processes": {
                "pusher": [child.pid for child in self.pushers],
                "monitor": [self.monitor.pid] if self.monitor else [],
                "keeper": [self.keeper.pid] if self.keeper else [],
            },
            "backlog": len(ledger.backlog) + len(ledger.alone),
            "held": len(ledger),
            "unrecorded": ledger.unconfirmed,
            "memory": residents(pids),
            "host_memory": of_host(),
            "cpu": self._processor.percent(pids),
            "replaced": dict(self._replaced),
            **self._counts,
        }

    def _worker_statistics(self, seat: Seat) -> dict[str, Any]:
        running = seat.running() if seat.given else []
        return {
            "pid": seat.pid,
            "running": [task.entry.envelope.func for task in running[:_NAMED]],
            "tasks": [task.entry.envelope.id for task in running[:_NAMED]],
            "given": len(seat.given),
        }

    # Starting ---------------------------------------------------------------------------------------------------------

    def _start_keeper(self) -> None:
        self._reported_at = 0.0
        recruit = Recruit("keeper", "Keeper", {"predecessors": self._predecessors})
        self.keeper = Child(self.nursery, recruit, "keeper")

    def _start_monitor(self) -> None:
        self.monitor = Child(self.nursery, Recruit("monitor", "Monitor"), "monitor")

    def _start_worker(self, number: int) -> None:
        slots = Slots.create(self.nursery.context, self.plan.concurrency + 1)
        cpus = _cpus_of(number, self.plan.cpu_affinity)
        options = {"slots": slots, "seat": number, "cpus": cpus, **self.plan.worker_options}
        self.seats.append(Seat(self.nursery, Recruit("worker", "Worker", options), slots, number))

    def _note_death(self, child: Child) -> None:
        # Workers that recycle and pushers that cannot know what they hold leave by themselves.
        if child.stopping or (child.process.exitcode == 0 and child not in (self.monitor, self.keeper)):
            logger.debug("The %s %s.", child.name, child.how_it_died())
            if not child.stopping:
                self._replaced["recycled" if isinstance(child, Seat) else "pusher"] += 1
            return
        self._replaced["worker" if isinstance(child, Seat) else child.name] += 1
        self._early_deaths = self._early_deaths + 1 if clock.monotonic() - child.started_at < _EARLY else 0
        if self._early_deaths > self.plan.workers + 3:
            self._not_before = clock.monotonic() + min(_LONGEST_PAUSE, 0.1 * 2 ** (self._early_deaths // 4))
        logger.warning(
            "The %s (%d) %s and is replaced.",
            child.name, child.pid, child.how_it_died(), extra={"action": "child_died", "child": child.name},
        )  # fmt: skip


def _cpus_of(number: int, count: int) -> tuple[int, ...]:
    """Return the CPUs that a worker is bound to, the next worker starting where this one ends; empty for all."""
    if not count or not hasattr(os, "sched_getaffinity"):
        return ()
    usable = sorted(os.sched_getaffinity(0))
    start = (number - 1) * count
    return tuple(usable[(start + offset) % len(usable)] for offset in range(min(count, len(usable))))
