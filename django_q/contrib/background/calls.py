"""Write the rows of a call: that of the queue and our own, in one transaction."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, OperationalError, connections, models, transaction
from django.utils import timezone

from django_q import conf
from django_q.contrib.background import options, signals
from django_q.contrib.background.models import Task, hash_of, parameters
from django_q.contrib.background.schedules import TaskSchedule
from django_q.models import OrmQ
from django_q.tasks.control import wake_keepers
from django_q.tasks.enqueue import Draft, prepare, submit

#: The mark, among the options of a queue row, of a task that has a row of ours; UNIQUE if it holds the key of its kind.
MARK, PLAIN, UNIQUE = "background", "plain", "unique"
#: attempts to the fourth power and five: 6, 21, 86, 261 seconds, and so on.
BACKOFF = {"kind": "polynomial", "delay": 5, "factor": 4, "maximum": 10_000_000, "jitter": 0}

_RACES = 5  # tries to be the only one, each against somebody else's
_MYSQL_DEADLOCK, _POSTGRESQL_DEADLOCK = 1213, "40P01"


@dataclass(slots=True)
class Call:
    """A call of a proxy, and what was said of it."""

    function: Callable[..., Any]  # the proxy itself, which has a path
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    schedule: TaskSchedule
    queue: str | None = None
    verbose_name: str | None = None
    creator: models.Model | None = None
    repeat: int = 0  # seconds
    repeat_until: datetime | None = None

    @property
    def params(self) -> str:
        """Return the arguments as they are stored."""
        return parameters(self.args, self.kwargs)

    @property
    def hash(self) -> str:
        """Return what equal calls have in common."""
        return hash_of(self.name, self.params)


def enqueue(call: Call, *, remove_existing_tasks: bool = False) -> Task | None:
    """Enqueue a call, and return its row; None if an equal one was found and the action said what to do then."""
    settings = conf.current()
    if call.schedule.action == TaskSchedule.SCHEDULE:
        draft, row = _draft(call, settings, PLAIN)
        draft.accompany(write_instead if remove_existing_tasks else write, row)
        submit([draft], settings)
        signals.send(signals.task_created, type(call.function), task=row)
        return row
    return _in_one_go(settings.orm, partial(_enqueue_only, call, settings, remove_existing_tasks))


def _in_one_go(alias: str, do: Callable[[], Task | None]) -> Task | None:
    """Do it in a transaction, and again if the database ended that in favour of another one.

    Inside a transaction of the caller it is once: what was done there before would be gone, too.
    """
    tries = 1 if connections[alias].in_atomic_block else _RACES
    while True:
        tries -= 1
        try:
            with transaction.atomic(using=alias):
                if connections[alias].vendor == "sqlite":
                    # Writers queue up only before they read: nothing is changed, and the right to write is taken.
                    OrmQ.objects.using(alias).filter(pk="").update(key=None)
                return do()
        except OperationalError as error:
            if not tries or not _is_deadlock(error):
                raise


def _is_deadlock(error: OperationalError) -> bool:
    """Did the database end one of two transactions that waited for each other?"""
    is_mysqls = bool(error.args) and error.args[0] == _MYSQL_DEADLOCK
    return is_mysqls or getattr(error.__cause__, "sqlstate", "") == _POSTGRESQL_DEADLOCK


def _enqueue_only(call: Call, settings: conf.Settings, remove_existing_tasks: bool) -> Task | None:
    if remove_existing_tasks:
        Task.objects.using(settings.orm).filter(task_hash=call.hash).drop()
    return _enqueue_unless_there(call, settings)


def _enqueue_unless_there(call: Call, settings: conf.Settings) -> Task | None:
    for _ in range(_RACES):
        if _find_equal(call, settings.orm):
            return None
        draft, row = _draft(call, settings, UNIQUE)
        draft.accompany(write, row)
        try:
            with transaction.atomic(using=settings.orm):
                submit([draft], settings)
        except IntegrityError:
            if _meet_holder(call, settings.orm):
                return None
            continue
        signals.send(signals.task_created, type(call.function), task=row)
        return row
    raise IntegrityError(f"{call.name!r} could not be enqueued once: others held its key {_RACES} times. Try again.")


def _find_equal(call: Call, alias: str) -> bool:
    """Do with equal tasks what the action says. Return whether there were any."""
    equal = Task.objects.using(alias).filter(task_hash=call.hash)
    if call.schedule.action == TaskSchedule.CHECK_EXISTING:
        # One that runs and repeats is there, too: when it has ended its repetition is.
        return equal.filter(models.Q(entry__claimed_by=None) | models.Q(repeat__gt=0)).exists()
    return bool(_move_to(call, list(equal.unlocked().values_list("pk", flat=True)), alias))


def _move_to(call: Call, ids: list[str], alias: str) -> int:
    """Give tasks the time and the priority of a call; return to how many, which nobody has claimed meanwhile."""
    rows, moment = OrmQ.objects.using(alias).filter(pk__in=ids), call.schedule.run_at
    moved = rows.reschedule(moment)
    if moved:
        rows.change_priority(call.schedule.priority * options.sign_of_priority())
        Task._base_manager.using(alias).filter(pk__in=ids).update(scheduled_for=moment)
        wake_keepers()
    return moved


def _meet_holder(call: Call, alias: str) -> bool:
    """Do what the action says with the row that holds the key. False: it runs, and holds the key no longer."""
    keyed = OrmQ.objects.using(alias).filter(key=key_of(call.hash))
    # In MySQL all who were refused share a lock on the row: whoever asks for more than that waits for the others.
    if call.schedule.action == TaskSchedule.CHECK_EXISTING and keyed.filter(claimed_by=None).exists():
        return True
    # A locking read sees what was committed since our snapshot was made.
    holder = keyed.select_for_update().first()
    if holder is None:
        return False
    if holder.claimed_by is None:
        return call.schedule.action == TaskSchedule.CHECK_EXISTING or bool(_move_to(call, [holder.pk], alias))
    OrmQ.objects.using(alias).filter(pk=holder.pk).update(key=None)
    return False


def _draft(call: Call, settings: conf.Settings, mark: str) -> tuple[Draft, Task]:
    """Return the queue row of a call and ours; nothing is written yet."""
    schedule, moment = call.schedule, call.schedule.run_at
    # A repeating task keeps to its grid, so that both rows have to name the same moment.
    when: Any = moment if call.repeat or schedule.delay is None else schedule.delay
    given = {
        "cluster": call.queue,
        "priority": schedule.priority * options.sign_of_priority(),
        "run_after": when if schedule.has_moment else None,
        **usual_options(),
    }
    args, kwargs = json.loads(call.params)  # as a worker on any host will have them
    draft = draft_of(call.function, args, kwargs, given, settings, moment if schedule.has_moment else None, mark)
    if mark == UNIQUE:
        draft.place(key=key_of(call.hash))
    row = Task(
        id=draft.id,
        task_name=call.name,
        task_params=call.params,
        task_hash=call.hash,
        verbose_name=call.verbose_name,
        scheduled_for=moment,
        repeat=call.repeat,
        repeat_until=call.repeat_until,
        **_creator(call.creator),
    )
    vars(row).update(
        run_at=moment, priority=schedule.priority, queue=draft.column("queue"), attempts=0, locked_by=None,
        locked_at=None, failed_at=None, errors="",
    )  # fmt: skip
    return draft, row


def draft_of(
    function: Any,
    args: Iterable[Any],
    kwargs: dict[str, Any],
    given: dict[str, Any],
    settings: conf.Settings,
    moment: datetime | None,
    mark: str,
) -> Draft:
    """Return the queue row of a background task: it stands in line by the moment for which it is scheduled, if any."""
    if moment is not None and timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    place = None if moment is None else moment.timestamp()
    marks: dict[str, Any] = {"patient": True, MARK: mark}
    return prepare(function, tuple(args), kwargs, given, settings, place=place, **marks)


def usual_options() -> dict[str, Any]:
    """Return the options that every background task has."""
    return {
        "max_attempts": options.option("max_attempts"),
        "timeout": options.option("timeout"),
        "backoff": BACKOFF,
        "save": True,
    }


def key_of(hash: str) -> str:
    """Return the key of which the queue holds one row."""
    return f"background:{hash}"


def _creator(creator: models.Model | None) -> dict[str, Any]:
    if creator is None:
        return {}
    kind = ContentType.objects.db_manager(conf.current().orm).get_for_model(creator)
    return {"creator_content_type_id": kind.pk, "creator_object_id": str(creator.pk)}


def write(rows: Sequence[tuple[Draft, Task]], alias: str) -> None:
    """Write our rows of calls that are enqueued together."""
    Task._base_manager.using(alias).bulk_create([row for _, row in rows])


def write_instead(rows: Sequence[tuple[Draft, Task]], alias: str) -> None:
    """Write our rows of calls, and take equal ones back that wait; those that run go on."""
    for _, row in rows:
        Task.objects.using(alias).filter(task_hash=row.task_hash).exclude(pk=row.pk).drop()
    write(rows, alias)
