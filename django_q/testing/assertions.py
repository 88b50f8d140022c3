"""Assertions about what was enqueued, whose failures say what was enqueued instead."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any
from unittest.mock import ANY

from django.conf import settings
from django.utils import timezone

from django_q.exceptions import InvalidValue
from django_q.kernel import callables
from django_q.tasks import lookup
from django_q.testing.seen import Enqueued, call_text, enqueued_tasks

Function = str | Callable[..., Any]

_MOST_SHOWN = 20
_CLOSE = timedelta(seconds=1)


def assert_enqueued(
    func: Function | None = None,
    /,
    *,
    args: Any = ANY,
    kwargs: Any = ANY,
    queue: Any = ANY,
    group: Any = ANY,
    hook: Any = ANY,
    priority: Any = ANY,
    name: Any = ANY,
    run_after: Any = ANY,
    count: int | None = None,
    among: Iterable[Enqueued] | None = None,
) -> list[Enqueued]:
    """Fail unless such a task was enqueued, exactly ``count`` times if that is given; return those that match.

    ``func`` is a path or the callable; what is left out may be anything, and :data:`unittest.mock.ANY` may stand for
    any part of the arguments. ``run_after`` is the moment, or the delay to within a second. It looks at every task that
    the database knows, whether it waits or has ended, or only at those ``among``.
    """
    __tracebackhide__ = True
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise InvalidValue(f"count={count!r} is not a number of tasks; write 0 or more, or leave it out.")
    wanted = _Wanted(
        func, args=args, kwargs=kwargs, queue=queue, group=group, hook=hook, priority=priority, name=name,
        run_after=run_after,
    )  # fmt: skip
    tasks = list(enqueued_tasks() if among is None else among)
    found = [task for task in tasks if not wanted.differences(task)]
    if len(found) != count if count is not None else not found:
        raise AssertionError(_complaint(wanted, tasks, found, count))
    return found


def assert_not_enqueued(func: Function | None = None, /, **wanted: Any) -> None:
    """Fail if such a task was enqueued; without arguments, if any was. Takes what :func:`assert_enqueued` takes.

    A path that leads to no function raises :exc:`~django_q.exceptions.FunctionNotFound`: nothing would ever match it.
    """
    __tracebackhide__ = True
    if "count" in wanted:
        raise InvalidValue(f"assert_not_enqueued(count={wanted['count']!r}): nothing is counted here; leave it out.")
    if isinstance(func, str):
        callables.resolve(func)
    assert_enqueued(func, count=0, **wanted)


class TaskTestMixin:
    """The assertions as methods, for test cases of unittest."""

    assertEnqueued = staticmethod(assert_enqueued)
    assertNotEnqueued = staticmethod(assert_not_enqueued)


class _Wanted:
    """What a task has to be like."""

    def __init__(self, func: Function | None, **criteria: Any) -> None:
        self.func = None if func is None else _path(func)
        self.criteria = {name: value for name, value in criteria.items() if value is not ANY}
        if isinstance(self.criteria.get("args"), list):
            self.criteria["args"] = tuple(self.criteria["args"])
        if callable(self.criteria.get("hook")):
            self.criteria["hook"] = _path(self.criteria["hook"])

    def differences(self, task: Enqueued) -> list[str]:
        """Return what about a task is not as wanted."""
        other = ["func"] if self.func is not None and self.func != task.func else []
        return other + [name for name, value in self.criteria.items() if not _fits(name, value, task)]

    def __str__(self) -> str:
        args, kwargs = self.criteria.get("args"), self.criteria.get("kwargs")
        told = self.func or ""
        if isinstance(args, tuple) or isinstance(kwargs, Mapping):
            shown = args if isinstance(args, tuple) else [_Dots()]
            told = call_text(told or "…", shown, kwargs if isinstance(kwargs, Mapping) else {})
        more = [f"{name}={value!r}" for name, value in self.criteria.items() if name not in ("args", "kwargs")]
        return " ".join(filter(None, [told, f"with {', '.join(more)}" if more else ""]))


class _Dots:
    def __repr__(self) -> str:
        return "…"


def _path(func: Function) -> str:
    return callables.normalize(func) if isinstance(func, str) else lookup.address(func)[0]


def _fits(name: str, value: Any, task: Enqueued) -> bool:
    if name != "run_after":
        return bool(value == getattr(task, name))
    moment = task.run_after
    if isinstance(value, timedelta):
        since = task.enqueued_at
        return moment is not None and since is not None and abs(moment - since - value) <= _CLOSE
    if isinstance(value, datetime) and settings.USE_TZ and timezone.is_naive(value):
        value = timezone.make_aware(value)
    return not task.has_ended and bool(value == moment)


# --- failures ------------------------------------------------------------------------------------------------------


def _complaint(wanted: _Wanted, tasks: list[Enqueued], found: list[Enqueued], count: int | None) -> str:
    head = f"{_number(len(found))} {wanted}".rstrip() + (" was enqueued" if len(found) < 2 else " were enqueued")
    if count is not None:
        head += f", not {count or 'none'}"
    return "\n".join([f"{head}.{_nearest(wanted, tasks)}", *_listing(wanted, tasks)])


def _number(count: int) -> str:
    return f"{count or 'No'} task{'s' if count > 1 else ''}"


def _nearest(wanted: _Wanted, tasks: list[Enqueued]) -> str:
    """Return a question if the function was not enqueued at all, and one of a similar name was."""
    funcs = {task.func for task in tasks}
    if wanted.func is None or wanted.func in funcs:
        return ""
    close = get_close_matches(wanted.func, sorted(funcs), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _listing(wanted: _Wanted, tasks: list[Enqueued]) -> list[str]:
    """Return a line for each task that was enqueued, those that differ least first."""
    if not tasks:
        return ["Nothing was enqueued."]
    pairs = sorted(
        ((task, wanted.differences(task)) for task in tasks), key=lambda pair: ("func" in pair[1], len(pair[1]))
    )
    lines = [f"  {task}{_about(wanted, task, other)}" for task, other in pairs[:_MOST_SHOWN]]
    more = [f"  … and {len(tasks) - _MOST_SHOWN} more"] if len(tasks) > _MOST_SHOWN else []
    return ["Enqueued were:", *lines, *more]


def _about(wanted: _Wanted, task: Enqueued, other: list[str]) -> str:
    """Say what differs, beyond the call that is shown anyway, and if the task has ended."""
    told = [f"{name}={getattr(task, name)!r}" for name in wanted.criteria if name not in ("args", "kwargs")]
    if other and other[0] != "func":
        told.append(f"other {' and '.join(other)}")
    if task.has_ended:
        told.append("has ended")
    return f"  [{', '.join(told)}]" if told else ""
