"""Django Q's names of functions that read and delete in the cache only."""

from typing import Any

from django_q.brokers import Broker
from django_q.models import Task
from django_q.tasks import groups, results
from django_q.tasks.results import Name


def result_cached(task_id: Name, wait: float = 0, broker: Broker | None = None) -> Any:
    """Return what :func:`~django_q.tasks.result` returns, from the cache; ``broker`` is ignored."""
    return results.result(task_id, wait, cached=True)


def fetch_cached(task_id: Name, wait: float = 0, broker: Broker | None = None) -> Task | None:
    """Return what :func:`~django_q.tasks.fetch` returns, from the cache; ``broker`` is ignored."""
    return results.fetch(task_id, wait, cached=True)


def result_group_cached(
    group_id: str, failures: bool = False, wait: float = 0, count: int | None = None, broker: Broker | None = None
) -> list[Any] | None:
    """Return what :func:`~django_q.tasks.result_group` returns, from the cache; ``broker`` is ignored."""
    return groups.result_group(group_id, failures, wait, count, cached=True)


def fetch_group_cached(
    group_id: str, failures: bool = True, wait: float = 0, count: int | None = None, broker: Broker | None = None
) -> groups.Members | None:
    """Return what :func:`~django_q.tasks.fetch_group` returns, from the cache; ``broker`` is ignored."""
    return groups.fetch_group(group_id, failures, wait, count, cached=True)


def count_group_cached(group_id: str, failures: bool = False, broker: Broker | None = None) -> int | None:
    """Return what :func:`~django_q.tasks.count_group` returns, from the cache; ``broker`` is ignored."""
    return groups.count_group(group_id, failures, cached=True)


def delete_group_cached(group_id: str, broker: Broker | None = None) -> None:
    """Delete a group and its tasks from the cache; ``broker`` is ignored."""
    groups.delete_group(group_id, cached=True)
