"""Tell of attempts in the transaction that records how they ended, so that what follows is written with it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from django_q import signals
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import REASONS, Ending, TaskKind
from django_q.models import OrmQ

logger = logging.getLogger("django_q.signals")


@dataclass(frozen=True, slots=True)
class RecordedAttempt:
    """One attempt of a task, as the signal ``attempts_recorded`` tells of it."""

    id: str
    name: str
    func: str
    group: str | None
    queue: str
    priority: int
    attempt: int  # 1 for the first; crashes do not count
    success: bool
    is_last: bool  # has the task ended, or will it run again?
    reason: str | None  # error, timeout, lost or canceled; None for a success
    error: str
    options: Mapping[str, Any]  # what was asked for beyond the settings

    @classmethod
    def of(
        cls, row: Mapping[str, Any], outcome: Outcome, options: Mapping[str, Any], *, is_last: bool
    ) -> "RecordedAttempt":
        """Return what is told of a row and the outcome of its attempt."""
        success = outcome.ending is Ending.SUCCEEDED
        return cls(
            **{name: row[name] for name in ("id", "name", "func", "group", "queue", "priority")},
            attempt=row["attempts"] + 1,
            success=success,
            is_last=is_last,
            reason=None if success else REASONS[outcome.ending].value,
            error=outcome.report.error,
            options=options,
        )


_waiting: ContextVar[list[RecordedAttempt] | None] = ContextVar("django_q_recorded_waiting", default=None)


@contextmanager
def together(alias: str) -> Iterator[list[RecordedAttempt]]:
    """Tell of all that is recorded in the open transaction by one signal, at the end of this block.

    Receivers that lock rows of their own can then lock them in one order. More may be added to the list; a block in a
    block belongs to the outer one.
    """
    outer = _waiting.get()
    if outer is not None:
        yield outer
        return
    attempts: list[RecordedAttempt] = []
    token = _waiting.set(attempts)
    try:
        yield attempts
    finally:
        _waiting.reset(token)
    if attempts:
        tell(attempts, alias)


def is_wanted(options: Mapping[str, Any]) -> bool:
    """Does anybody want to know of the attempts of a task with these options?"""
    return bool(signals.attempts_recorded.receivers) or not signals.marked.keys().isdisjoint(options)


def tell_unrun(row: OrmQ, error: str, alias: str) -> None:
    """Send ``attempts_recorded`` for a task that left the queue without being run, in the open transaction."""
    options = row.q_options()
    if row.kind == TaskKind.TASK and is_wanted(options):
        report = Report(0.0, 0.0, error=error)
        outcome = Outcome(row.pk, "", Ending.CANCELED, report)
        with together(alias) as attempts:
            attempts.append(RecordedAttempt.of(row.__dict__, outcome, options, is_last=True))


def tell(attempts: Sequence[RecordedAttempt], alias: str) -> None:
    """Send ``attempts_recorded`` in the open transaction.

    What the receivers write is committed with the outcomes, or not at all: an error that a second try may not meet
    (:exc:`~django.db.OperationalError`, :exc:`~django.db.InterfaceError`) is raised. Any other is logged, and the
    writes for the one attempt that led to it are undone.
    """
    try:
        with transaction.atomic(using=alias):
            for mark, receiver in signals.marked.items():
                if theirs := [attempt for attempt in attempts if mark in attempt.options]:
                    receiver(attempts=theirs, using=alias)
            signals.attempts_recorded.send(sender="django_q", attempts=attempts, using=alias)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(attempts) == 1:
            logger.exception("What should follow from an attempt of task %s could not be written.", attempts[0].id)
            return
        for attempt in attempts:
            tell([attempt], alias)
