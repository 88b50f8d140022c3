"""Iterations: one function called with many arguments at once, and one task that holds all results."""

import json
from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async

from django_q import conf
from django_q.brokers import Broker
from django_q.conf import Settings
from django_q.engine.gathering import ITEMS
from django_q.exceptions import InvalidValue
from django_q.kernel import ids
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import Task
from django_q.tasks import options, results
from django_q.tasks.enqueue import ITERATION, Draft, draft, prepare, run_here, runs_here, submit, write_companions
from django_q.tasks.lookup import Function
from django_q.tasks.options import Given
from django_q.tasks.remarks import remark

#: Options that say what becomes of the whole rather than of an item.
OF_THE_WHOLE = frozenset({"save", "cached", "task_name", "hook", "group"})


def async_iter(func: Function, args_iter: Iterable[Any], /, **kwargs: Any) -> str:
    """Enqueue a call for each of the arguments, and return the id of the task that will hold all results.

    An item that is no tuple is the one argument of its call. The other keywords are those of
    :func:`~django_q.tasks.async_task`: options, of each item, and keywords of every call; ``save`` and ``cached`` are
    about the whole. Its result is the list of what the items returned, in the order of ``args_iter``. It succeeds if
    all items did; else the error of each that failed stands in its place.

    The items are tasks of the group with the returned id. No cache is needed. A hook is not called, as in Django Q.
    Raises what :func:`~django_q.tasks.async_task` raises, before anything is written.
    """
    settings, whole_id = conf.current(), ids.new_id()
    given, kwargs = options.split(func, kwargs)
    if given.pop("hook", None) is not None:
        remark("async_iter() calls no hook, as in Django Q. Wait for its result instead.", UserWarning)
    calls = calls_of(args_iter)
    items = items_of(func, calls, kwargs, given, whole_id, settings)
    whole = whole_of(func, calls, kwargs, given, whole_id, settings)
    if runs_here(whole, settings):
        _run_here([*items, whole], settings)
    else:
        submit([whole, *items], settings)
    return whole_id


def iterate_again(whole: Task) -> str:
    """Enqueue an iteration of the history again, with the options of the whole, and return the new id."""
    stored = json.loads(whole.options)
    given = {name: value for name, value in stored.items() if name in options.OPTIONS}
    [calls] = whole.args
    return async_iter(whole.func, calls, **whole.kwargs, q_options=given)


def is_iteration(task: Task) -> bool:
    """Is it the task that stands for all items of an iteration?"""
    return ITEMS in (json.loads(task.options) if task.options else {})


async def aasync_iter(func: Function, args_iter: Iterable[Any], /, **kwargs: Any) -> str:
    """Enqueue an iteration like :func:`async_iter`, from a coroutine."""
    return await sync_to_async(async_iter)(func, args_iter, **kwargs)


class Iter:
    """An iteration to which calls are added before it is enqueued."""

    def __init__(
        self,
        func: Function | None = None,
        args: Iterable[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        cached: bool | float | None = None,
        sync: bool | None = None,
        broker: Broker | None = None,
    ) -> None:
        self.func = func
        self.args: list[Any] = list(args or ())
        self.kwargs = dict(kwargs or {})
        self.cached = cached
        self.sync = sync
        self.broker = broker
        self.id = ""
        self.started = False

    def append(self, *args: Any) -> int:
        """Add the arguments of one call and return how many calls there are. What ran before is forgotten."""
        self.args.append(args)
        self.started = False
        return self.length()

    def run(self) -> str:
        """Enqueue the calls and return the id of the task that will hold their results."""
        if self.func is None:
            raise InvalidValue("Iter() has no function. Write Iter(function), or set its func.")
        options = {"cached": self.cached, "sync": self.sync, "broker": self.broker}
        given = {name: value for name, value in options.items() if value is not None}
        self.id = async_iter(self.func, self.args, **{**self.kwargs, **given})
        self.started = True
        return self.id

    def result(self, wait: float = 0) -> Any:
        """Return the list of results, None while there is none; ``wait`` is in milliseconds, -1 waits for ever."""
        return results.result(self.id, wait, True if self.cached else None) if self.started else None

    def fetch(self, wait: float = 0) -> Task | None:
        """Return the task that holds the results, None while there is none; ``wait`` is that of :meth:`result`."""
        return results.fetch(self.id, wait, True if self.cached else None) if self.started else None

    def length(self) -> int:
        """Return how many calls there are."""
        return len(self.args)


# --- the rows ------------------------------------------------------------------------------------------------------


def calls_of(args_iter: Any) -> list[tuple[Any, ...]]:
    """Return the arguments of each call. Raises :exc:`~django_q.exceptions.InvalidValue` for what is no iterable."""
    if isinstance(args_iter, (str, bytes)) or not isinstance(args_iter, Iterable):
        raise InvalidValue(f"{args_iter!r} is nothing to iterate over. Pass a list of arguments: [(1, 2), (3, 4)].")
    return [item if isinstance(item, tuple) else (item,) for item in args_iter]


def items_of(
    func: Function, calls: list[tuple[Any, ...]], kwargs: dict[str, Any], given: Given, whole: str, settings: Settings
) -> list[Draft]:
    """Return the rows of the calls."""
    # The whole needs the rows of its items, whatever the settings say of rows that nobody asked for.
    kept = {"save": True, "cached": False, "group": whole}
    mine = {name: value for name, value in given.items() if name not in OF_THE_WHOLE} | kept
    items = [prepare(func, args, kwargs, mine, settings) for args in calls]
    for item in items:
        item.place(chain=whole)
        item.within = ((ITERATION, whole),)
    return items


def whole_of(
    func: Function,
    calls: list[tuple[Any, ...]],
    kwargs: dict[str, Any],
    given: Given,
    whole_id: str,
    settings: Settings,
    **marks: Any,
) -> Draft:
    """Return the row that gathers the results: ready when no item is left in the queue."""
    mine = {name: value for name, value in given.items() if name not in ("group", "hook", "run_after")}
    whole = draft(
        whole_id, func, (calls,), kwargs, options.parse(mine), settings, {ITEMS: len(calls), **marks}, is_call=False
    )
    whole.place(kind=TaskKind.GATHER.value, state=(TaskState.WAITING if calls else TaskState.READY).value)
    return whole


def _run_here(rows: list[Draft], settings: Settings) -> None:
    """Run items and gather in this process; raise what the first item that failed raised, when all have ended."""
    write_companions(rows, settings.orm)
    errors = []
    for row in rows:
        row.place(state=TaskState.READY.value)
        errors.append(run_here(row))
    first = next((error for error in errors if error is not None), None)
    if first is not None:
        raise first
