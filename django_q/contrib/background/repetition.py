"""Repetitions: the next task is written in the transaction in which the one before ends."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from django_q import conf
from django_q.contrib.background import options
from django_q.contrib.background.calls import MARK, PLAIN, UNIQUE, draft_of, key_of, usual_options, write
from django_q.contrib.background.models import CompletedTask, Task
from django_q.tasks.enqueue import Draft, submit
from django_q.tasks.options import OPTIONS


def following(scheduled: datetime, every: timedelta, until: datetime | None, now: datetime) -> datetime | None:
    """Return the next moment of a grid that lies ahead; None if that is beyond ``until``."""
    missed = max(0, (now - scheduled) // every)
    moment = scheduled + (missed + 1) * every
    return None if until is not None and moment > until else moment


def repeat(attempts: Sequence[Any], using: str) -> None:
    """Enqueue the next of each repeating task among those that have ended."""
    ended = {one.id: one for one in attempts if MARK in one.options and one.is_last and _goes_on(one)}
    if not ended:
        return
    settings, now = conf.current(), timezone.now()
    drafts: list[Draft] = []
    for row in Task._base_manager.using(using).filter(pk__in=ended, repeat__gt=0):
        moment = following(row.scheduled_for, timedelta(seconds=row.repeat), row.repeat_until, now)
        if moment is not None:
            draft = _draft(row, ended[row.pk], moment, settings)
            draft.accompany(write, _again(row, draft.id, moment))
            drafts.append(draft)
    if drafts:
        submit(drafts, settings)


def _goes_on(attempt: Any) -> bool:
    """Is a task that ended like this repeated? Never if somebody took it back."""
    if attempt.success or attempt.reason == "canceled":
        return bool(attempt.success)
    return bool(options.option("repeat_on_failure") == options.GOES_ON)


def run_again(row: CompletedTask) -> Task:
    """Enqueue what has ended once more, under a new id; it is not repeated. Return the new row."""
    record: Any = row.record
    settings = conf.current()
    given = {
        **_kept(json.loads(record.options) if record.options else usual_options()),
        "cluster": record.queue,
        "priority": record.priority,
    }
    args, kwargs = row.params()
    draft = draft_of(record.func, args, kwargs, given, settings, None, PLAIN)
    again = _again(row, draft.id, timezone.now())
    again.repeat, again.repeat_until = Task.NEVER, None
    draft.accompany(write, again)
    submit([draft], settings)
    return again


def _kept(options: dict[str, Any]) -> dict[str, Any]:
    """Return those of the options of a row that can be given again."""
    return {name: value for name, value in options.items() if name in OPTIONS}


def _draft(row: Task, attempt: Any, moment: datetime, settings: conf.Settings) -> Draft:
    args, kwargs = row.params()
    given = {
        **_kept(attempt.options),
        "cluster": attempt.queue,
        "priority": attempt.priority,
        "run_after": moment,
    }
    draft = draft_of(attempt.func, args, kwargs, given, settings, moment, attempt.options[MARK])
    draft.sync = False  # it is not due yet
    if "user" in attempt.options:  # who enqueued the first one
        draft.mark(user=attempt.options["user"])
    if attempt.options[MARK] == UNIQUE:
        draft.place(key=key_of(row.task_hash))
    return draft


def _again(row: Task, id: str, moment: datetime) -> Task:
    """Return a copy of a row for its repetition."""
    columns = {field.attname: getattr(row, field.attname) for field in Task._meta.concrete_fields}
    return Task(**{**columns, "id": id, "created": timezone.now(), "scheduled_for": moment})
