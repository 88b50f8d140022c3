"""Watches over what runs: time limits, cancellations, recalls, deaths of workers, and children that fell silent."""

import logging
from collections.abc import Sequence

from django_q.cluster.children import Child
from django_q.cluster.handout import LONG
from django_q.cluster.ledger import Entry, Ledger, Place
from django_q.cluster.seats import Running, Seat
from django_q.cluster.slots import StopReason
from django_q.kernel import clock
from django_q.kernel.states import Ending

logger = logging.getLogger("django_q.cluster")

_SOFT = 0.25  # seconds that a worker's own timer has before the sentinel steps in
_STALLED = 5.0  # seconds that a worker may take to begin what it was given
_RECALL_AGAIN = 1.0  # seconds after which a recall that was not answered is repeated

_ENDINGS = {
    StopReason.TIMEOUT: Ending.TIMED_OUT,
    StopReason.CANCEL: Ending.CANCELED,
    StopReason.SHUTDOWN: Ending.INTERRUPTED,
}
_ERRORS = {
    StopReason.TIMEOUT: "TaskTimeout: the task ran longer than its timeout of {timeout} s and its worker was killed.",
    StopReason.CANCEL: "TaskCanceled: the task was canceled and did not stop, so its worker was killed.",
    StopReason.SHUTDOWN: "TaskStopped: the cluster shut down.",
}


class Overseer:
    """Looks at the seats every now and then and acts on what lasts too long."""

    def __init__(self, ledger: Ledger, *, host: str, kill_after: float, silence: float) -> None:
        self.ledger = ledger
        self.host = host
        self.kill_after = kill_after
        self.silence = silence

    def inspect(self, seats: Sequence[Seat]) -> None:
        """Stop what is overdue or unwanted, and recall what waits behind a long task."""
        for seat in seats:
            if seat.was_killed:
                continue
            if seat.lingers:
                logger.warning("Worker %d was done and did not end; it is killed.", seat.number)
                seat.kill()
            elif seat.given:
                for task in seat.running():
                    self._inspect_task(seat, task)
            elif seat.boots_too_long:
                logger.error("Worker %d did not become ready; it is replaced.", seat.number)
                seat.kill()
        self._free(seats)
        self._recall(seats)

    def listen(self, scribes: Sequence[Child], seats: Sequence[Seat]) -> None:
        """Kill the children that cannot be heard any more; they are replaced, and nothing they held is lost.

        A worker may be silent for as long as its task runs.
        """
        for child in (*scribes, *seats):
            if child.was_killed:
                continue
            if child.is_mute:
                logger.error("The %s has closed its pipe; it is replaced.", child.name)
                child.kill()
            elif child.is_ready and child in scribes and clock.monotonic() - child.heard_at > self._patience(child):
                logger.error("The %s has been silent for %.1f s; it is replaced.", child.name, self._patience(child))
                child.kill()

    def cancel(self, id: str, seats: Sequence[Seat]) -> None:
        """Stop a task wherever it is."""
        entry = self.ledger.find(id)
        if entry is None or entry.stop is not None:
            return
        entry.stop = StopReason.CANCEL
        if entry.place is not Place.SEAT:
            self.ledger.conclude(entry, Ending.CANCELED, error="TaskCanceled: canceled before it started.")
            return
        for seat in seats:
            if entry in seat.given.values() and len(seat.given) > 1:
                seat.recall()  # if it has not started, it comes back and ends here

    def returned(self, seat: Seat, sequences: Sequence[int]) -> None:
        """Take back what a worker will not start."""
        entries = [entry for entry in map(seat.take_back, sequences) if entry is not None]
        unwanted = [entry for entry in entries if entry.stop is StopReason.CANCEL]
        for entry in unwanted:
            self.ledger.conclude(entry, Ending.CANCELED, error="TaskCanceled: canceled before it started.")
        self.ledger.put_back(entry for entry in entries if entry not in unwanted)
        seat.recalled_at = None

    def interrupt(self, seats: Sequence[Seat]) -> None:
        """Stop everything that runs: the grace is over."""
        for seat in seats:
            for task in seat.running():
                if task.entry.asked_at is None:
                    seat.ask_to_stop(task, StopReason.SHUTDOWN)

    def died(self, seat: Seat) -> None:
        """Account for what a dead worker held: what ran has ended, the rest goes back uncounted."""
        running = seat.running()
        was_stopped = any(task.entry.asked_at is not None for task in running)
        for task in running:
            seat.take_back(task.sequence)
            self._conclude(seat, task.entry, was_stopped=was_stopped)
        self.returned(seat, list(seat.given))

    def _patience(self, child: Child) -> float:
        # A new keeper has to renew the lease before others may believe that the cluster is dead.
        return self.silence / 2 if child.name == "keeper" else self.silence

    def _conclude(self, seat: Seat, entry: Entry, *, was_stopped: bool) -> None:
        worker = f"{self.host}:{seat.pid}"
        if entry.asked_at is not None and entry.stop is not None:
            error = _ERRORS[entry.stop].format(timeout=entry.envelope.timeout)
            self.ledger.conclude(entry, _ENDINGS[entry.stop], worker=worker, error=error)
        elif was_stopped:
            # Its worker was killed because of a neighbour.
            self.ledger.conclude(entry, Ending.INTERRUPTED, worker=worker)
        else:
            error = f"WorkerLost: the worker {seat.how_it_died()} while it ran this task."
            self.ledger.conclude(entry, Ending.LOST, worker=worker, error=error)

    def _inspect_task(self, seat: Seat, task: Running) -> None:
        entry, moment = task.entry, clock.monotonic()
        if entry.asked_at is not None:
            if moment > entry.asked_at + self.kill_after:
                logger.warning("Task %s did not stop; worker %d is killed.", entry.envelope.id, seat.number)
                seat.kill()
        elif entry.stop is not None:
            seat.ask_to_stop(task, entry.stop)
        elif entry.envelope.timeout is not None and moment > task.since + entry.envelope.timeout + _SOFT:
            seat.ask_to_stop(task, StopReason.TIMEOUT)

    def _free(self, seats: Sequence[Seat]) -> None:
        """Kill workers that hold tasks and run none: they hang between two, where no time limit applies."""
        moment = clock.monotonic()
        for seat in seats:
            if seat.given and not seat.was_killed and moment - seat.quiet_since > _STALLED and not seat.running():
                logger.error("Worker %d does not begin what it was given; it is replaced.", seat.number)
                seat.kill()

    def _recall(self, seats: Sequence[Seat]) -> None:
        """Take back what stands behind a long task while another worker has nothing to do."""
        if self.ledger.backlog or not any(seat.takes_work and not seat.given for seat in seats):
            return
        moment = clock.monotonic()
        for seat in seats:
            if len(seat.given) < 2 or not seat.is_busy_since(moment - LONG):
                continue
            if seat.recalled_at is None or moment - seat.recalled_at > _RECALL_AGAIN:
                seat.recall()
