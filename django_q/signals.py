"""The signals, each with the moment and the process in which it is sent, always with ``sender="django_q"``.

They are sent with :meth:`~django.dispatch.Signal.send_robust`: a receiver that raises is logged and changes nothing.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.dispatch import Signal

logger = logging.getLogger("django_q.signals")


class TaskSignal(Signal):
    """A signal that logs what a receiver raises, whatever it is that was connected."""

    def _log_robust_failure(self, receiver: Callable[..., Any], err: Exception) -> None:
        # Django's own asks for a __qualname__, which a partial or an object with __call__ has not, and would raise.
        logger.error("The signal receiver %r raised %r.", receiver, err, exc_info=err)


class RowsSignal(TaskSignal):
    """A signal to receivers that keep rows of their own: an error of the database that may pass is the sender's."""

    def _log_robust_failure(self, receiver: Callable[..., Any], err: Exception) -> None:
        if not isinstance(err, OperationalError | InterfaceError):
            super()._log_robust_failure(receiver, err)


#: In the caller, before the row of a task is written.
#: Arguments: ``task`` (a dict: id, name, func, args, kwargs, started, options).
pre_enqueue = TaskSignal()
#: In the caller, after the row is written; its transaction may still be open. Arguments: ``task`` (the same dict).
post_enqueue = TaskSignal()
#: In the worker, before the function is called.
#: Arguments: ``func`` (the callable), ``task`` (a dict: id, name, func, group, cluster, attempt, args, kwargs; with
#: the attributes of ``current_task()`` besides).
pre_execute = TaskSignal()
#: In the worker, after the function ended. Arguments: ``func``, ``task`` (the same, with success and result), and
#: ``outcome`` (how it ended).
post_execute_in_worker = TaskSignal()
#: In the monitor, in the transaction that records how attempts ended: what a receiver writes there (``using``) is
#: committed with it. An error of the database that may pass undoes and repeats the whole; any other is logged, and only
#: the receivers' writes are undone. Tasks that are canceled or deleted before they began are told there, too.
#: Arguments: ``attempts`` (a list; of each id, name, func, group, queue, priority, attempt, success, is_last, reason,
#: error, options), ``using`` (an alias).
attempts_recorded = TaskSignal()
#: In the monitor, after the move to the history is committed.
#: Arguments: ``task`` (a dict: id, name, func, group, hook, cluster, success, reason, and, read when asked for,
#: args, kwargs, result).
post_execute = TaskSignal()
#: In the monitor, when a hook has failed for good. Arguments: ``task_id``, ``hook``, ``error``.
hook_failed = TaskSignal()
#: In the monitor, when an outcome came too late, its claim being lost. Arguments: ``task_id``, ``token``.
outcome_discarded = TaskSignal()
#: In the worker, once, before its first task. Arguments: ``proc_name``.
post_spawn = TaskSignal()
#: In the keeper, about once a minute, after the history was pruned: whoever keeps rows beside it may look after them.
#: Arguments: ``using`` (an alias).
history_pruned = RowsSignal()
#: In the keeper, after the cluster is registered. Arguments: ``incarnation`` (its id).
cluster_started = TaskSignal()
#: In the keeper, after the cluster's last task. Arguments: ``incarnation`` (its id).
cluster_stopped = TaskSignal()


#: Receivers of what ``attempts_recorded`` tells that want to know only of tasks with a mark among their options, by it.
marked: dict[str, Callable[..., object]] = {}


def connect_marked(mark: str, receiver: Callable[..., object]) -> None:
    """Have ``receiver(attempts=…, using=…)`` called like a receiver of ``attempts_recorded``, but only for tasks whose
    options hold this mark: all others cost nothing then."""
    marked[mark] = receiver


def send(signal: TaskSignal, **arguments: Any) -> None:
    """Send a signal, log what its receivers raise, and cost nothing when there is none."""
    if signal.receivers:
        signal.send_robust(sender="django_q", **arguments)


def send_to_keepers_of_rows(signal: RowsSignal, **arguments: Any) -> None:
    """Send a signal to all its receivers, then raise the first error of the database that may pass.

    Raises :exc:`~django.db.OperationalError` or :exc:`~django.db.InterfaceError`: the connection may be broken.
    """
    for _, answer in signal.send_robust(sender="django_q", **arguments):
        if isinstance(answer, OperationalError | InterfaceError):
            raise answer


async def asend(signal: TaskSignal, **arguments: Any) -> None:
    """Send a signal from a coroutine; receivers that are plain functions run in a thread."""
    if signal.receivers:
        await signal.asend_robust(sender="django_q", **arguments)
