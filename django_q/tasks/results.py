"""Read what became of a task: by its id or name, at once or after a wait."""

import asyncio
import logging
import warnings
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async

from django_q import conf
from django_q.conf import Settings
from django_q.engine import cached as cache
from django_q.exceptions import InvalidValue
from django_q.kernel import clock, ids
from django_q.models import Task
from django_q.models.fields import Sealed
from django_q.models.troubles import TROUBLES, explained
from django_q.tasks.waiting import explain

logger = logging.getLogger("django_q")

_FIRST_PAUSE = 0.005  # seconds
_LONGEST_PAUSE = 0.1
_PATIENCE = 3000.0  # milliseconds until whoever waits for ever is told if that is in vain
_PAYLOADS = ("args", "kwargs", "result")

Found = TypeVar("Found")
Name = str | UUID


def result(task_id: Name, wait: float = 0, cached: bool | None = None) -> Any:
    """Return what a task returned, by its id or name; None while it has not been executed.

    ``wait`` is in milliseconds: 0 looks once, -1 waits for ever. The result of a failure is its error as text. With
    ``cached`` only the cache is asked, with ``cached=False`` only the history, else the one after the other.
    Raises :exc:`~django_q.exceptions.PayloadError` if the stored result cannot be trusted.
    """
    task = fetch(task_id, wait, cached)
    return None if task is None else task.result


def fetch(task_id: Name, wait: float = 0, cached: bool | None = None) -> Task | None:
    """Return a task that was executed, by its id or name (the newest of that name); None before.

    ``wait`` is in milliseconds: 0 looks once, -1 waits for ever. A wait that is in vain, for want of a cluster for
    example, is logged with the reason. A result that went to the cache comes as an instance that is not stored;
    ``cached`` is that of :func:`result`.
    """
    look = _look(task_id, cached)
    found = wait_for(look, _PATIENCE if wait == -1 else wait)
    if found is None and wait != 0:
        _say_why(task_id)
    return wait_for(look, wait) if found is None and wait == -1 else found


async def aresult(task_id: Name, wait: float = 0, cached: bool | None = None) -> Any:
    """Return what :func:`result` returns, without blocking the event loop."""
    task = await afetch(task_id, wait, cached)
    return None if task is None else await sync_to_async(lambda: task.result)()


async def afetch(task_id: Name, wait: float = 0, cached: bool | None = None) -> Task | None:
    """Return what :func:`fetch` returns, without blocking the event loop."""
    look = sync_to_async(_look(task_id, cached))
    found = await await_for(look, _PATIENCE if wait == -1 else wait)
    if found is None and wait != 0:
        await sync_to_async(_say_why)(task_id)
    return await await_for(look, wait) if found is None and wait == -1 else found


def why(task_id: Name) -> str:
    """Say in a sentence why a task, by its id or name, has not ended yet, or that it has."""
    return explain(id_or_name(task_id)).text


def get_task(task_id: Name, wait: float = 0) -> Task | None:
    """Return what :func:`fetch` returns: its name until Django Q 0.2, deprecated since."""
    warnings.warn("get_task() is now called fetch().", DeprecationWarning, stacklevel=2)
    return fetch(task_id, wait)


def wait_for(look: Callable[[], Found | None], wait: float) -> Found | None:
    """Look until something is there or so many milliseconds have passed (-1: for ever); return it, or None."""
    for pause in _pauses(wait):
        clock.sleep(pause)
        found = look()
        if found is not None:
            return found
    return None


async def await_for(look: Callable[[], Awaitable[Found | None]], wait: float) -> Found | None:
    """Do what :func:`wait_for` does, without blocking the event loop."""
    for pause in _pauses(wait):
        await asyncio.sleep(pause)
        found = await look()
        if found is not None:
            return found
    return None


def _say_why(task_id: Name) -> None:
    """Log why a wait was in vain, if waiting alone will not help."""
    found = explain(id_or_name(task_id))
    if found.needs_help:
        logger.warning("The task %s has not ended: %s.", task_id, found.text, extra={"action": "waited_in_vain"})


def id_or_name(value: object) -> str:
    """Return an id or a name as it is stored. Raises InvalidValue for what is neither text nor a UUID."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, str):
        return value
    raise InvalidValue(f"{value!r} is not the id or name of a task. Pass what async_task() returned.")


def _pauses(wait: float) -> Iterator[float]:
    """Yield the seconds to rest before each look: none before the first, then ever longer, the last one at the end."""
    if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not (wait >= 0 or wait == -1):
        raise InvalidValue(f"wait={wait!r} cannot be used; it is a number of milliseconds, or -1 to wait for ever.")
    deadline = clock.monotonic() + (float("inf") if wait == -1 else wait / 1000)
    yield 0.0
    pause = _FIRST_PAUSE
    while (left := deadline - clock.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _look(task_id: Name, cached: bool | None) -> Callable[[], Task | None]:
    """Return the one look that all waiting repeats."""
    text, settings = id_or_name(task_id), conf.current()
    if cached:
        return partial(_cached, text, settings)
    return partial(_find, text, settings, both=cached is None)


def _find(text: str, settings: Settings, *, both: bool) -> Task | None:
    try:
        found = _stored(text, settings)
    except TROUBLES as error:
        raise explained(error, settings.orm, coroutine="aresult") from error
    # A cached result has no row, and its id is nobody's name.
    return _cached(text, settings) if found is None and both and ids.is_id(text) else found


def _stored(text: str, settings: Settings) -> Task | None:
    history = Task.objects.using(settings.orm)
    # An id of ours is nobody's name, so that this look is one query.
    return history.filter(pk=text).first() if ids.is_id(text) else history.named(text)


def unpacked(columns: cache.Columns) -> Task:
    """Return a task of the cache as an instance that is not stored."""
    sealed = {name: Sealed(columns[name]) for name in _PAYLOADS if columns[name] is not None}
    return Task(**{**columns, **sealed})


def _cached(task_id: str, settings: Settings) -> Task | None:
    columns = cache.load(task_id, settings)
    return None if columns is None else unpacked(columns)
