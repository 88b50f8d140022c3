"""Takes over what dead clusters held, and prunes the history."""

import json
import logging

from django.db import transaction
from django.db.models import F

from django_q import conf, signals
from django_q.cluster import identity
from django_q.engine import completion, gathering, recorded, records, succession
from django_q.engine.retention import Retention
from django_q.engine.succession import Step
from django_q.kernel import clock
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, Event, TaskState
from django_q.models import Event as LoggedEvent
from django_q.models import Incarnation, OrmQ, Progress
from django_q.models.dialects import dialect_for

logger = logging.getLogger("django_q.cluster")

_FORGET = 86_400.0  # seconds after which the row of a dead cluster is deleted
_SWEPT = 1000  # rows of progress that are looked at each time


class Maintainer:
    """The rescuer and the pruner of one cluster."""

    def __init__(self, incarnation: str, cluster: str) -> None:
        self.settings = conf.current()
        self.alias = self.settings.orm
        self.incarnation = incarnation
        self.cluster = cluster
        self.next_due: float | None = None  # of the deferred rows, in seconds from the last look
        self.next_run: float | None = None  # of the schedules
        self.stop_requested = False
        self._swept = ""  # the last row of progress that was looked at
        self.is_sqlite = dialect_for(self.alias).connection.vendor == "sqlite"

    def look(self, *, steady: bool) -> int:
        """Rescue what dead clusters hold. ``steady``: this cluster has renewed without a gap for a whole lease.

        Return how many rows were rescued, and note when the next deferred row and the next schedule are due and if this
        cluster shall end.
        """
        rescued = 0
        seen = Incarnation.objects.using(self.alias).survey(self.incarnation)
        self.next_due, self.next_run, self.stop_requested = seen.next_due, seen.next_run, seen.stop_requested
        for other in seen.others:
            if other.dead_at is None and not self._bury(other, steady=steady):
                continue
            # One that died within the last minute is looked at again: its last claim may have been committed after it.
            rescued += self.rescue(other)
        return rescued

    def rescue(self, dead: Incarnation) -> int:
        """Make ready what a dead cluster held; what it was running has crashed once more."""
        queue = OrmQ.objects.using(self.alias)
        held = queue.filter(claimed_by=dead.pk, state=TaskState.CLAIMED)
        running = list(held.exclude(running_since=None).values_list("pk", "token"))
        if running:
            completion.finish([_lost(id, token or "", dead) for id, token in running], cluster=self.cluster)
        rescued = len(running) + held.give_up_claim(Event.RESCUE, rescues=F("rescues") + 1)
        if rescued:
            logger.warning("Took over %d tasks from %s, which died.", rescued, dead, extra={"action": "rescued"})
            self._cancel_unwanted()
        return rescued

    def prune(self) -> int:
        """Delete a batch of what the history need not keep; return how many rows."""
        deleted = sum(Retention.of(self.settings).prune(self.alias).values())
        self._swept, swept = Progress.objects.using(self.alias).sweep(self._swept, _SWEPT)
        if self.settings.keep_events is not None:
            swept += LoggedEvent.objects.using(self.alias).prune(self.settings.keep_events)
        Incarnation.objects.using(self.alias).prune(older_than=_FORGET)
        gathering.release_all(self.alias)
        OrmQ.objects.using(self.alias).abandoned_inline().give_up_claim(Event.RESCUE, rescues=F("rescues") + 1)
        signals.send_to_keepers_of_rows(signals.history_pruned, using=self.alias)
        return deleted + swept

    def _bury(self, other: Incarnation, *, steady: bool) -> bool:
        """Declare a cluster dead if it is: its process ended on this host, or its lease did and ours never lapsed."""
        gone = identity.is_gone(host=other.host, pid=other.pid, started=other.process_started, boot=other.boot_id)
        # SQLite is one machine: a busy writer may hold up a renewal, and only a reboot makes the lease a proof.
        provable = not self.is_sqlite or identity.was_rebooted(host=other.host, boot=other.boot_id)
        if not gone and not (other.expired and steady and provable):  # type: ignore[attr-defined]
            return False
        if Incarnation.objects.using(self.alias).bury(other.pk, expired_only=not gone):
            logger.warning("The cluster %s died.", other, extra={"action": "cluster_died", "incarnation": other.pk})
        return True

    def _cancel_unwanted(self) -> None:
        """Cancel what was asked to stop while the dead cluster held it."""
        unwanted = OrmQ.objects.using(self.alias).exclude(stop_requested_at=None).filter(state=TaskState.READY)
        for row in unwanted:
            with transaction.atomic(using=self.alias), recorded.together(self.alias):
                records.archive_unrun(self.alias, row, cluster=self.cluster, error="Canceled; its cluster died.")
                if row.chain:
                    options = json.loads(row.options) if row.options else {}
                    step = Step.of(row.pk, row.name, row.chain, options, succeeded=False)
                    succession.follow(self.alias, [step], cluster=self.cluster)


def _lost(id: str, token: str, dead: Incarnation) -> Outcome:
    moment = clock.epoch()
    error = f"ClusterLost: the cluster {dead} died while it ran this task."
    return Outcome(
        id, token, Ending.LOST, Report(started=moment, stopped=moment, error=error, worker=f"{dead.host}:{dead.pid}")
    )
