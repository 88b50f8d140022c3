"""Run what waits in the queue, in this process, as a cluster would."""

import json
import os
import socket
from asyncio import CancelledError
from collections import Counter
from collections.abc import Iterable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync

from django_q import conf
from django_q.engine import completion, execution
from django_q.engine.execution import Attempt
from django_q.engine.progress import Direct
from django_q.exceptions import InvalidValue, TaskInterrupt
from django_q.kernel import ids
from django_q.kernel.messages import Envelope, Letter
from django_q.kernel.states import Ending, Event, TaskKind, TaskState
from django_q.models import OrmQ
from django_q.models.dialects import dialect_for
from django_q.models.queue import INLINE
from django_q.testing.commits import CommittingAsyncGuard, CommittingGuard, usable_afterwards

_MANY = 1000
# What a worker records; any other exception that is no Exception concerns the test run: Ctrl-C, pytest's skip and fail.
_RECORDED = (Exception, TaskInterrupt, SystemExit, GeneratorExit, CancelledError)


class TooManyRuns(AssertionError):
    """run_all() reached its limit and the queue still holds work."""


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """One attempt of one task, or of one hook, and how it ended."""

    id: str
    name: str
    func: str
    queue: str
    group: str | None
    attempt: int  # 1 for the first
    is_hook: bool
    success: bool
    reason: str  # succeeded, failed, timed out, canceled, interrupted, unknown
    error: str  # class and message on one line; empty for a success
    exception: BaseException | None
    is_deferred: bool  # did it fail with another attempt left?
    stored: bytes = field(default=b"", compare=False)

    @property
    def result(self) -> Any:
        """Return what the function returned, decoded now; the error as text if it failed, as a task's result is."""
        if not self.stored:
            return None
        return conf.current().codec().decode(self.stored, purpose="result", task_id=self.id, func=self.func)

    def __repr__(self) -> str:
        what = "hook" if self.is_hook else "task"
        again = ", due again later" if self.is_deferred else ""
        return f"<{what} {self.func} {self.reason}{f': {self.error}' if self.error else ''}{again}>"


class Runs(list[Run]):
    """What :func:`run_all` ran, in the order in which it ran."""

    @property
    def tasks(self) -> list[Run]:
        """Return the attempts of tasks, without hooks."""
        return [run for run in self if not run.is_hook]

    @property
    def hooks(self) -> list[Run]:
        """Return the attempts of hooks."""
        return [run for run in self if run.is_hook]

    @property
    def succeeded(self) -> list[Run]:
        """Return those that succeeded."""
        return [run for run in self if run.success]

    @property
    def failed(self) -> list[Run]:
        """Return those that did not succeed, whether or not another attempt is left."""
        return [run for run in self if not run.success]


def run_all(
    *,
    queues: str | Iterable[str] | None = None,
    deferred: bool = False,
    raise_errors: bool = False,
    limit: int = _MANY,
) -> Runs:
    """Run the tasks and hooks that are ready, and those that become ready meanwhile, until none is left.

    Each goes the way of a cluster: claimed, run with its time limit, recorded, its hook enqueued. The greatest priority
    runs first, whatever its queue; ``queues`` names those to work on, by default all. A failure is recorded and not
    raised unless ``raise_errors``; what failed with an attempt left is due again later, as ``backoff`` says. What is
    due later stays in the queue, unless ``deferred``: then it runs when nothing else is left, the first due first. No
    transaction has to be committed, and no cluster is started.

    Raises :exc:`TooManyRuns` when ``limit`` attempts have run and more is ready, and
    :exc:`~django_q.exceptions.FunctionNotFound`, with the nearest name, for a task whose function does not exist here.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InvalidValue(f"limit={limit!r} is not a number of attempts; write 1 or more.")
    names = [queues] if isinstance(queues, str) else None if queues is None else list(queues)
    drain = _Drain(names, deferred=deferred, raise_errors=raise_errors)
    while (row := drain.next()) is not None:
        if len(drain.runs) >= limit:
            raise TooManyRuns(_too_many(drain.runs, limit))
        drain.run(row)
    return drain.runs


class _Drain:
    """One call of :func:`run_all`."""

    def __init__(self, queues: list[str] | None, *, deferred: bool, raise_errors: bool) -> None:
        self.settings = conf.current()
        self.deferred = deferred
        self.raise_errors = raise_errors
        self.runs = Runs()
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        rows = OrmQ.objects.using(self.settings.orm)
        self.rows = rows.all() if queues is None else rows.filter(queue__in=queues)
        self._promote()

    def next(self) -> OrmQ | None:
        """Return a row that is ready, made ready if its time has come; None if there is none."""
        ready = self.rows.filter(state=TaskState.READY).order_by("-priority", "pk")
        row = ready.first()
        if row is None and self._promote():
            row = ready.first()
        if row is None and self.deferred:
            soonest = self.rows.filter(state=TaskState.DEFERRED).order_by("run_after", "pk").first()
            if soonest is not None and self.rows.filter(pk=soonest.pk).move(Event.PROMOTE):
                row = ready.first()
        return row

    def _promote(self) -> int:
        """Make ready what is due: row by row, since one statement for all may deadlock with a cluster on MariaDB."""
        now = dialect_for(self.settings.orm).now_expression()
        due = list(self.rows.filter(state=TaskState.DEFERRED, run_after__lte=now).values_list("pk", flat=True))
        return sum(self.rows.filter(pk=each).move(Event.PROMOTE) for each in due)

    def run(self, row: OrmQ) -> None:
        """Run a row to the end of one attempt, unless a cluster was faster."""
        token = ids.new_token()
        if not self.rows.filter(pk=row.pk).move(Event.CLAIM, token=token, claimed_by=INLINE):
            return
        columns = {each.attname: row.__dict__[each.attname] for each in OrmQ._meta.fields}
        envelope = Envelope(row.pk, token, row.func, self._timeout(row), False)
        sink = Direct(self.settings.orm)
        with usable_afterwards() as seen:
            attempt = execution.prepare(envelope, Letter.of(columns), worker=self.worker, sink=sink)
            _perform(attempt)
            seen.error = attempt.error
        sink.close()
        outcome = execution.conclude(attempt)
        execution.announce(attempt, outcome)
        settled = completion.finish([outcome], cluster=self.settings.name)
        self.runs.append(
            Run(
                id=row.pk,
                name=row.name,
                func=row.func,
                queue=row.queue,
                group=row.group,
                attempt=attempt.task.attempt,
                is_hook=row.kind == TaskKind.HOOK,
                success=outcome.ending is Ending.SUCCEEDED,
                reason=outcome.ending.name.lower().replace("_", " "),
                error=outcome.report.error,
                exception=attempt.error,
                is_deferred=settled.due,
                stored=outcome.report.result,
            )
        )
        self._raise(attempt)

    def _timeout(self, row: OrmQ) -> float | None:
        options = json.loads(row.options) if row.options else {}
        timeout: float | None = options.get("timeout", self.settings.timeout)
        return timeout

    def _raise(self, attempt: Attempt) -> None:
        """Raise what must not be overlooked: this process should know every function that a test enqueues."""
        error = attempt.error
        if error is not None and (self.raise_errors or attempt.is_unknown or not isinstance(error, _RECORDED)):
            raise error


def _perform(attempt: Attempt) -> None:
    if attempt.is_async:
        # Not asyncio.run(): what a coroutine does in the database has to happen in this thread, with its transaction.
        copy_context().run(async_to_sync(execution.aperform), attempt, CommittingAsyncGuard())
    else:
        execution.perform(attempt, CommittingGuard())


def _too_many(runs: Runs, limit: int) -> str:
    counts = Counter(run.func for run in runs)
    often = ", ".join(f"{func} ran {count} times" for func, count in counts.most_common(3))
    return (
        f"run_all() stopped after {limit} attempts, and more is ready: {often}. Does a task enqueue itself again, or "
        "is it tried without limit and pause? If so many are meant, pass a greater limit=."
    )
