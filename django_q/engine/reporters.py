"""Error reporters: what other packages register to be told of failures, under Django Q's entry points.

A reporter is a class that is made with the keywords of Q_CLUSTER["error_reporter"]; its ``report()`` is called while
the exception is being handled, so that ``sys.exc_info()`` names it.
"""

import inspect
import logging
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from django_q import conf
from django_q.engine.context import RunningTask

logger = logging.getLogger("django_q")

#: The group of the entry points, as Django Q named it.
GROUP = "djangoq.errorreporters"

Report = Callable[..., object]


def report(error: BaseException, task: RunningTask) -> None:
    """Tell every reporter of an error; one that takes ``task`` is told of the task too. None of them can do harm."""
    trace = error.__traceback__
    for name, call in _reporters():
        try:
            raise error
        except BaseException:  # the wall between the user's error and the reporters, which read it from here
            _tell(name, call, task)
        error.__traceback__ = trace  # without this frame


def load() -> None:
    """Make the reporters, so that they are ready before the first failure."""
    _reporters()


def missing() -> list[str]:
    """Return the names in Q_CLUSTER["error_reporter"] that no installed package offers."""
    wanted = conf.current().error_reporter
    offered = {point.name for point in entry_points(group=GROUP)} if wanted else ()
    return [name for name in wanted if name not in offered]


def _tell(name: str, call: Report, task: RunningTask) -> None:
    try:
        if "task" in inspect.signature(call).parameters:
            call(task=task)
        else:
            call()
    except Exception:  # the wall around somebody else's reporter
        logger.exception("The error reporter %r failed.", name, extra={"action": "reporter_failed"})


def _reporters() -> tuple[tuple[str, Report], ...]:
    wanted = conf.current().error_reporter
    return _made(tuple(sorted(wanted))) if wanted else ()


@lru_cache(maxsize=1)
def _made(names: tuple[str, ...]) -> tuple[tuple[str, Report], ...]:
    return tuple(_make(names))


def _make(names: tuple[str, ...]) -> Iterator[tuple[str, Report]]:
    wanted = conf.current().error_reporter
    for point in entry_points(group=GROUP):
        if point.name not in names:
            continue
        try:
            made: Any = point.load()(**wanted[point.name])
            yield point.name, made.report
        except Exception:  # the wall around somebody else's reporter
            logger.exception("The error reporter %r cannot be used.", point.name, extra={"action": "reporter_failed"})
