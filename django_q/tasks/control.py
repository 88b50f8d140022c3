"""Take tasks back, stop them, run them again, and count them."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from django_q import conf, signals
from django_q.brokers import Broker, current_broker
from django_q.brokers.base import DUE, STOP
from django_q.conf import Settings
from django_q.engine import cached, recorded, records, succession
from django_q.engine.decision import EXPIRES
from django_q.engine.gathering import COLLECTS
from django_q.engine.succession import Step
from django_q.exceptions import InvalidValue
from django_q.kernel import ids, names
from django_q.kernel.codec import serializer_of
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, TaskKind, TaskState
from django_q.models import OrmQ, Task
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import Later
from django_q.models.fields import sealed_bytes
from django_q.models.queue import NEW_COLUMNS
from django_q.tasks import options, results
from django_q.tasks.enqueue import Draft, after_commit, announce, submit, tell_keepers
from django_q.tasks.iterations import is_iteration, iterate_again
from django_q.tasks.results import Name

_CANCELED = "Canceled before it started."
_DELETED = "Deleted before it started."
_RACES = 5  # looks at a row that changes hands between look and move


def delete(task_id: Name) -> bool:
    """Delete a task that ended, or that nobody has claimed, by its id or name; tell whether there was one.

    A task that runs is not deleted: :func:`cancel` it first.
    """
    settings, text = conf.current(), results.id_or_name(task_id)
    task = Task.objects.using(settings.orm).named(text)
    if task is not None:
        return bool(task.delete()[0])
    row = _newest(text, settings)
    if row is not None:
        return _drop(row, settings)
    return cached.delete(text, settings)


def cancel(task_id: Name) -> bool:
    """Cancel a task by its id or name; tell whether there was something to cancel.

    What nobody has claimed moves to the history as canceled; an iteration with those of its items, a chord with those
    of its calls. What a cluster holds is asked to stop: the task is raised :exc:`~django_q.exceptions.TaskCanceled`,
    and its process is killed if it does not listen.
    """
    settings, text = conf.current(), results.id_or_name(task_id)
    for _ in range(_RACES):
        row = _newest(text, settings)
        if row is None:
            return False
        if _ask_to_stop(row, settings) if row.state == TaskState.CLAIMED else _take_back(row, settings):
            _cancel_what_it_collects(row, settings)
            return True
    return False


def take_back(task_ids: Iterable[str]) -> list[str]:
    """Cancel those of some tasks that nobody has claimed, in one transaction, and return their ids.

    What a cluster holds goes on. The later steps of their chains end with them.
    """
    settings = conf.current()
    queue = OrmQ.objects.using(settings.orm).exclude(kind=TaskKind.HOOK).exclude(state=TaskState.CLAIMED)
    # Read before the transaction begins: on SQLite one that has read may write no more once another one has written.
    rows = list(queue.filter(pk__in=set(task_ids)).order_by("pk"))
    with transaction.atomic(using=settings.orm), recorded.together(settings.orm):
        return [row.pk for row in rows if _take_back(row, settings)]


def requeue(task: Name | Task) -> str:
    """Enqueue a task of the history again, with all it was given, under a new id; return that. An iteration is enqueued
    with all its items.

    Raises :exc:`~django_q.exceptions.InvalidValue` if the history has no such task and
    :exc:`~django_q.exceptions.PayloadError` if what it stored cannot be trusted.
    """
    settings = conf.current()
    found = task if isinstance(task, Task) else Task.objects.using(settings.orm).named(results.id_or_name(task))
    if found is None:
        raise InvalidValue(f"The history has no task {task!r}; it has not ended, or it was pruned.")
    return iterate_again(found) if is_iteration(found) else _enqueue_again(found, settings)


def duplicate(task: Name | OrmQ) -> str:
    """Enqueue another task like one that has not ended, with all it was given, under a new id; return that.

    What is due later is due then again; what follows another step of a chain is enqueued alone.
    Raises :exc:`~django_q.exceptions.InvalidValue` if the queue has no such task and
    :exc:`~django_q.exceptions.PayloadError` if what it stored cannot be trusted.
    """
    settings = conf.current()
    row = task if isinstance(task, OrmQ) else _newest(results.id_or_name(task), settings)
    if row is None or row.kind != TaskKind.TASK:
        raise InvalidValue(f"The queue has no task {str(task)!r}; requeue() runs one again that has ended.")
    return _enqueue_again(row, settings)


def change_priority(task_id: Name, priority: int) -> bool:
    """Give a task that nobody has claimed another priority, by its id or name; tell whether there was one.

    Raises :exc:`~django_q.exceptions.InvalidValue` for a priority that cannot be stored.
    """
    settings = conf.current()
    chosen = options.checked("priority", priority)
    row = _newest(results.id_or_name(task_id), settings)
    return row is not None and bool(OrmQ.objects.using(settings.orm).filter(pk=row.pk).change_priority(chosen))


def change_run_after(task_id: Name, run_after: datetime | timedelta) -> bool:
    """Choose another moment before which a task must not run, by its id or name; tell whether there was one to choose
    for: nobody has claimed it, and it follows no other task.

    A moment that is over, or no delay, lets it run at once. Raises :exc:`~django_q.exceptions.InvalidValue` for what is
    no moment.
    """
    settings = conf.current()
    moment = options.checked("run_after", run_after)
    row = _newest(results.id_or_name(task_id), settings)
    if row is None:
        return False
    if isinstance(moment, timedelta):
        moment = dialect_for(settings.orm).later_expression(moment.total_seconds())
    if not OrmQ.objects.using(settings.orm).filter(pk=row.pk).reschedule(moment):
        return False
    wake_keepers()
    return True


def wake_keepers() -> None:
    """Have the clusters of this host look, after the commit, for rows whose time has come or was changed."""
    tell_keepers(current_broker(), DUE, conf.current().orm)


def queue_size(queue: str | Broker | None = None, *, broker: Broker | None = None) -> int:
    """Count the tasks that wait to be claimed, in one queue or in all. Hooks and what is claimed do not count.

    A queue is named, or meant by its broker.
    """
    chosen = queue if broker is None else broker
    queue = chosen.list_key if isinstance(chosen, Broker) else chosen
    waiting = OrmQ.objects.using(conf.current().orm).filter(kind=TaskKind.TASK).exclude(state=TaskState.CLAIMED)
    return waiting.count() if queue is None else waiting.filter(queue=queue).count()


def _newest(text: str, settings: Settings) -> OrmQ | None:
    return OrmQ.objects.using(settings.orm).named(text).order_by("-pk").first()


def _drop(row: OrmQ, settings: Settings) -> bool:
    """Delete a row that nobody has claimed; the later steps of its chain end with it."""
    with transaction.atomic(using=settings.orm), recorded.together(settings.orm):
        if not OrmQ.objects.using(settings.orm).filter(pk=row.pk).discard():
            return False
        recorded.tell_unrun(row, _DELETED, settings.orm)
        ready = _follow(row, settings)
    for queue in ready:
        announce(current_broker(), queue, settings.orm)
    return True


def _cancel_what_it_collects(row: OrmQ, settings: Settings) -> None:
    """Cancel the items of an iteration, and the iteration whose results a call waits for."""
    if row.waits_for and COLLECTS in json.loads(row.options or "{}"):
        cancel(row.waits_for)
    if row.kind != TaskKind.GATHER:
        return
    for item in OrmQ.objects.using(settings.orm).filter(chain=row.pk).defer("args", "kwargs").order_by("pk"):
        cancel(item.pk)


def _take_back(row: OrmQ, settings: Settings) -> bool:
    """Move a row that nobody has claimed to the history, with what follows from its end. False: somebody was faster."""
    outcome = Outcome(row.pk, "", Ending.CANCELED, Report(0.0, 0.0))
    values = {name: row.__dict__[name] for name in ("id", "name", "func", "group", "hook", "queue", "args", "kwargs")}
    with transaction.atomic(using=settings.orm), recorded.together(settings.orm):
        if not records.archive_unrun(settings.orm, row, cluster=None, error=_CANCELED):
            return False
        ready = _follow(row, settings) | ({row.queue} if row.hook else set())
    for queue in ready:
        announce(current_broker(), queue, settings.orm)
    told = partial(signals.send, signals.post_execute, task=records.summary(values, outcome))
    after_commit(told, settings.orm)
    return True


def _follow(row: OrmQ, settings: Settings) -> set[str]:
    """See to what waited for a row that has left the queue; return the queues in which rows became ready."""
    if not row.chain:
        return set()
    stored = json.loads(row.options) if row.options else {}
    step = Step.of(row.pk, row.name, row.chain, stored, succeeded=False)
    return succession.follow(settings.orm, [step], cluster=None)


def _ask_to_stop(row: OrmQ, settings: Settings) -> bool:
    """Ask the cluster that holds a row to stop it. False: it changed hands since."""
    if row.stop_requested_at is None and not OrmQ.objects.using(settings.orm).filter(pk=row.pk).request_stop():
        return False
    tell_keepers(current_broker(), STOP, settings.orm)
    return True


def _enqueue_again(task: Task | OrmQ, settings: Settings) -> str:
    again = Draft(_row_again(task, settings), sync=False)
    submit([again], settings)
    return again.id


def _without_expiry(stored: str) -> str:
    """Return a row's options for another run of it: whoever wants that does not want it to lapse at once."""
    if EXPIRES not in stored:
        return stored
    kept = {name: value for name, value in json.loads(stored).items() if name != EXPIRES}
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def _row_again(task: Task | OrmQ, settings: Settings) -> tuple[Any, ...]:
    """Return NEW_COLUMNS of a task that is known already; what was signed for the old id is signed anew."""
    task_id, codec = ids.new_id(), settings.codec()
    row: dict[str, Any] = dict.fromkeys(NEW_COLUMNS) | {"serializer": settings.serializer}
    row.update({name: getattr(task, name) for name in ("func", "group", "hook", "priority")})
    row["options"] = _without_expiry(task.options)
    for purpose in ("args", "kwargs"):
        blob = sealed_bytes(task, purpose)
        if blob is not None:
            carried, value = codec.decode_call(blob, purpose=purpose, task_id=task.pk, func=task.func)
            serializer = row["serializer"] = serializer_of(blob)
            row[purpose] = codec.encode(
                value, purpose=purpose, task_id=task_id, func=task.func, callable_=carried, serializer=serializer
            )
    is_deferred = isinstance(task, OrmQ) and task.state == TaskState.DEFERRED
    row.update(
        id=task_id,
        kind=TaskKind.TASK.value,
        queue=task.queue or settings.name,
        state=(TaskState.DEFERRED if is_deferred else TaskState.READY).value,
        run_after=task.run_after if isinstance(task, OrmQ) and is_deferred else None,
        enqueued_at=Later(0),
        name=names.name_of(task_id),
        requeued_from=task.pk if isinstance(task, Task) else None,
    )
    return tuple(row[column] for column in NEW_COLUMNS)
