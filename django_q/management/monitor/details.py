"""What is known of one row, as lines of text: looked up when somebody asks for it, arguments and results left out."""

import json
from collections.abc import Iterator

from django_q import conf
from django_q.exceptions import ClusterError
from django_q.management.monitor import numbers
from django_q.management.monitor.screens import clusters
from django_q.management.monitor.seen import Seen, Tab
from django_q.models import OrmQ, Schedule, Task
from django_q.models.schedule import aware
from django_q.tasks import progress_of
from django_q.tasks.waiting import explain

_HEAVY = ("args", "kwargs", "result")


def details_of(tab: Tab, key: str, seen: Seen) -> list[str]:
    """Return what is known of a row of a tab. Raises :exc:`django.db.Error` when the database cannot be read."""
    if tab in (Tab.CLUSTERS, Tab.MEMORY):
        found = next((view for view in seen.living if view.id == key), None)
        return ["It has ended."] if found is None else list(clusters.details(found, seen.at))
    if tab is Tab.SCHEDULES:
        return list(_schedule(key))
    if tab is Tab.THROUGHPUT:
        return ["Press Failures (5) for what failed; the admin lists all tasks of the history."]
    return list(_task(key))


def _task(id: str) -> Iterator[str]:
    """Yield what is known of a task, wherever it is."""
    alias = conf.current().orm
    row = OrmQ.objects.using(alias).filter(pk=id).defer("args", "kwargs").first()
    if row is not None:
        yield from _queued(row)
        return
    task = Task.objects.using(alias).filter(pk=id).defer(*_HEAVY).first()
    if task is None:
        yield "It is gone: it left no row in the history, or that was pruned."
        return
    yield from _ended(task)


def _queued(row: OrmQ) -> Iterator[str]:
    yield f"id         {row.pk}"
    yield f"function   {row.func}"
    yield f"queue      {row.queue}, priority {row.priority}"
    yield f"state      {explain(row.pk).text}"
    yield f"enqueued   {numbers.moment(row.enqueued_at)}"
    yield f"due        {numbers.moment(row.run_after)}"
    yield f"attempts   {row.attempts} ended in an error, {row.crashes} with their process; {row.rescues} rescues"
    yield from _progress(row.pk)
    yield from _named(row)
    yield from _errors(row.errors)


def _ended(task: Task) -> Iterator[str]:
    how = "succeeded" if task.success else task.reason or "error"
    yield f"id         {task.pk}"
    yield f"function   {task.func}"
    yield f"ended      {numbers.moment(task.stopped)}: {how}"
    yield f"started    {numbers.moment(task.started)}, ran {numbers.span(max(0.0, task.time_taken()))}"
    yield f"enqueued   {numbers.moment(task.enqueued_at)} in the queue {task.queue}"
    yield f"worker     {task.worker or numbers.NOTHING}"
    yield f"attempts   {task.attempt_count}, {task.crashes} ended with their process"
    yield from _progress(task.pk)
    yield from _named(task)
    if task.error:
        yield from ["", *task.error.splitlines()]
    if task.traceback.strip() != task.error.strip():
        yield ""
        yield from task.traceback.rstrip().splitlines()
    if task.hook_error:
        yield from ["", "The hook failed:", *task.hook_error.rstrip().splitlines()]
    yield from _errors(task.errors)


def _progress(id: str) -> Iterator[str]:
    """Yield how far the task said that it was, if it did."""
    found = progress_of(id)
    if found is not None:
        yield f"progress   {numbers.progress(found)} at {numbers.moment(found.updated_at)}"


def _named(row: OrmQ | Task) -> Iterator[str]:
    for word, value in (("group", row.group), ("hook", row.hook), ("chain", row.chain)):
        if value:
            yield f"{word:<9}  {value}"


def _errors(text: str) -> Iterator[str]:
    """Yield the errors of earlier attempts, the newest first."""
    found = [each for each in json.loads(text) if isinstance(each, dict)] if text else []
    if found:
        yield from ["", "Earlier attempts, the newest first:"]
    for each in reversed(found):
        yield f"  {each.get('at', '')}  {each.get('reason', '')}  {each.get('error', '')}"


def _schedule(id: str) -> Iterator[str]:
    """Yield what is known of a schedule, with its next five runs."""
    row = Schedule.objects.using(conf.current().orm).filter(pk=int(id)).first()
    if row is None:
        yield "It was deleted."
        return
    yield f"function   {row.func}"
    yield f"last       {'never' if row.fired_at is None else numbers.moment(aware(row.fired_at))}"
    yield f"repeats    {'for ever' if row.repeats < 0 else row.repeats}"
    yield f"missed     {row.missed}"
    yield from (f"           {moment:%Y-%m-%d %H:%M:%S %Z}" for moment in reversed(row.missed_moments()))
    if row.error:
        yield from ["", *row.error.splitlines()]
    yield from ["", "Next runs:"]
    try:
        moments = row.next_runs(5)
    except ClusterError as error:
        yield f"  {error}"
        return
    yield from [f"  {moment:%a %Y-%m-%d %H:%M:%S %Z}" for moment in moments] or ["  none"]
