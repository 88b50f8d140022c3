"""What type checkers and editors know of a call that may carry options."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from django_q.brokers import Broker
from django_q.models import Task
from django_q.tasks.lookup import Function

#: What runs after a task: a dotted path, or a callable that takes the task.
Hook = str | Callable[[Task], Any]

Answer = TypeVar("Answer", covariant=True)


class CallWithOptions(Protocol[Answer]):
    """A function, its arguments, and options; those options that a function may claim for itself are any keyword."""

    def __call__(
        self,
        func: Function,
        /,
        *args: Any,
        hook: Hook | None = ...,
        group: str | None = ...,
        task_name: str | None = ...,
        cluster: str | None = ...,
        timeout: float | None = ...,
        save: bool | None = ...,
        cached: bool | int | None = ...,
        sync: bool | None = ...,
        ack_failure: bool | None = ...,
        broker: Broker | None = ...,
        q_options: Mapping[str, Any] | None = ...,
        **kwargs: Any,
    ) -> Answer:
        """Enqueue it."""


def takes_options(function: Callable[..., Answer]) -> CallWithOptions[Answer]:
    """Declare that a function of ``*args`` and ``**kwargs`` is called with options; nothing happens at run time."""
    return function
