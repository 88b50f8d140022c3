"""The rows that a finish writes: history, hooks, and the ends of chains."""

import json
from collections.abc import Callable
from datetime import datetime
from datetime import timezone as zones
from functools import partial
from operator import itemgetter
from typing import Any

from django.conf import settings as project
from django.utils import timezone

from django_q import conf
from django_q.conf import Settings
from django_q.engine import recorded
from django_q.engine.told import Told, payload
from django_q.kernel import clock, ids
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import REASONS, Ending, Event, Reason, TaskKind, TaskState
from django_q.models import OrmQ, Task
from django_q.models.dialects.base import Later
from django_q.models.queue import NEW_COLUMNS
from django_q.models.task import HISTORY_COLUMNS

Row = dict[str, Any]

_in_order: Callable[[Row], tuple[Any, ...]] = itemgetter(*HISTORY_COLUMNS)


def history_row(row: Row, outcome: Outcome, options: dict[str, Any], *, cluster: str) -> tuple[Any, ...]:
    """Return HISTORY_COLUMNS of a task that ended; its payloads are copied unopened."""
    report = outcome.report
    succeeded = outcome.ending is Ending.SUCCEEDED
    values = {
        **row,
        "result": report.result or _sealed_error(row, outcome),
        "cluster": cluster,
        "started": clock.from_epoch(report.started),
        "stopped": clock.from_epoch(report.stopped),
        "success": succeeded,
        # Only what began in a worker is an attempt.
        "attempt_count": row["attempts"]
        + row["crashes"]
        + (outcome.ending is not Ending.UNKNOWN and bool(report.worker)),
        "crashes": row["crashes"] + (outcome.ending is Ending.LOST),
        "reason": None if succeeded else REASONS[outcome.ending].value,
        "error": report.error,
        "traceback": report.traceback,
        "worker": report.worker,
        "hook_error": "",
    }
    return _in_order(values)


def _sealed_error(row: Row, outcome: Outcome) -> bytes | None:
    """Sign the error as the result of a task whose worker could not."""
    if outcome.ending is Ending.SUCCEEDED:
        return None
    codec = conf.current().codec()
    return codec.encode(outcome.report.error, purpose="result", task_id=row["id"], func=row["func"])


def hook_row(row: Row, options: dict[str, Any], outcome: Outcome, settings: Settings) -> tuple[Any, ...]:
    """Return NEW_COLUMNS of the hook that follows a task."""
    id = ids.new_id()
    codec = settings.codec()
    told: dict[str, Any] = {"task": row["id"]}
    if outcome.ending is Ending.SUCCEEDED and is_transient(options, settings):
        told["discard"] = True
    if options.get("hook_pickled"):
        told["pickled"] = True
    func = row["hook"]
    values = {
        "id": id,
        "kind": TaskKind.HOOK.value,
        "queue": row["queue"],
        "state": TaskState.READY.value,
        "priority": row["priority"],
        "enqueued_at": Later(0),
        "name": row["name"],
        "func": func,
        "args": codec.encode((row["id"],), purpose="args", task_id=id, func=func),
        "kwargs": codec.encode({}, purpose="kwargs", task_id=id, func=func),
        "serializer": settings.serializer,
        "options": json.dumps(told),
    }
    return tuple(values.get(column) for column in NEW_COLUMNS)


def is_transient(options: dict[str, Any], settings: Settings) -> bool:
    """Does a success leave no row, because nobody wants it or because it goes to the cache?"""
    return not options.get("save", settings.saves) or bool(options.get("cached", settings.cached))


def cached_task(row: Row, outcome: Outcome, *, cluster: str) -> Row:
    """Return what the cache holds of a success: the columns of its Task, payloads still signed."""
    values = dict(zip(HISTORY_COLUMNS, history_row(row, outcome, {}, cluster=cluster), strict=True))
    return values | {name: _in_settings_form(values[name]) for name in ("enqueued_at", "started", "stopped")}


def _in_settings_form(moment: Any) -> Any:
    """Return a moment, as a driver gave it or as an outcome names it, in the form in which models have it."""
    if not isinstance(moment, datetime):
        return None
    if timezone.is_naive(moment) and project.USE_TZ:
        return moment.replace(tzinfo=zones.utc)
    return timezone.make_naive(moment) if timezone.is_aware(moment) and not project.USE_TZ else moment


def summary(row: Row, outcome: Outcome) -> Told:
    """Return what the signal post_execute says of a task."""
    succeeded = outcome.ending is Ending.SUCCEEDED
    known = {name: row[name] for name in ("id", "name", "func", "group", "hook")}
    blobs = {"args": row["args"], "kwargs": row["kwargs"], "result": outcome.report.result}
    lazy = {name: partial(payload, name, known, blob) for name, blob in blobs.items()}
    reason = None if succeeded else REASONS[outcome.ending].value
    return Told({**known, "cluster": row["queue"], "success": succeeded, "reason": reason}, lazy)


def archive_unrun(alias: str, row: OrmQ, *, cluster: str | None, error: str) -> bool:
    """Move a row that no cluster holds to the history as canceled, and write its hook. False: somebody claimed it.

    The caller has a transaction open.
    """
    moment = clock.now() if timezone.is_aware(row.enqueued_at) else timezone.make_naive(clock.now())
    raw = {name: row.__dict__[name] for name in ("args", "kwargs")}
    if not OrmQ.objects.using(alias).filter(pk=row.pk).move(Event.CANCEL):
        return False
    values: Row = {column: getattr(row, column, None) for column in HISTORY_COLUMNS if column not in raw}
    values |= raw | {
        "cluster": cluster,
        "started": moment,
        "stopped": moment,
        "success": False,
        "attempt_count": row.attempts + row.crashes,
        "reason": Reason.CANCELED.value,
        "error": error,
        "traceback": "",
        "result": conf.current().codec().encode(error, purpose="result", task_id=row.pk, func=row.func),
        "worker": "",
        "hook_error": "",
        "token": None,
    }
    Task.objects.using(alias).record([_in_order(values)])
    recorded.tell_unrun(row, error, alias)
    if row.hook:
        options = json.loads(row.options) if row.options else {}
        OrmQ.objects.using(alias).put([hook_row(values, options, _canceled(row), conf.current())])
    return True


def _canceled(row: OrmQ) -> Outcome:
    return Outcome(row.pk, "", Ending.CANCELED, Report(0.0, 0.0))
