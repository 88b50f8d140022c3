"""The decorator ``@background``: a function that is enqueued when it is called."""

from importlib import import_module
from typing import Any

# Lazy, because Django imports this package before there are models.
_PUBLIC = {
    "TaskSchedule": "django_q.contrib.background.schedules",
    "background": "django_q.contrib.background.decorator",
}

__all__ = ["TaskSchedule", "background"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
