"""What tests of code that enqueues tasks need; importing it loads neither settings nor models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_q.testing.assertions import TaskTestMixin, assert_enqueued, assert_not_enqueued
    from django_q.testing.capture import captured_tasks
    from django_q.testing.drain import Run, Runs, TooManyRuns, run_all
    from django_q.testing.eager import eager_tasks
    from django_q.testing.live import RunningCluster, run_cluster
    from django_q.testing.seen import Enqueued, enqueued_tasks
    from django_q.testing.travel import time_travel

# Each public name and the module that holds it: pytest imports this package for its plugin, in every project.
_PUBLIC = {
    "Enqueued": "seen",
    "Run": "drain",
    "RunningCluster": "live",
    "Runs": "drain",
    "TaskTestMixin": "assertions",
    "TooManyRuns": "drain",
    "assert_enqueued": "assertions",
    "assert_not_enqueued": "assertions",
    "captured_tasks": "capture",
    "eager_tasks": "eager",
    "enqueued_tasks": "seen",
    "run_all": "drain",
    "run_cluster": "live",
    "time_travel": "travel",
}

__all__ = [
    "Enqueued",
    "Run",
    "RunningCluster",
    "Runs",
    "TaskTestMixin",
    "TooManyRuns",
    "assert_enqueued",
    "assert_not_enqueued",
    "captured_tasks",
    "eager_tasks",
    "enqueued_tasks",
    "run_all",
    "run_cluster",
    "time_travel",
]

if not TYPE_CHECKING:  # lest a misspelt name be Any to type checkers

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use."""
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
