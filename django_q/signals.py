"""The signals, each with the moment and the process in which it is sent, always with ``sender="django_q"``.

They are sent with :meth:`~django.dispatch.Signal.send_robust`: a receiver that raises is logged and changes nothing.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger("django_q.signals")

#: In the caller, before the row of a task is written.
#: Arguments: ``task`` (a dict: id, name, func, args, kwargs, started, options).
pre_enqueue = Signal()
#: In the caller, after the row is written; its transaction may still be open. Arguments: ``task`` (the same dict).
post_enqueue = Signal()
#: In the worker, before the function is called.
#: Arguments: ``func`` (the callable), ``task`` (a dict: id, name, func, group, cluster, attempt, args, kwargs; with
#: the attributes of ``current_task()`` besides).
pre_execute = Signal()
#: In the worker, after the function ended. Arguments: ``func``, ``task`` (the same, with success and result), and
#: ``outcome`` (how it ended).
post_execute_in_worker = Signal()
#: In the monitor, in the transaction that records how attempts ended: what a receiver writes there (``using``) is
#: committed with it. An error of the database that may pass undoes and repeats the whole; any other is logged, and only
#: the receivers' writes are undone. Tasks that are canceled or deleted before they began are told there, too.
#: Arguments: ``attempts`` (a list; of each id, name, func, group, queue, priority, attempt, success, is_last, reason,
#: error, options), ``using`` (an alias).
attempts_recorded = Signal()
#: In the monitor, after the move to the history is committed.
#: Arguments: ``task`` (a dict: id, name, func, group, hook, cluster, success, reason, and, read when asked for,
#: args, kwargs, result).
post_execute = Signal()
#: In the monitor, when a hook has failed for good. Arguments: ``task_id``, ``hook``, ``error``.
hook_failed = Signal()
#: In the monitor, when an outcome came too late, its claim being lost. Arguments: ``task_id``, ``token``.
outcome_discarded = Signal()
#: In the worker, once, before its first task. Arguments: ``proc_name``.
post_spawn = Signal()
#: In the keeper, about once a minute, after the history was pruned: whoever keeps rows beside it may look after them.
#: Arguments: ``using`` (an alias).
history_pruned = Signal()
#: In the keeper, after the cluster is registered. Arguments: ``incarnation`` (its id).
cluster_started = Signal()
#: In the keeper, after the cluster's last task. Arguments: ``incarnation`` (its id).
cluster_stopped = Signal()


#: Receivers of what ``attempts_recorded`` tells that want to know only of tasks with a mark among their options, by it.
marked: dict[str, Callable[..., object]] = {}


def connect_marked(mark: str, receiver: Callable[..., object]) -> None:
    """Have ``receiver(attempts=…, using=…)`` called like a receiver of ``attempts_recorded``, but only for tasks whose
    options hold this mark: all others cost nothing then."""
    marked[mark] = receiver


def send(signal: Signal, **arguments: Any) -> None:
    """Send a signal, log what its receivers raise, and cost nothing when there is none."""
    if not signal.receivers:
        return
    _log_errors(signal.send_robust(sender="django_q", **arguments))


async def asend(signal: Signal, **arguments: Any) -> None:
    """Send a signal from a coroutine; receivers that are plain functions run in a thread."""
    if signal.receivers:
        _log_errors(await signal.asend_robust(sender="django_q", **arguments))


def _log_errors(answers: list[tuple[Any, Any]]) -> None:
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("The signal receiver %r raised %r.", receiver, answer, exc_info=answer)
