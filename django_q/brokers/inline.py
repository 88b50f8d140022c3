"""Run a task here and now, with the rows, hooks and signals of a cluster: the sync mode."""

import json
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import Error, connections, transaction

from django_q import conf
from django_q.conf import Conf
from django_q.engine import completion, execution
from django_q.engine.timeouts import Guard
from django_q.kernel import ids
from django_q.kernel.messages import Envelope, Letter, Outcome
from django_q.kernel.states import Ending, Event
from django_q.models import OrmQ
from django_q.models.queue import NEW_COLUMNS

#: What ``claimed_by`` says of a row that runs where it was enqueued.
INLINE = "inline"

Claimed = tuple[Envelope, Letter]

_OPTIONS = NEW_COLUMNS.index("options")


def run(row: Sequence[Any], written: Callable[[], None] | None = None) -> None:
    """Put a new row (``models.queue.NEW_COLUMNS``), run it to its end, then its hook, and raise what the task raised.

    Attempts that are left follow at once; where their number has no limit, there is one. ``written`` is called when the
    row is there.
    """
    settings = conf.current()
    task_id: str = row[0]
    with transaction.atomic(using=settings.orm):
        OrmQ.objects.using(settings.orm).put([_limited(row, settings)])
        claim = _claim(task_id, settings)
    if written is not None:
        written()
    error, hooks = _attempt(claim, settings)
    while error is not None and (claim := _claim(task_id, settings)) is not None:
        error, hooks = _attempt(claim, settings)
    for hook in hooks:
        _run_hook(hook, settings)
    if error is not None:
        raise error


def _limited(row: Sequence[Any], settings: Conf) -> Sequence[Any]:
    """Return a row whose attempts have an end: nothing rests between them here, so that no limit would be for ever."""
    stored = json.loads(row[_OPTIONS]) if row[_OPTIONS] else {}
    if stored.get("max_attempts", settings.max_attempts):
        return row
    limited = json.dumps({**stored, "max_attempts": 1}, separators=(",", ":"))
    return (*row[:_OPTIONS], limited, *row[_OPTIONS + 1 :])


def _claim(row_id: str, settings: Conf) -> Claimed | None:
    """Claim a row for this process, due or not. None: it is gone, or a cluster was faster."""
    token = ids.new_token()
    rows = OrmQ.objects.using(settings.orm).filter(pk=row_id)
    with transaction.atomic(using=settings.orm):
        rows.move(Event.PROMOTE)
        if not rows.move(Event.CLAIM, token=token, claimed_by=INLINE):
            return None
        return _messages(rows.get(), token, settings)


def _messages(row: OrmQ, token: str, settings: Conf) -> Claimed:
    timeout = settings.timeout
    if row.options:
        timeout = json.loads(row.options).get("timeout", timeout)
    letter = Letter(
        kind=row.kind,
        name=row.name,
        group=row.group,
        queue=row.queue,
        attempts=row.attempts,
        crashes=row.crashes,
        options=row.options,
        args=bytes(row.__dict__["args"] or b""),
        kwargs=bytes(row.__dict__["kwargs"] or b""),
    )
    return Envelope(row.pk, token, row.func, timeout, False), letter


def _attempt(claim: Claimed | None, settings: Conf) -> tuple[BaseException | None, tuple[str, ...]]:
    """Run one attempt and record it; return what it raised, and the ids of the hooks that follow."""
    if claim is None:
        return None, ()
    outcome, error = _execute(*claim, settings.orm)
    settled = completion.finish([_ended(outcome, error)], cluster=settings.name)
    return error, settled.hooks


def _execute(envelope: Envelope, letter: Letter, alias: str) -> tuple[Outcome, BaseException | None]:
    """Run a function; an error of the database in it leaves the transaction of the caller, if there is one, usable."""
    execute = partial(execution.run, envelope, letter, worker=f"{socket.gethostname()}:{os.getpid()}", guard=Guard())
    if not connections[alias].in_atomic_block:
        return execute()
    with transaction.atomic(using=alias):
        outcome, error = execute()
        if _is_of_database(error):
            transaction.set_rollback(True, using=alias)
    return outcome, error


def _ended(outcome: Outcome, error: BaseException | None) -> Outcome:
    """Return an outcome as it counts here, where nobody else could take the task over."""
    if isinstance(error, KeyboardInterrupt):
        return replace(outcome, ending=Ending.CANCELED)
    if outcome.ending in (Ending.UNKNOWN, Ending.INTERRUPTED):
        return replace(outcome, ending=Ending.FAILED)
    return outcome


def _run_hook(hook_id: str, settings: Conf) -> None:
    """Run a hook to its end; what it raises is logged and stands on its task's page."""
    while (claim := _claim(hook_id, settings)) is not None:
        _attempt(claim, settings)
        if not settings.hook_max_attempts:
            return  # no limit: the next attempt is a cluster's


def _is_of_database(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, Error):
        error = error.__cause__ or error.__context__
    return error is not None
