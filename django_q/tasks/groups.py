"""Read and delete the tasks of a group, from the history or from the cache."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.db.models import QuerySet

from django_q import conf
from django_q.conf import Settings
from django_q.engine import cached as cache
from django_q.exceptions import InvalidValue
from django_q.kernel import clock
from django_q.models import Task
from django_q.tasks import results
from django_q.tasks.results import await_for, wait_for

Members = QuerySet[Task] | list[Task]


def result_group(
    group_id: str, failures: bool = False, wait: float = 0, count: int | None = None, cached: bool | None = None
) -> list[Any] | None:
    """Return the results of a group's tasks in the order of their enqueueing, None while there is none.

    Only successes count, unless ``failures``: then the error of each failure stands in its place. ``wait`` is in
    milliseconds: 0 looks once, -1 waits for ever, for the first result, or for ``count`` tasks of the group to end;
    with ``count`` a wait of 0 has no end either. ``cached`` looks into the cache instead of the history; None stands
    for what Q_CLUSTER["cached"] says.
    """
    found = fetch_group(group_id, failures, wait, count, cached)
    return None if found is None else [task.result for task in found]


def fetch_group(
    group_id: str, failures: bool = True, wait: float = 0, count: int | None = None, cached: bool | None = None
) -> Members | None:
    """Return the tasks of a group that ended, in the order of their enqueueing, None while there is none.

    Without ``failures`` only those that succeeded. ``wait``, ``count`` and ``cached`` are those of
    :func:`result_group`; from the cache comes a list of instances that are not stored.
    """
    look = _look(group_id, failures, cached)
    left = _Left(wait)
    if count:
        wait_for(_reached(group_id, count, cached), -1 if wait == 0 else wait)
    return cast("Members | None", wait_for(look, left.milliseconds()))


def count_group(group_id: str, failures: bool = False, cached: bool | None = None) -> int | None:
    """Count the tasks of a group that ended, or with ``failures`` only those that did not succeed.

    None if ``cached`` and the cache knows no such group.
    """
    settings = conf.current()
    if _from_cache(cached, settings):
        found = cache.members(_group(group_id), settings)
        return len([each for each in found if not (failures and each["success"])]) if found else None
    return Task.get_group_count(_group(group_id), failures)


def delete_group(
    group_id: str, tasks: bool = False, cached: bool | None = None
) -> int | tuple[int, dict[str, int]] | None:
    """Take the label of a group off its tasks that ended, and return from how many; with ``tasks`` delete them.

    What is deleted is returned as Django's ``delete()`` counts it. What is in the queue is left alone. With ``cached``
    the cache forgets the group and its tasks, and None is returned.
    """
    settings = conf.current()
    if _from_cache(cached, settings):
        cache.forget(_group(group_id), settings)
        return None
    return Task.delete_group(_group(group_id), tasks)


async def aresult_group(
    group_id: str, failures: bool = False, wait: float = 0, count: int | None = None, cached: bool | None = None
) -> list[Any] | None:
    """Return what :func:`result_group` returns, without blocking the event loop."""
    found = await afetch_group(group_id, failures, wait, count, cached)
    return None if found is None else await sync_to_async(lambda: [task.result for task in found])()


async def afetch_group(
    group_id: str, failures: bool = True, wait: float = 0, count: int | None = None, cached: bool | None = None
) -> list[Task] | None:
    """Return the tasks of :func:`fetch_group` as a list, without blocking the event loop."""
    look = _look(group_id, failures, cached)
    left = _Left(wait)
    if count:
        await await_for(sync_to_async(_reached(group_id, count, cached)), -1 if wait == 0 else wait)
    return await await_for(sync_to_async(lambda: _as_list(look())), left.milliseconds())


async def acount_group(group_id: str, failures: bool = False, cached: bool | None = None) -> int | None:
    """Return what :func:`count_group` returns, without blocking the event loop."""
    return await sync_to_async(count_group)(group_id, failures, cached)


async def adelete_group(
    group_id: str, tasks: bool = False, cached: bool | None = None
) -> int | tuple[int, dict[str, int]] | None:
    """Do what :func:`delete_group` does, without blocking the event loop."""
    return await sync_to_async(delete_group)(group_id, tasks, cached)


def delete_cached(task_id: results.Name) -> bool:
    """Delete a result from the cache; tell whether it was there."""
    return cache.delete(results.id_or_name(task_id), conf.current())


class _Left:
    """What is left of a wait when something else has used up some of it."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.began = clock.monotonic()

    def milliseconds(self) -> float:
        if self.wait in (0, -1):
            return self.wait
        return max(0.0, self.wait - (clock.monotonic() - self.began) * 1000)


def _look(group_id: str, failures: bool, cached: bool | None) -> Callable[[], Members | None]:
    settings, group = conf.current(), _group(group_id)
    if _from_cache(cached, settings):
        return partial(_cached, group, failures, settings)
    return partial(Task.get_task_group, group, failures)


def _cached(group: str, failures: bool, settings: Settings) -> Members | None:
    found = [results.unpacked(each) for each in cache.members(group, settings) if failures or each["success"]]
    return found or None


def _reached(group_id: str, count: int, cached: bool | None) -> Callable[[], bool | None]:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise InvalidValue(f"count={count!r} cannot be used; it is a number of tasks.")
    look = partial(count_group, group_id, cached=cached)
    return lambda: True if (look() or 0) >= count else None


def _as_list(found: Members | None) -> list[Task] | None:
    return None if found is None else list(found)


def _from_cache(cached: bool | None, settings: Settings) -> bool:
    return bool(settings.cached if cached is None else cached)


def _group(group_id: object) -> str:
    if not isinstance(group_id, str) or not group_id:
        raise InvalidValue(f"{group_id!r} is not the name of a group. Pass what group= was given.")
    return group_id
