"""Enqueue what schedules say is due: exactly once, however many clusters look at the same moment."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, transaction

from django_q import conf
from django_q.conf import Settings
from django_q.engine.failures import clean, describe
from django_q.exceptions import ClusterError
from django_q.kernel import clock, literals
from django_q.kernel.planning import Plan, plan
from django_q.models import Schedule
from django_q.models.schedule import aware, in_settings_form
from django_q.tasks.enqueue import Draft, prepare, submit
from django_q.tasks.schedules import given_options

logger = logging.getLogger("django_q")

_CHANGED = ("next_run", "repeats", "task", "fired_at", "missed", "missed_runs", "error", "paused_at")
_MOST = 2**31
# What a row that nobody checked can raise.
_CANNOT_RUN = (ClusterError, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(slots=True)
class _Firing:
    """A schedule that is due, the tasks that it makes now, and whether it is over."""

    row: Schedule
    tasks: list[Draft] = field(default_factory=list)
    is_over: bool = False


def fire_due(limit: int = 100) -> int:
    """Enqueue what up to ``limit`` schedules are due for, in one transaction; return how many schedules were due.

    Each row is locked while its next moment is computed and its tasks are written, so that of several clusters one
    does it, and a death in the middle leaves it due. A schedule that cannot run keeps the error and is due again at
    its next moment; the others run.
    """
    settings = conf.current()
    with transaction.atomic(using=settings.orm):
        fired = [_fire(row, settings) for row in Schedule.objects.using(settings.orm).due(limit)]
        try:
            with transaction.atomic(using=settings.orm):
                _write(fired, settings)
        except (DataError, IntegrityError):
            for each in fired:
                _write_alone(each, settings)
    return len(fired)


def run_now(row: Schedule) -> str:
    """Enqueue the call of a schedule once more, now, whatever is due; return the id of the task.

    Raises what :func:`~django_q.tasks.async_task` raises for a call that cannot be enqueued.
    """
    settings = conf.current()
    task = _draft(row, clock.now(), settings)
    with transaction.atomic(using=settings.orm):
        submit([task], settings)
        fired_at = in_settings_form(clock.now())
        Schedule.objects.using(settings.orm).filter(pk=row.pk).update(task=task.id, fired_at=fired_at)
    return task.id


def _fire(row: Schedule, settings: Settings) -> _Firing:
    """Return what a schedule that is due makes now, with the row as it will be."""
    firing, now = _Firing(row), aware(row.now)  # type: ignore[attr-defined]
    try:
        found = _plan(row, now, settings)
        firing.tasks = [_draft(row, moment, settings) for moment in found.runs]
    except DatabaseError:
        raise
    except Exception as error:  # a row that nobody checked, a receiver of pre_enqueue, on_prepared() of a task
        _note(firing, error, now)
        return firing
    _advance(firing, found, now)
    return firing


def _plan(row: Schedule, now: datetime, settings: Settings) -> Plan:
    policy = row.catch_up or settings.catch_up
    most = row.repeats if row.repeats > 0 and row.schedule_type != Schedule.ONCE else _MOST
    return plan(row.recurrence(), aware(row.next_run or now), now, policy, most=most)


def _draft(row: Schedule, moment: datetime, settings: Settings) -> Draft:
    args, kwargs = literals.read_args(row.args), literals.read_kwargs(row.kwargs)
    if row.intended_date_kwarg:
        kwargs[row.intended_date_kwarg] = in_settings_form(moment).isoformat()
    given: dict[str, Any] = {"group": row.name or str(row.pk), "cluster": row.cluster or conf.usual_name()}
    given |= given_options(row)
    if row.hook:
        given["hook"] = row.hook
    task = prepare(row.func, args, kwargs, given, settings, schedule=row.pk, due=moment.isoformat())
    task.sync = False
    return task


def _advance(firing: _Firing, found: Plan, now: datetime) -> None:
    row = firing.row
    row.error = ""
    if found.missed:
        row.remember_missed(found.missed, found.missed_total)
        logger.warning("The schedule %s missed %d runs.", row, found.missed_total, extra={"action": "missed"})
    if firing.tasks:
        row.task, row.fired_at = firing.tasks[-1].id, in_settings_form(now)
    if row.schedule_type == Schedule.ONCE:
        firing.is_over = row.repeats < 0 and bool(firing.tasks)
        row.repeats = 0
    elif row.repeats > 0:
        row.repeats -= len(firing.tasks)
    if row.schedule_type != Schedule.ONCE:
        row.next_run = None if found.following is None else in_settings_form(found.following)


def _note(firing: _Firing, error: Exception, now: datetime) -> None:
    """Keep why a schedule cannot run; it is tried again when it is due next, if it can tell when that is."""
    row = firing.row
    firing.tasks, row.error = [], describe(error)
    row.remember_missed([now], 1)
    logger.error("The schedule %s cannot run: %s", row, row.error, extra={"action": "not_fired"})
    try:
        following = row.following(now)
    except _CANNOT_RUN:  # its rule is what is wrong
        following = None
    if following is None:
        row.paused_at = in_settings_form(now)
    else:
        row.next_run = in_settings_form(following)


def _write(fired: list[_Firing], settings: Settings) -> None:
    tasks = [task for each in fired for task in each.tasks]
    if tasks:
        submit(tasks, settings)
    rows = Schedule.objects.using(settings.orm)
    over = [each.row.pk for each in fired if each.is_over]
    kept = [each.row for each in fired if not each.is_over]
    if over:
        rows.filter(pk__in=over).delete()
    if kept:
        rows.bulk_update(kept, _CHANGED)


def _write_alone(firing: _Firing, settings: Settings) -> None:
    """Write one schedule of a batch that the database refuses; keep the refusal if it is this one's."""
    try:
        with transaction.atomic(using=settings.orm):
            _write([firing], settings)
    except (DataError, IntegrityError) as error:
        _note(firing, error, clock.now())
        firing.row.error = clean(firing.row.error)
        firing.is_over = False
        _write([firing], settings)
