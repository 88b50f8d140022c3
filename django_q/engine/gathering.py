"""Iterations: many calls of one function, and the gather that collects what they returned when all have ended."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from django_q import conf
from django_q.exceptions import ItemsFailed, ItemsLost
from django_q.kernel.messages import Letter
from django_q.kernel.states import Event, TaskKind, TaskState
from django_q.models import OrmQ, Task

#: The option of a gather that says how many items there are.
ITEMS = "items"
#: The option of a call that is given the results of an iteration: the id of the gather.
COLLECTS = "collects"
_NEEDED = ("id", "func", "result", "success", "error")


def gather(gather_id: str, letter: Letter) -> list[Any]:
    """Return what the items of an iteration returned, in the order in which they were enqueued.

    Raises :exc:`~django_q.exceptions.ItemsFailed`, which carries the same list with the error of each item that failed
    in its place, and :exc:`~django_q.exceptions.ItemsLost` if rows of the history are gone.
    """
    expected = json.loads(letter.options)[ITEMS]
    items = list(Task.objects.using(conf.current().orm).filter(chain=gather_id).order_by("pk").only(*_NEEDED))
    if len(items) != expected:
        raise ItemsLost(f"Of {expected} items {expected - len(items)} are no longer in the history.")
    results = [item.result for item in items]
    failed = [item for item in items if not item.success]
    if failed:
        first = f"the first of them, {failed[0].pk}: {failed[0].error}"
        raise ItemsFailed(f"{len(failed)} of {expected} items did not succeed; {first}", results=results)
    return results


def collected(gather_id: str) -> list[Any]:
    """Return what a gather has collected; after a failure with the error of each item that failed in its place.

    Raises :exc:`~django_q.exceptions.ItemsLost` if the history does not have it, or it was canceled.
    """
    found = Task.objects.using(conf.current().orm).filter(pk=gather_id).only(*_NEEDED).first()
    results = None if found is None else found.result
    if not isinstance(results, list):
        raise ItemsLost(f"The history has no results of the iteration {gather_id}.")
    return results


def release(alias: str, chains: Iterable[str]) -> set[str]:
    """Make the gathers among these ids ready whose items have all ended; return their queues.

    The caller has removed items from the queue in the open transaction. The gather is locked first: of two that remove
    the last two items at once, the second sees what the first did.
    """
    queue = OrmQ.objects.using(alias)
    waiting = queue.filter(pk__in=set(chains), kind=TaskKind.GATHER, state=TaskState.WAITING)
    gathers = list(waiting.order_by("pk").select_for_update().values_list("pk", flat=True))
    if not gathers:
        return set()
    unended = Exists(OrmQ.objects.filter(chain=OuterRef("pk")))
    ready = dict(queue.filter(~unended, pk__in=gathers).values_list("pk", "queue"))
    return set(ready.values()) if ready and queue.filter(pk__in=ready).move(Event.UNBLOCK) else set()


def release_all(alias: str) -> set[str]:
    """Make every gather ready whose items have all ended, should one have been overlooked; return their queues."""
    waiting = OrmQ.objects.using(alias).filter(kind=TaskKind.GATHER, state=TaskState.WAITING)
    chains = list(waiting.filter(~Exists(OrmQ.objects.filter(chain=OuterRef("pk")))).values_list("pk", flat=True))
    if not chains:
        return set()
    with transaction.atomic(using=alias):
        return release(alias, chains)


def forget(alias: str, gather_id: str) -> None:
    """Delete the successes among the items of an iteration whose result nobody wants to find in the history."""
    Task.objects.using(alias).filter(chain=gather_id).that_succeeded(True).delete()
