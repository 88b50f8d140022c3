"""Record how attempts ended: decide, then move the rows of a whole batch in one transaction."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from django_q import conf, signals
from django_q.conf import Settings
from django_q.engine import cached, gathering, recorded, records, succession
from django_q.engine.decision import Decision, decide, remembered
from django_q.engine.recorded import RecordedAttempt
from django_q.engine.succession import Step
from django_q.kernel.messages import Outcome
from django_q.kernel.states import Ending, Event, TaskKind
from django_q.models import OrmQ, Task
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import TAKEN_COLUMNS, parts

logger = logging.getLogger("django_q.cluster")

_GIVEN_BACK = Decision(Event.RELEASE)
_PART = 500  # ids in one condition

Key = tuple[str, str]
Row = dict[str, Any]


@dataclass(slots=True)
class Settled:
    """What became of a batch."""

    discarded: tuple[Key, ...] = ()  # finishes whose claim was lost
    hooks: tuple[str, ...] = ()  # ids of the hook rows that were written
    ready: set[str] = field(default_factory=set)  # queues in which rows became ready
    due: bool = False  # rows were deferred, perhaps for a moment only
    finished: list[dict[str, Any]] = field(default_factory=list)  # what post_execute is sent
    failed_hooks: list[dict[str, Any]] = field(default_factory=list)  # what hook_failed is sent


def finish(outcomes: Sequence[Outcome], *, cluster: str) -> Settled:
    """Record a batch of outcomes in one transaction; each whose id and token match a claim exactly once.

    A finish whose claim was lost is discarded, logged and counted; it never overwrites. Raises
    :exc:`django.db.DatabaseError` with nothing recorded when the database refuses.
    """
    settings = conf.current()
    settled = Settled()
    with transaction.atomic(using=settings.orm):
        batch = _Batch(settings, cluster, settled)
        batch.record(outcomes)
    _announce(settled)
    return settled


class _Batch:
    """The steps of one transaction."""

    def __init__(self, settings: Settings, cluster: str, settled: Settled) -> None:
        self.settings = settings
        self.alias = settings.orm
        self.cluster = cluster
        self.settled = settled
        self.queue = OrmQ.objects.using(self.alias)
        self.recorded: list[RecordedAttempt] = []

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Move what ended; put back what did not; tell of both."""
        with recorded.together(self.alias) as self.recorded:
            self._record(outcomes)

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        ended = {(o.id, o.token): o for o in outcomes if o.ending is Ending.SUCCEEDED}
        others = {(o.id, o.token): o for o in outcomes if o.ending is not Ending.SUCCEEDED}
        missing = self._put_back(others, ended) if others else []
        rows = [dict(zip(TAKEN_COLUMNS, row, strict=True)) for row in self.queue.take(list(ended))]
        self._archive([(row, ended[row["id"], row["token"]]) for row in rows])
        found = {(row["id"], row["token"]) for row in rows}
        missing += [key for key in ended if key not in found]
        self.settled.discarded = tuple(self._unrecorded(missing) if missing else ())

    def _put_back(self, others: dict[Key, Outcome], ended: dict[Key, Outcome]) -> list[Key]:
        """Retry, release or postpone what is not at its end; add the rest to ``ended``. Return what is not held."""
        held = {(row.pk, row.token or ""): row for row in self.queue.held(others)}
        given_back = []
        for key, row in held.items():
            outcome = others[key]
            decision = decide(outcome, row, self.settings)
            if decision.event is Event.FINISH:
                ended[key] = outcome
            elif decision == _GIVEN_BACK:
                given_back.append(row)
            else:
                self._apply(decision, row, outcome)
        self._release(given_back)
        return [key for key in others if key not in held]

    def _release(self, rows: list[OrmQ]) -> None:
        """Put rows back as they were, in one statement: a cluster that stops gives back all that it holds.

        They are locked since their tokens were compared.
        """
        for part in parts(rows, _PART):
            self.queue.filter(pk__in=[row.pk for row in part]).give_up_claim(Event.RELEASE)
        self.settled.ready.update(row.queue for row in rows)

    def _apply(self, decision: Decision, row: OrmQ, outcome: Outcome) -> None:
        changes: dict[str, Any] = dict(decision.changes)
        if decision.delay is None:
            self.settled.ready.add(row.queue)
        else:
            self.settled.due = True
            changes["run_after"] = dialect_for(self.alias).later_expression(decision.delay)
        if decision.error:
            changes["errors"] = remembered(row.errors, outcome, decision.error)
        if decision.event in (Event.RETRY, Event.RESCUE) and row.kind == TaskKind.TASK:
            options = row.q_options()
            if recorded.is_wanted(options):
                self.recorded.append(RecordedAttempt.of(row.__dict__, outcome, options, is_last=False))
        self.queue.filter(pk=row.pk, token=row.token).give_up_claim(decision.event, **changes)
        if decision.warning:
            logger.warning(decision.warning, extra={"action": decision.event.value, "task_id": row.pk})

    def _archive(self, pairs: list[tuple[Row, Outcome]]) -> None:
        tasks = [(row, outcome) for row, outcome in pairs if row["kind"] != TaskKind.HOOK]
        history, hooks, steps = [], [], []
        for row, outcome in tasks:
            options = json.loads(row["options"]) if row["options"] else {}
            if self._is_kept(row, outcome, options):
                history.append(records.history_row(row, outcome, options, cluster=self.cluster))
            if row["hook"]:
                hooks.append(records.hook_row(row, options, outcome, self.settings))
            if "cached" in options or self.settings.cached:
                self._cache(row, outcome, options)
            if row["kind"] == TaskKind.GATHER and records.is_transient(options, self.settings):
                gathering.forget(self.alias, row["id"])
            if row["chain"]:
                succeeded = outcome.ending is Ending.SUCCEEDED
                steps.append(Step.of(row["id"], row["name"], row["chain"], options, succeeded=succeeded))
            if recorded.is_wanted(options):
                self.recorded.append(RecordedAttempt.of(row, outcome, options, is_last=True))
            if signals.post_execute.receivers:
                self.settled.finished.append(records.summary(row, outcome))
        if history:
            Task.objects.using(self.alias).record(history)
        if hooks:
            self.queue.put(hooks)
            self.settled.hooks = tuple(hook[0] for hook in hooks)
            self.settled.ready.update(row["queue"] for row, _ in tasks if row["hook"])
        self.settled.ready |= succession.follow(self.alias, steps, cluster=self.cluster)
        self._end_hooks([(row, outcome) for row, outcome in pairs if row["kind"] == TaskKind.HOOK])

    def _is_kept(self, row: Row, outcome: Outcome, options: dict[str, Any]) -> bool:
        """Is a row of history written? A success that nobody wants to keep still is, while its hook has to read it."""
        return (
            outcome.ending is not Ending.SUCCEEDED
            or bool(row["hook"])
            or not records.is_transient(options, self.settings)
        )

    def _cache(self, row: Row, outcome: Outcome, options: dict[str, Any]) -> None:
        """Put a result that asked for it into the cache, before the row is gone."""
        seconds = options.get("cached", self.settings.cached)
        if seconds and outcome.ending is Ending.SUCCEEDED:
            task = records.cached_task(row, outcome, cluster=self.cluster)
            cached.store(task, None if seconds is True else seconds, self.settings)

    def _end_hooks(self, hooks: list[tuple[Row, Outcome]]) -> None:
        """Write what a hook failed of on its task's page, and drop the task that was kept for the hook only."""
        for row, outcome in hooks:
            options = json.loads(row["options"])
            task = Task.objects.using(self.alias).filter(pk=options["task"])
            if options.get("discard"):
                task.delete()
            if outcome.ending is not Ending.SUCCEEDED:
                if not options.get("discard"):
                    task.update(hook_error=outcome.report.traceback or outcome.report.error)
                failed = {"task_id": options["task"], "hook": row["func"], "error": outcome.report.error}
                self.settled.failed_hooks.append(failed)

    def _unrecorded(self, missing: list[Key]) -> list[Key]:
        """Return the finishes whose claim was lost; one that is in the history already was only sent twice."""
        history = Task.objects.using(self.alias).filter(pk__in=[id for id, _ in missing])
        recorded = set(history.values_list("id", "token"))
        return [key for key in missing if key not in recorded]


def _announce(settled: Settled) -> None:
    for id, token in settled.discarded:
        logger.warning(
            "An outcome of task %s was discarded: its claim had been lost.",
            id,
            extra={"action": "discarded", "task_id": id},
        )
        signals.send(signals.outcome_discarded, task_id=id, token=token)
    for failed in settled.failed_hooks:
        logger.error("The hook %(hook)s of task %(task_id)s failed: %(error)s", failed, extra={"action": "hook_failed"})
        signals.send(signals.hook_failed, **failed)
    for summary in settled.finished:
        signals.send(signals.post_execute, task=summary)
