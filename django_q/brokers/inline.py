"""Run a task here and now, with the rows, hooks and signals of a cluster: the sync mode."""

import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import Error, connections, transaction

from django_q import conf
from django_q.conf import Settings
from django_q.engine import completion, execution
from django_q.engine.decision import decide, remembered
from django_q.engine.progress import Direct
from django_q.engine.timeouts import Guard
from django_q.kernel import ids
from django_q.kernel.messages import Envelope, Letter, Outcome
from django_q.kernel.states import Ending, Event, TaskState
from django_q.models import OrmQ
from django_q.models.queue import INLINE, NEW_COLUMNS

Claimed = tuple[Envelope, Letter]

_OPTIONS = NEW_COLUMNS.index("options")


def run(row: Sequence[Any], written: Callable[[], None] | None = None) -> BaseException | None:
    """Run a new row (``models.queue.NEW_COLUMNS``) to its end, record it, run its hook; return what the task raised.

    Attempts that are left follow at once; where their number has no limit, there is one. Nothing is stored before the
    end, so that a caller who dies in the middle leaves no row that nobody would take over. ``written`` is called before
    the first attempt.
    """
    settings = conf.current()
    draft = _Draft.of(row, settings)
    if written is not None:
        written()
    outcome, error = _execute(*draft.messages(settings), settings.orm)
    while decide(_ended(outcome, error), draft, settings).event is Event.RETRY:
        draft.errors = remembered(draft.errors, outcome, outcome.report.error)
        draft.attempts += 1
        outcome, error = _execute(*draft.messages(settings), settings.orm)
    for hook in _record(draft, _ended(outcome, error), settings):
        _run_hook(hook, settings)
    return error


@dataclass(slots=True)
class _Draft:
    """A row that is not stored yet, as :func:`~django_q.engine.decision.decide` sees it."""

    values: dict[str, Any]
    token: str
    attempts: int = 0
    crashes: int = 0
    errors: str = ""

    @classmethod
    def of(cls, row: Sequence[Any], settings: Settings) -> "_Draft":
        values = dict(zip(NEW_COLUMNS, row, strict=True))
        options = json.loads(values["options"]) if values["options"] else {}
        if not options.get("max_attempts", settings.max_attempts):
            # Nothing rests between the attempts here, so that no limit would be for ever.
            values["options"] = json.dumps({**options, "max_attempts": 1}, separators=(",", ":"))
        return cls(values | {"state": TaskState.READY.value}, ids.new_token())

    @property
    def id(self) -> str:
        id: str = self.values["id"]
        return id

    @property
    def kind(self) -> int:
        return int(self.values["kind"])

    @property
    def options(self) -> str:
        options: str = self.values["options"]
        return options

    def messages(self, settings: Settings) -> Claimed:
        """Return what a worker would be sent."""
        return _messages({**self.values, "attempts": self.attempts, "crashes": 0}, self.token, settings)


def _record(draft: _Draft, outcome: Outcome, settings: Settings) -> tuple[str, ...]:
    """Write the row and move it to the history in one transaction; return the ids of the hooks that follow."""
    queue = OrmQ.objects.using(settings.orm)
    with transaction.atomic(using=settings.orm):
        queue.put([[draft.values[column] for column in NEW_COLUMNS]])
        queue.filter(pk=draft.id).move(
            Event.CLAIM, token=draft.token, claimed_by=INLINE, attempts=draft.attempts, errors=draft.errors
        )
        return completion.finish([outcome], cluster=settings.name).hooks


def _claim(row_id: str, settings: Settings) -> Claimed | None:
    """Claim a hook for this process, due or not. None: it is gone, or a cluster was faster."""
    token = ids.new_token()
    rows = OrmQ.objects.using(settings.orm).filter(pk=row_id)
    with transaction.atomic(using=settings.orm):
        rows.move(Event.PROMOTE)
        if not rows.move(Event.CLAIM, token=token, claimed_by=INLINE):
            return None
        row = rows.get()
    return _messages({field.attname: row.__dict__[field.attname] for field in OrmQ._meta.fields}, token, settings)


def _messages(row: Mapping[str, Any], token: str, settings: Settings) -> Claimed:
    timeout = settings.timeout
    if row["options"]:
        timeout = json.loads(row["options"]).get("timeout", timeout)
    return Envelope(row["id"], token, row["func"], timeout, False), Letter.of(row)


def _execute(envelope: Envelope, letter: Letter, alias: str) -> tuple[Outcome, BaseException | None]:
    """Run a function; an error of the database in it leaves the transaction of the caller, if there is one, usable."""
    worker, sink = f"{socket.gethostname()}:{os.getpid()}", Direct(alias)
    execute = partial(execution.run, envelope, letter, worker=worker, guard=Guard(), sink=sink)
    if not connections[alias].in_atomic_block:
        outcome, error = execute()
    else:
        with transaction.atomic(using=alias):
            outcome, error = execute()
            if _is_of_database(error):
                transaction.set_rollback(True, using=alias)
    sink.close()
    return outcome, error


def _ended(outcome: Outcome, error: BaseException | None) -> Outcome:
    """Return an outcome as it counts here, where nobody else could take the task over."""
    if isinstance(error, KeyboardInterrupt):
        return replace(outcome, ending=Ending.CANCELED)
    if outcome.ending in (Ending.UNKNOWN, Ending.INTERRUPTED):
        return replace(outcome, ending=Ending.FAILED)
    return outcome


def _run_hook(hook_id: str, settings: Settings) -> None:
    """Run a hook to its end; what it raises is logged and stands on its task's page."""
    while (claim := _claim(hook_id, settings)) is not None:
        outcome, error = _execute(*claim, settings.orm)
        completion.finish([_ended(outcome, error)], cluster=settings.name)
        if not settings.hook_max_attempts:
            return  # no limit: the next attempt is a cluster's


def _is_of_database(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, Error):
        error = error.__cause__ or error.__context__
    return error is not None
