"""Put calls into the queue: one row each, in the caller's transaction, announced after its commit."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.utils import timezone

from django_q import conf, signals
from django_q.brokers import current_broker, inline
from django_q.brokers.base import DUE, QueueBroker
from django_q.conf import Settings
from django_q.kernel import callables, clock, ids, names
from django_q.kernel.states import TaskKind, TaskState
from django_q.models.dialects.base import Later
from django_q.models.queue import NEW_COLUMNS
from django_q.models.troubles import TROUBLES, explained
from django_q.tasks import initiator, lookup, options
from django_q.tasks.calls import takes_options
from django_q.tasks.lookup import Function
from django_q.tasks.options import Given, Options

#: What a row may belong to: a chain of which it is a step, an iteration of which it is an item, a chord.
CHAIN, ITERATION, CHORD = "chain", "iteration", "chord"

_TASK = TaskKind.TASK.value
_READY = TaskState.READY.value
_DEFERRED = TaskState.DEFERRED.value
_NOW = Later(0)
_STATE = NEW_COLUMNS.index("state")
_QUEUE = NEW_COLUMNS.index("queue")
_RECENT = 4  # calls that wait for the commit and may be the ring that is wanted


@takes_options
def async_task(func: Function, /, *args: Any, **kwargs: Any) -> str:
    """Enqueue a call of a function, by dotted path or as any picklable callable, and return the id of the task.

    Keywords that are options (see :mod:`django_q.tasks.options`), and those in ``q_options``, say how it runs; all
    others are the function's. The row is written at once, with the caller's transaction; if only another database has a
    transaction open, it is written when that one commits. With ``sync=True`` the task runs here, and what it raises is
    raised.

    Raises :exc:`~django_q.exceptions.InvalidOption` for a keyword that nobody knows,
    :exc:`~django_q.exceptions.InvalidValue` for a value that cannot be used and
    :exc:`~django_q.exceptions.UnpicklableError` for what cannot be stored.
    """
    given, kwargs = options.split(func, kwargs)
    return enqueue(func, args, kwargs, given)


def enqueue(func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], given: Given) -> str:
    """Enqueue a call whose options are known to be options, and return the id of the task."""
    settings = conf.current()
    task = prepare(func, args, kwargs, given, settings)
    submit([task], settings)
    return task.id


#: ``async`` has been a keyword since Python 3.7; this is the name that can be imported.
async_ = async_task


@takes_options
async def aasync_task(func: Function, /, *args: Any, **kwargs: Any) -> str:
    """Enqueue a call like :func:`async_task`, from a coroutine."""
    return await sync_to_async(async_task)(func, *args, **kwargs)


@dataclass(slots=True)
class Draft:
    """A row that is checked and signed, and what happens to it."""

    row: tuple[Any, ...]  # models.queue.NEW_COLUMNS
    broker: QueueBroker | None = None
    sync: bool | None = None
    told: dict[str, Any] | None = None  # what pre_enqueue was sent, and post_enqueue will be
    companions: tuple["Companion", ...] = ()
    within: tuple[tuple[str, str], ...] = ()  # what it belongs to, the outermost first: CHAIN and the like, and its id

    @property
    def id(self) -> str:
        """Return the id of the task."""
        id: str = self.row[0]
        return id

    def column(self, name: str) -> Any:
        """Return the value of a column of the row."""
        return self.row[NEW_COLUMNS.index(name)]

    def place(self, **columns: Any) -> None:
        """Change columns that say where the row stands among others: none of them is signed."""
        values = dict(zip(NEW_COLUMNS, self.row, strict=True)) | columns
        self.row = tuple(values[column] for column in NEW_COLUMNS)

    def mark(self, **marks: Any) -> None:
        """Add marks to the options of the row, which are not signed; those who are told how it ended find them."""
        stored = self.column("options")
        self.place(options=json.dumps({**(json.loads(stored) if stored else {}), **marks}, separators=(",", ":")))

    def accompany(self, write: "Writer", row: Any) -> None:
        """Have ``write`` write a row of another table in the transaction of this one; where the task runs in this
        process, before it begins.

        It is called once for all the tasks that are enqueued together, with a list of their drafts and rows, and the
        alias.
        """
        self.companions += ((write, row),)


Writer = Callable[[Sequence[tuple[Draft, Any]], str], object]
Companion = tuple[Writer, Any]


def prepare(
    func: Function,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    given: Given,
    settings: Settings,
    *,
    place: float | None = None,
    **marks: Any,
) -> Draft:
    """Return the row of a call, with these marks among its options, and tell who listens to pre_enqueue.

    Among rows of one priority it is claimed as if it had been enqueued at the moment ``place`` (seconds since the
    epoch; None: now). All that can be wrong with a call is found here, before anything is written.

    If the class of a callable object has a method ``on_prepared(self, draft, args, kwargs)``, it is called with what
    will be written, may add to it, and what it raises is raised. A function that is named by its path is asked, too, if
    its module is imported here already.
    """
    task_id = ids.new_id(place)
    if signals.pre_enqueue.receivers or signals.post_enqueue.receivers:
        prepared = _prepare_observed(task_id, func, args, kwargs, given, settings, marks)
        args, kwargs = tuple(prepared.told["args"]), prepared.told["kwargs"]  # type: ignore[index]
    else:
        prepared = draft(task_id, func, args, kwargs, options.parse(given), settings, marks)
    _ask_function(func, prepared, args, kwargs, settings)
    return prepared


def _ask_function(
    func: Function, prepared: Draft, args: tuple[Any, ...], kwargs: dict[str, Any], settings: Settings
) -> None:
    if isinstance(func, str):
        found = lookup.resolved(func) if runs_here(prepared, settings) else lookup.loaded(func)
    else:
        found = func
    ask = getattr(type(found), "on_prepared", None)
    if ask is not None:
        ask(found, prepared, args, kwargs)


def draft(
    task_id: str,
    func: Function,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    chosen: Options,
    settings: Settings,
    marks: dict[str, Any],
    *,
    is_call: bool = True,
) -> Draft:
    """Return the row of a call, or of something else that is known by a function and arguments, unknown to signals."""
    path, carried = lookup.address(func)
    if is_call:
        options.check_call(lookup.known(func), args, kwargs)
    hook, hook_object = _hook_of(chosen)
    encode = partial(settings.codec().encode, task_id=task_id, func=path, serializer=chosen.serializer)
    run_after = chosen.run_after
    row = (
        task_id,
        _TASK,
        chosen.cluster or settings.name,
        _READY if run_after is None or not _lies_ahead(run_after) else _DEFERRED,
        chosen.priority,
        Later(max(run_after.total_seconds(), 0)) if isinstance(run_after, timedelta) else run_after,
        _NOW,
        chosen.task_name or names.name_of(task_id),
        path,
        chosen.group,
        hook,
        encode(args, purpose="args", callable_=carried),
        encode(kwargs, purpose="kwargs", callable_=hook_object),
        chosen.serializer or settings.serializer,
        chosen.as_json(settings, **_marks(hook_object), **marks),
        None,
        None,
        None,
        None,
    )
    return Draft(row, chosen.broker, chosen.sync)


def submit(tasks: Sequence[Draft], settings: Settings) -> None:
    """Write rows, now or when the caller's other transaction commits: all of them or none.

    The first one says by which broker, and whether they run here instead.
    """
    first = tasks[0]
    if runs_here(first, settings):
        write_companions(tasks, settings.orm)
        for task in tasks:
            error = run_here(task)
            if error is not None:
                raise error
        return
    elsewhere = None if connections[settings.orm].in_atomic_block else _open_elsewhere()
    if elsewhere is None:
        _write(tasks, settings.orm)
    else:
        transaction.on_commit(partial(_write, tasks, settings.orm), using=elsewhere)


def run_here(task: Draft) -> BaseException | None:
    """Run a task to its end in this process; return what it raised."""
    return inline.run(task.row, partial(_tell, [task]))


def runs_here(task: Draft, settings: Settings) -> bool:
    """Does a task run in the process that enqueues it?"""
    return settings.sync if task.sync is None else task.sync


def _write(tasks: Sequence[Draft], alias: str) -> None:
    broker = tasks[0].broker or current_broker()
    rows = [task.row for task in tasks]
    are_accompanied = any(task.companions for task in tasks)
    try:
        with transaction.atomic(using=alias) if len(rows) > 1 or are_accompanied else nullcontext():
            broker.enqueue(rows)
            _write_companions(tasks, alias)
    except TROUBLES as error:
        raise explained(error, alias, coroutine="aasync_task") from error
    _tell(tasks)
    if any(row[_STATE] == _DEFERRED for row in rows):
        tell_keepers(broker, DUE, alias)
    for queue in dict.fromkeys(row[_QUEUE] for row in rows if row[_STATE] == _READY):
        announce(broker, queue, alias)


def write_companions(tasks: Sequence[Draft], alias: str) -> None:
    """Write the rows of other tables that belong to tasks that run in this process: all of them or none."""
    with transaction.atomic(using=alias) if any(task.companions for task in tasks) else nullcontext():
        _write_companions(tasks, alias)


def _write_companions(tasks: Sequence[Draft], alias: str) -> None:
    by_writer: dict[Writer, list[tuple[Draft, Any]]] = {}
    for task in tasks:
        for write, row in task.companions:
            by_writer.setdefault(write, []).append((task, row))
    for write, rows in by_writer.items():
        write(rows, alias)


def _tell(tasks: Iterable[Draft]) -> None:
    for task in tasks:
        if task.told is not None:
            signals.send(signals.post_enqueue, task=task.told)


def announce(broker: QueueBroker, queue: str, alias: str) -> None:
    """Wake the clusters that serve a queue when what was written is there for them."""
    _once_after_commit(_Bell(broker.announce, (queue,)), alias)


def tell_keepers(broker: QueueBroker, topic: str, alias: str) -> None:
    """Tell the clusters on this host of what was written, when it is there for them."""
    _once_after_commit(_Bell(broker.tell_keepers, topic), alias)


def after_commit(call: Callable[[], Any], alias: str) -> None:
    """Call when the caller's transaction is committed; at once if there is none. What is raised is logged."""
    connection = connections[alias]
    # A caller that commits by hand cannot be waited for: a poll finds the row.
    if connection.in_atomic_block or connection.autocommit:
        connection.on_commit(lambda: call(), robust=True)  # not a partial: Django logs a name that partials lack


class _Bell:
    """What is rung after a commit."""

    def __init__(self, ring: Callable[[Any], None], whom: Any) -> None:
        self.rings = (ring, whom)
        self.__qualname__ = "announce"  # what Django calls it if it fails

    def __call__(self) -> None:
        ring, whom = self.rings
        ring(whom)


def _once_after_commit(bell: _Bell, alias: str) -> None:
    """Ring after the commit, unless a bell that waits for the same commit will do."""
    connection = connections[alias]
    around = set(connection.savepoint_ids)
    for savepoints, waiting, *_ in connection.run_on_commit[-_RECENT:]:
        # One that belongs to a savepoint beside this may be undone alone.
        if isinstance(waiting, _Bell) and waiting.rings == bell.rings and savepoints <= around:
            return
    if connection.in_atomic_block or connection.autocommit:
        connection.on_commit(bell, robust=True)


def _open_elsewhere() -> str | None:
    """Return the alias of a database in which the caller has a transaction open, None if there is none."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            return connection.alias
    return None


# --- the parts of a row --------------------------------------------------------------------------------------------


def _hook_of(chosen: Options) -> tuple[str | None, Callable[..., Any] | None]:
    if chosen.hook is None:
        return None, None
    if isinstance(chosen.hook, str):
        lookup.refuse_under_debug(chosen.hook)
        return chosen.hook, None
    return callables.display_name(chosen.hook), chosen.hook


def _marks(hook_object: object) -> dict[str, Any]:
    """Return what a row carries beside what was asked for."""
    marks: dict[str, Any] = {} if hook_object is None else {"hook_pickled": True}
    user = initiator.user_key()
    return marks if user is None else {**marks, "user": user}


def _lies_ahead(moment: Any) -> bool:
    if isinstance(moment, timedelta):
        return moment > timedelta(0)
    return bool(moment > (clock.now() if timezone.is_aware(moment) else timezone.make_naive(clock.now())))


# --- observed by signals -------------------------------------------------------------------------------------------


def _prepare_observed(
    task_id: str,
    func: Function,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    given: Given,
    settings: Settings,
    marks: dict[str, Any],
) -> Draft:
    """Prepare with signals. Receivers of pre_enqueue may change name, args, kwargs and options in the dict they get."""
    chosen = options.parse(given)
    task: dict[str, Any] = {
        "id": task_id,
        "name": chosen.task_name or names.name_of(task_id),
        "func": lookup.address(func)[0],
        "args": args,
        "kwargs": kwargs,
        "started": clock.now(),  # as Django Q calls the moment of enqueueing
        "options": given,
    }
    signals.send(signals.pre_enqueue, task=task)
    chosen = options.parse({**task["options"], "task_name": task["name"]})
    prepared = draft(task_id, func, tuple(task["args"]), task["kwargs"], chosen, settings, marks)
    prepared.told = task
    return prepared
