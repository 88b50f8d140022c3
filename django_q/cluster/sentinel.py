"""The supervisor: starts the children, passes messages between them, replaces whatever dies, and ends in order.

It never touches the database, user code or payloads, and never blocks on a child.
"""

import logging
import math
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import BaseContext

from django_q.cluster.channels import Frame, Kind
from django_q.cluster.children import Child, Nursery
from django_q.cluster.handout import Durations, deal, excess
from django_q.cluster.ledger import Ledger
from django_q.cluster.overseer import Overseer
from django_q.cluster.relay import Relay
from django_q.cluster.role import BOOT_FAILED, Berth
from django_q.cluster.seats import Seat
from django_q.cluster.staff import Plan, Staff
from django_q.cluster.switchboard import Switchboard
from django_q.cluster.title import set_title
from django_q.kernel import clock, ids
from django_q.kernel.messages import Envelope
from django_q.kernel.states import ERRORS, Ending

logger = logging.getLogger("django_q.cluster")

_IDLE_REST = 0.5  # seconds between two looks when nothing runs
_BUSY_REST = 0.025
_DRAIN_LIMIT = 15.0  # seconds beyond the grace that recording may take before the cluster gives up


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders(Plan):
    """What the sentinel has to know of the settings."""

    grace: float
    kill_after: float
    lease: float
    strict_lease: bool
    until_empty: bool = False
    duration: float = 0.0  # seconds after which it drains; 0: it goes on for ever
    patient_signals: tuple[int, ...] = ()  # at which it drains, too, and gives running tasks all the time they need


class Sentinel:
    """One cluster. The constructor stores, :meth:`run` runs until the cluster has ended and returns its exit code."""

    def __init__(
        self, orders: Orders, context: BaseContext, *, log_level: str = "INFO", json_logs: bool = False
    ) -> None:
        self.orders = orders
        self.context = context
        self.log_level = log_level
        self.json_logs = json_logs
        self.exit_code = 0
        self.ledger = Ledger()
        self.relay = Relay()
        self.durations = Durations(orders.concurrency)
        self._signals: list[int] = []
        self._draining_since: float | None = None
        self._grace_ends: float | None = None
        self._predecessors: list[str] = []
        self._empty_reports = 0

    # The life of the cluster ------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Run the cluster in this process until it is stopped; return 0, or what went wrong as an exit code."""
        set_title(f"qcluster {self.orders.name} sentinel", "q sentinel")
        self._open()
        signals = (*_SIGNALS, *self.orders.patient_signals)
        handlers = {number: signal.signal(number, self._on_signal) for number in signals}
        wakeup = signal.set_wakeup_fd(self.switchboard.wakeup_fd, warn_on_full_buffer=False)
        logger.info("Cluster %s starts with %d workers.", self.orders.name, self.orders.workers)
        try:
            self._hire()
            while not self._is_over():
                self.tick()
        finally:
            self._kill_all()
            signal.set_wakeup_fd(wakeup)
            for number, handler in handlers.items():
                # Whoever asked for the end may ask again until the process is gone: that must not make a death of it.
                is_late = self._draining_since is not None and number in _STOPS
                signal.signal(number, signal.SIG_IGN if is_late else handler)
            self._close()
        logger.info("Cluster %s has stopped.", self.orders.name, extra={"action": "cluster_stopped"})
        return self.exit_code

    def tick(self) -> None:
        """Do one round: hear, act, hand out, ask for more."""
        rest = _BUSY_REST if len(self.ledger) or self.relay.is_waiting else _IDLE_REST
        for child in self.switchboard.wait(self.staff.children(), rest):
            self._hear(child)
        self._obey_signals()
        self._reap()
        self.overseer.inspect(self.staff.seats)
        self.overseer.listen(self.staff.scribes(), self.staff.seats)
        if self._draining_since is None:
            deal(self.ledger, self.staff.seats, self.durations)
            for entry in excess(self.ledger, self.durations, seats=len(self.staff.seats)):
                self.ledger.conclude(entry, Ending.UNSTARTED)
            self._grant_credit()
        else:
            self._drain()
        self._send_outcomes()
        self._pass_on_progress()
        self.staff.report(self.ledger, is_draining=self._draining_since is not None)
        self._obey_the_lease()

    def _open(self) -> None:
        self._started_at = clock.monotonic()
        self._life_reading, self._life_writing = self.context.Pipe(duplex=False)
        self.switchboard = Switchboard()

    def _close(self) -> None:
        self.switchboard.close()
        self._life_reading.close()
        self._life_writing.close()

    def _hire(self) -> None:
        """Start every child under a new incarnation; the pushers follow when it is registered."""
        self.incarnation = ids.new_id()
        berth = Berth(
            link=None,  # type: ignore[arg-type]  # each child gets its own
            life=self._life_reading,
            cluster=self.orders.name,
            incarnation=self.incarnation,
            parent=os.getpid(),
            log_level=self.log_level,
            json_logs=self.json_logs,
            ignored=self.orders.patient_signals,
        )
        nursery = Nursery(self.context, berth, self._life_writing.fileno())
        nursery.keep(*self.switchboard.descriptors())
        self.staff = Staff(self.orders, nursery, predecessors=self._predecessors)
        self.overseer = Overseer(
            self.ledger, host=socket.gethostname(), kill_after=self.orders.kill_after, silence=self.orders.lease
        )
        self._received: dict[Child, int] = {}  # claims that each pusher has sent in all
        self._sent_credit: dict[Child, int] = {}
        self._is_declared_dead = False
        self.staff.start()

    def _start_over(self, why: str) -> None:
        """Kill what runs and begin as a new incarnation: whoever declared this one dead has taken its tasks."""
        self._kill_all()
        self.ledger, self.relay = Ledger(), Relay()
        if self._draining_since is not None:
            self.exit_code = self.exit_code or 1
            return
        logger.error("Cluster %s starts anew: %s", self.orders.name, why, extra={"action": "cluster_restarted"})
        self._predecessors.append(self.incarnation)
        self._hire()

    def _kill_all(self) -> None:
        self.switchboard.hang_up(*self.staff.children())
        self.staff.kill_all()

    def _is_over(self) -> bool:
        if self._draining_since is None:
            return False
        if clock.monotonic() > (self._grace_ends or 0) + self.orders.kill_after + _DRAIN_LIMIT:
            logger.critical("Cluster %s could not record its last outcomes; others take over.", self.orders.name)
            self.exit_code = self.exit_code or 1
            return True
        return self.staff.is_gone

    # Hearing ----------------------------------------------------------------------------------------------------------

    def _hear(self, child: Child) -> None:
        for frame in child.hear():
            handler = _HANDLERS.get(frame.kind)
            if handler is not None:
                handler(self, child, frame)

    def _on_claims(self, child: Child, frame: Frame) -> None:
        self._received[child] = self._received.get(child, 0) + len(frame.headers)
        self._empty_reports = 0
        pairs = zip(frame.headers, frame.letters, strict=True)
        entries = [self.ledger.admit(Envelope(*header), letter) for header, letter in pairs]
        alone = [entry.key for entry in entries if entry.envelope.alone]
        if alone:
            self.staff.tell_keeper(Frame(Kind.MARK, alone))

    def _on_outcomes(self, child: Child, frame: Frame) -> None:
        assert isinstance(child, Seat)
        for header, letter in zip(frame.headers, frame.letters, strict=True):
            key = (header[0], header[1])
            child.finished(key)
            entry = self.ledger.ended(key, header, letter)
            if entry is not None and header[2] in _TELLING:
                self.durations.learn(entry.envelope.func, header[3], is_async=header[4])
            self.staff.count(header[2])

    def _on_returned(self, child: Child, frame: Frame) -> None:
        assert isinstance(child, Seat)
        self.overseer.returned(child, [header[0] for header in frame.headers])

    def _on_leaving(self, child: Child, frame: Frame) -> None:
        assert isinstance(child, Seat)
        child.leave()

    def _on_confirmed(self, child: Child, frame: Frame) -> None:
        for id, token in frame.headers:
            self.ledger.confirm((id, token))

    def _on_marked(self, child: Child, frame: Frame) -> None:
        for id, token in frame.headers:
            self.ledger.marked((id, token))

    def _on_progress(self, child: Child, frame: Frame) -> None:
        self.relay.take(frame.headers)

    def _on_noted(self, child: Child, frame: Frame) -> None:
        if child is self.staff.keeper:
            self.relay.written()

    def _on_cancel(self, child: Child, frame: Frame) -> None:
        for (id,) in frame.headers:
            self.overseer.cancel(id, self.staff.seats)

    def _on_renewed(self, child: Child, frame: Frame) -> None:
        self.staff.renewed_at = clock.monotonic()
        if self._draining_since is None:
            self.staff.start_pushers(self.ledger)

    def _on_dead(self, child: Child, frame: Frame) -> None:
        self._is_declared_dead = True  # acted upon when nobody is in the middle of a list of children

    def _on_beat(self, child: Child, frame: Frame) -> None:
        if frame.headers and frame.headers[0][0] == "empty" and not len(self.ledger):
            self._empty_reports += 1

    # Acting -----------------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, frame: object) -> None:
        self._signals.append(number)  # the loop acts

    def _obey_signals(self) -> None:
        if self.orders.until_empty and self._empty_reports >= 2:
            self._start_draining("the queue is empty")
        if self.orders.duration and clock.monotonic() - self._started_at >= self.orders.duration:
            self._start_draining("its time is over")
        while self._signals:
            number = self._signals.pop(0)
            if number == signal.SIGCHLD:
                continue
            if self._draining_since is None:
                grace = math.inf if number in self.orders.patient_signals else self.orders.grace
                self._start_draining(signal.Signals(number).name, grace)
            elif number not in self.orders.patient_signals:
                self._grace_ends = min(self._grace_ends or 0, clock.monotonic())  # asked twice: no more grace

    def _start_draining(self, why: str, grace: float | None = None) -> None:
        if self._draining_since is None:
            logger.info("Cluster %s stops: %s.", self.orders.name, why, extra={"action": "cluster_stopping"})
            self._draining_since = clock.monotonic()
            self._grace_ends = self._draining_since + (self.orders.grace if grace is None else grace)

    def _reap(self) -> None:
        for child in self.staff.dead():
            self._hear(child)  # what it had written is as good as said
            if isinstance(child, Seat):
                child.kill()  # whatever its tasks started in its group
                self.overseer.died(child)
            if (child.process.exitcode or 0) > 0 and not child.is_ready:  # a signal is somebody else's doing
                self._halt(child)
            if child is self.staff.monitor:
                self.ledger.send_again()
            if child is self.staff.keeper:
                self.relay.again()
            self.switchboard.hang_up(child)
            self.staff.bury(child)
            self._received.pop(child, None)
            self._sent_credit.pop(child, None)
        self.staff.fill(self.ledger, is_draining=self._draining_since is not None)

    def _halt(self, child: Child) -> None:
        logger.critical("The %s cannot start, so the cluster stops; its message stands above.", child.name)
        self.exit_code = BOOT_FAILED
        self._start_draining(f"the {child.name} cannot start")

    def _send_outcomes(self) -> None:
        monitor = self.staff.monitor
        if monitor is not None and not monitor.stopping:
            headers, letters = self.ledger.outcomes()
            if headers:
                monitor.tell(Frame(Kind.OUTCOMES, headers, letters))

    def _pass_on_progress(self) -> None:
        keeper = self.staff.keeper
        if keeper is not None and not keeper.stopping and (frame := self.relay.next()) is not None:
            keeper.tell(frame)

    def _grant_credit(self) -> None:
        """Tell the pushers how much they may claim in all: what is missing of the backlog, shared among them."""
        pushers = self.staff.pushers
        if not pushers:
            return
        target = self.durations.backlog(seats=sum(seat.takes_work for seat in self.staff.seats))
        waiting = len(self.ledger.backlog) + len(self.ledger.alone)
        room = sum(self.durations.room(len(seat.given)) for seat in self.staff.seats if seat.takes_work)
        missing = max(target, room) - waiting
        for pusher in pushers:
            total = self._received.get(pusher, 0) + max(0, -(-missing // len(pushers)))
            sent = self._sent_credit.get(pusher, 0)
            # Small changes wait, so that claims are large: until half of the backlog is used up, or credit shrinks.
            if total < sent or (total > sent and 2 * waiting <= target):
                self._sent_credit[pusher] = total
                pusher.tell(Frame(Kind.CREDIT, [(total,)]))

    def _drain(self) -> None:
        """Stop in order. Pushers first: nothing new. Then workers; the monitor when it has heard the last outcome; the
        keeper last, since the lease must live as long as there is anything to record."""
        staff = self.staff
        for pusher in staff.pushers:
            pusher.stop()
        for entry in [*self.ledger.backlog, *self.ledger.alone, *self.ledger.to_mark()]:
            self.ledger.conclude(entry, Ending.UNSTARTED)
        for seat in staff.seats:
            if not seat.stopping:
                if seat.given:
                    seat.recall()
                seat.stop()
        if clock.monotonic() >= (self._grace_ends or 0):
            self.overseer.interrupt(staff.seats)
        if staff.pushers or staff.seats or len(self.ledger):
            return
        if staff.monitor is not None:
            staff.monitor.stop()
        elif staff.keeper is not None and not staff.keeper.stopping:
            if (frame := self.relay.rest()) is not None:
                staff.keeper.tell(frame)
            staff.keeper.stop()

    def _obey_the_lease(self) -> None:
        if self._is_declared_dead:
            self._start_over("it was declared dead, because its lease could not be renewed in time.")
        if not self.orders.strict_lease or self.staff.renewed_at is None:
            return
        # The workers have to be gone before anybody may believe that they are.
        if clock.monotonic() - self.staff.renewed_at > self.orders.lease - self.orders.heartbeat:
            self._start_over("its lease could not be renewed, and strict_lease is set.")


_STOPS = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*_STOPS, *([signal.SIGCHLD] if hasattr(signal, "SIGCHLD") else []))
_TELLING = frozenset(map(int, (Ending.SUCCEEDED, *ERRORS)))  # endings that tell how long it takes
_HANDLERS: dict[Kind, Callable[[Sentinel, Child, Frame], None]] = {
    Kind.CLAIMS: Sentinel._on_claims,
    Kind.OUTCOMES: Sentinel._on_outcomes,
    Kind.RETURNED: Sentinel._on_returned,
    Kind.LEAVING: Sentinel._on_leaving,
    Kind.CONFIRMED: Sentinel._on_confirmed,
    Kind.MARKED: Sentinel._on_marked,
    Kind.CANCEL: Sentinel._on_cancel,
    Kind.RENEWED: Sentinel._on_renewed,
    Kind.DEAD: Sentinel._on_dead,
    Kind.BEAT: Sentinel._on_beat,
    Kind.PROGRESS: Sentinel._on_progress,
    Kind.NOTED: Sentinel._on_noted,
}
