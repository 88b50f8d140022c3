"""What follows from an outcome that is not a success: a pure decision per outcome."""

import json
import math
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django_q.conf import Settings
from django_q.kernel import clock
from django_q.kernel.messages import Outcome
from django_q.kernel.retry import Backoff
from django_q.kernel.states import REASONS, Ending, Event, TaskKind

_REMEMBERED = 20  # errors kept on a row
_ERROR_LENGTH = 500
_POSTPONE = 5.0  # seconds until another worker may look for a function that this one lacks
_SAY_EVERY = 60.0  # seconds between two warnings of a task whose function nobody knows
UNKNOWN = "unknown"
#: The option that holds the moment, in seconds since the epoch, after which a task must not begin.
EXPIRES = "expires"
#: The mark of a row that waits for ever for a worker that knows its function.
PATIENT = "patient"


class Held(Protocol):
    """What a decision has to know of the row."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> int: ...
    @property
    def options(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def crashes(self) -> int: ...
    @property
    def errors(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a row."""

    event: Event
    changes: dict[str, Any] = field(default_factory=dict)
    delay: float | None = None  # seconds until it may run again
    error: str = ""  # remembered on the row
    warning: str = ""


def decide(outcome: Outcome, row: Held, settings: Settings) -> Decision:
    """Return what follows from an attempt that did not succeed."""
    if outcome.ending in (Ending.UNSTARTED, Ending.INTERRUPTED):
        return Decision(Event.RELEASE)  # given back: it has neither failed nor crashed
    if outcome.ending is Ending.LOST:
        return _after_death(outcome, row, settings)
    if outcome.ending is Ending.UNKNOWN:
        return _after_miss(outcome, row, settings)
    if outcome.ending in (Ending.FAILED, Ending.TIMED_OUT):
        return _after_error(outcome, row, settings)
    if outcome.ending is Ending.AGAIN:
        return _retry(outcome, row, settings, json.loads(row.options) if row.options else {})
    return Decision(Event.FINISH)


def _after_death(outcome: Outcome, row: Held, settings: Settings) -> Decision:
    crashes = row.crashes + 1
    if crashes >= settings.max_crashes:
        return Decision(Event.FINISH)
    error = outcome.report.error
    return Decision(Event.RESCUE, {"crashes": crashes}, error=error, warning=f"Task {row.id} is run again: {error}")


def _after_miss(outcome: Outcome, row: Held, settings: Settings) -> Decision:
    since, grace = unknown_since(row.errors), _grace(row, settings)
    waited = 0.0 if since is None else (clock.now() - since).total_seconds()
    if since is not None and waited >= grace:
        return Decision(Event.FINISH)
    is_first, error = since is None, outcome.report.error
    # Of one that waits for ever a line a minute: the looks are some seconds apart.
    speaks = is_first or (waited >= _SAY_EVERY and waited % _SAY_EVERY < _POSTPONE)
    warning = f"Task {row.id} waits for a worker that knows its function: {error}" if speaks else ""
    return Decision(Event.POSTPONE, delay=min(_POSTPONE, grace), error=error if is_first else "", warning=warning)


def _grace(row: Held, settings: Settings) -> float:
    """Return for how many seconds a task waits for a worker that knows its function."""
    waits_for_ever = bool(row.options) and json.loads(row.options).get(PATIENT, False)
    return math.inf if waits_for_ever else settings.unknown_task_grace


def _after_error(outcome: Outcome, row: Held, settings: Settings) -> Decision:
    options = json.loads(row.options) if row.options else {}
    most = (
        settings.hook_max_attempts if row.kind == TaskKind.HOOK else options.get("max_attempts", settings.max_attempts)
    )
    attempts = row.attempts + 1
    if row.kind == TaskKind.GATHER:
        return Decision(Event.FINISH)  # what its items did not give it will not get
    if most and attempts >= most or options.get("ack_failure", settings.ack_failures):
        return Decision(Event.FINISH)
    return _retry(outcome, row, settings, options)


def _retry(outcome: Outcome, row: Held, settings: Settings, options: dict[str, Any]) -> Decision:
    """Return another attempt, after the pause that the function asked for or that is usual."""
    attempts, delay = row.attempts + 1, outcome.report.delay
    if delay is None:
        delay = Backoff.parse(options.get("backoff", settings.backoff)).seconds(attempts, random.random)
    return Decision(Event.RETRY, {"attempts": attempts}, delay=delay, error=outcome.report.error)


def remembered(errors: str, outcome: Outcome, error: str) -> str:
    """Return a row's list of errors with one more, the oldest dropped when it grows long."""
    entries = json.loads(errors) if errors else []
    reason = UNKNOWN if outcome.ending is Ending.UNKNOWN else REASONS[outcome.ending].value
    report = outcome.report
    entries.append(
        {
            "at": clock.now().isoformat(),
            "reason": reason,
            "error": error[:_ERROR_LENGTH],
            "started": report.started,
            "stopped": report.stopped,
            "worker": report.worker,
        }
    )
    return json.dumps(entries[-_REMEMBERED:])


def unknown_since(errors: str) -> datetime | None:
    """Return when a worker first missed the function, None if none did."""
    for entry in json.loads(errors) if errors else []:
        if entry["reason"] == UNKNOWN:
            return datetime.fromisoformat(entry["at"])
    return None
