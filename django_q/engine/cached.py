"""Results that went to the cache instead of the history, and the groups of such tasks."""

import hashlib
import logging
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

from django.core.cache import caches

from django_q.conf import Settings

Columns = dict[str, Any]  # of a Task, its payloads still signed

logger = logging.getLogger("django_q")

_TRIED = 1000  # places that others may have taken since the size was read
_PART = 100  # keys that are asked for at once


def task_key(task_id: str) -> str:
    """Return the key under which the cache holds a task."""
    return f"django_q:{task_id}"


def store(task: Columns, seconds: float | None, settings: Settings) -> None:
    """Keep a task that ended for so many seconds, None: as long as the cache keeps, and make its group find it."""
    cache = caches[settings.cache]
    cache.set(task_key(task["id"]), task, seconds)
    if task["group"] is None:
        return
    # The next free place of the group: add() takes it for one only, of all processes that want it, in every cache.
    places = islice(_places(task["group"], cache.get(_size_key(task["group"]), 0)), _TRIED)
    place = next((number for number, key in places if cache.add(key, task["id"], seconds)), None)
    if place is None:  # a cache that is down refuses everything
        logger.error("The cache takes no place for task %s in its group; only its id finds it.", task["id"])
    else:
        cache.set(_size_key(task["group"]), place + 1, seconds)


def load(task_id: str, settings: Settings) -> Columns | None:
    """Return a task that ended, None if the cache has none."""
    task: Columns | None = caches[settings.cache].get(task_key(task_id))
    return task


def delete(task_id: str, settings: Settings) -> bool:
    """Delete a task; tell whether it was there."""
    return bool(caches[settings.cache].delete(task_key(task_id)))


def members(group: str, settings: Settings) -> list[Columns]:
    """Return the tasks of a group that the cache still has, in the order of their enqueueing."""
    # A finish that was written again has two places.
    keys = list(dict.fromkeys(task_key(id) for ids in _ids(group, settings) for id in ids.values()))
    found = [task for part in _parts(keys) for task in caches[settings.cache].get_many(part).values()]
    return sorted(found, key=lambda task: str(task["id"]))


def forget(group: str, settings: Settings) -> None:
    """Delete a group and its tasks."""
    cache = caches[settings.cache]
    for ids in list(_ids(group, settings)):
        cache.delete_many([*ids, *map(task_key, ids.values())])
    cache.delete(_size_key(group))


def _ids(group: str, settings: Settings) -> Iterator[dict[str, str]]:
    """Yield the ids of a group's tasks by their places, some at a time, until a part of the places is empty."""
    places = _places(group, 0)
    while True:
        found = caches[settings.cache].get_many([next(places)[1] for _ in range(_PART)])
        if not found:
            return
        yield found


def _places(group: str, first: int) -> Iterator[tuple[int, str]]:
    name = _digest(group)
    return ((number, f"django_q:group:{name}:{number}") for number in count(first))


def _size_key(group: str) -> str:
    """Return the key of about how many places are taken: where the search for a free one begins."""
    return f"django_q:group:{_digest(group)}"


def _digest(group: str) -> str:
    # Not the name itself: memcached takes neither blanks nor long keys.
    return hashlib.sha256(group.encode()).hexdigest()[:32]


def _parts(keys: list[str]) -> Iterator[list[str]]:
    return (keys[start : start + _PART] for start in range(0, len(keys), _PART))
