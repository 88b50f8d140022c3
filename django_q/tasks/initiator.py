"""Who tasks are enqueued for: the user whose request is being served, if somebody says so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_whose: ContextVar[Callable[[], Any] | None] = ContextVar("django_q_initiator", default=None)


@contextmanager
def enqueued_for(whose: Callable[[], Any]) -> Iterator[None]:
    """Let what is enqueued in this block carry a user. ``whose`` returns it, and is only called if something is."""
    token = _whose.set(whose)
    try:
        yield
    finally:
        _whose.reset(token)


def user_key() -> str | None:
    """Return the primary key of the user that a task is enqueued for now, as text; None for nobody in particular."""
    whose = _whose.get()
    user = None if whose is None else whose()
    return None if user is None or not user.is_authenticated else str(user.pk)
