"""A broker of one's own, with the verbs that Django Q documents."""

from typing import Any

from django.core.cache import BaseCache, InvalidCacheBackendError, caches

from django_q import conf
from django_q.exceptions import InvalidValue
from django_q.kernel.states import Event, TaskKind, TaskState
from django_q.models import OrmQ
from django_q.models.queue import OrmQQuerySet
from django_q.signing import SignedPackage

# What a ticket tells of its task, for brokers that want to look.
TOLD = ("id", "name", "func", "group")


def ticket(**told: Any) -> str:
    """Return the ticket of a task, the signed text that a broker carries."""
    return SignedPackage.dumps(told, compressed=False)


class Broker:
    """Carries tickets of tasks that are ready; subclass it and name the class in ``Q_CLUSTER["broker_class"]``.

    A ticket is a short signed text. The task itself is a row of the database until its end, so a broker that loses a
    ticket, or delivers it twice, loses and doubles nothing: what is ready and has no ticket gets a new one. Only
    :meth:`enqueue` and :meth:`dequeue` have to be written; there is one broker for each queue, its ``list_key``.
    """

    def __init__(self, list_key: str | None = None) -> None:
        if list_key is not None and (not isinstance(list_key, str) or not 1 <= len(list_key) <= conf.QUEUE_LENGTH):
            raise InvalidValue(
                f"list_key={list_key!r} is not the name of a queue: 1 to {conf.QUEUE_LENGTH} characters."
            )
        self.list_key = list_key or conf.current().name
        self.connection = self.get_connection(self.list_key)
        self.cache = self.get_cache()
        self._info: str | None = None

    def __getstate__(self) -> tuple[str, str | None]:
        return self.list_key, self._info

    def __setstate__(self, state: tuple[str, str | None]) -> None:
        self.list_key, self._info = state
        self.connection = self.get_connection(self.list_key)
        self.cache = self.get_cache()

    # To be written ----------------------------------------------------------------------------------------------------

    def enqueue(self, task: str) -> Any:
        """Take a ticket, after the commit of the task that it stands for."""
        raise NotImplementedError(f"{type(self).__name__}.enqueue(task) has to store {task!r}.")

    def dequeue(self) -> list[tuple[Any, str]] | None:
        """Return tickets, each with what :meth:`acknowledge` is told; None or nothing if there is none.

        Waits for a second at most: while it waits, its pusher hears nothing else.
        """
        raise NotImplementedError(f"{type(self).__name__}.dequeue() has to return pairs of a receipt and a ticket.")

    # May be written ---------------------------------------------------------------------------------------------------

    def acknowledge(self, task_id: Any) -> Any:
        """Hear that a ticket has done its work: a cluster claimed the task, or it had ended before."""

    def fail(self, task_id: Any) -> Any:
        """Hear that a ticket was none: its signature is wrong."""
        return self.acknowledge(task_id)

    def ping(self) -> bool:
        """Can what carries the tickets be reached?"""
        return True

    def info(self) -> str:
        """Say in a word or two what this is."""
        return type(self).__name__

    @staticmethod
    def get_connection(list_key: str | None = None) -> Any:
        """Return what :attr:`connection` is to be."""
        return None

    # Of the database, whoever carries the tickets ---------------------------------------------------------------------

    def queue_size(self) -> int:
        """Return how many tasks of the queue are ready."""
        return self._tasks().filter(state=TaskState.READY).count()

    def lock_size(self) -> int:
        """Return how many tasks of the queue are claimed by a cluster or not due yet."""
        return self._tasks().filter(state__in=(TaskState.CLAIMED, TaskState.DEFERRED)).count()

    def delete(self, task_id: str) -> bool:
        """Delete a task that no cluster has claimed, without a trace in the history; False if there is none."""
        return self._tasks().filter(pk=task_id).move(Event.CANCEL) == 1

    def purge_queue(self) -> int:
        """Delete the tasks of the queue that no cluster has claimed, without a trace; return how many there were."""
        return self._tasks().move(Event.CANCEL)

    def delete_queue(self) -> int:
        """Do what :meth:`purge_queue` does: a queue is nothing beside its tasks."""
        return self.purge_queue()

    @staticmethod
    def get_cache() -> BaseCache | None:
        """Return the cache of ``Q_CLUSTER["cache"]``, None if there is none."""
        try:
            return caches[conf.current().cache]
        except InvalidCacheBackendError:
            return None

    def _tasks(self) -> OrmQQuerySet:
        tasks: OrmQQuerySet = OrmQ.objects.using(conf.current().orm).filter(queue=self.list_key, kind=TaskKind.TASK)
        return tasks
