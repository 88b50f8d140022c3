"""The processes: a sentinel and its children, which claim, run and record tasks."""

from importlib import import_module
from typing import Any

__all__ = ["Cluster"]  # noqa: F822


def __getattr__(name: str) -> Any:
    """Import the handle at its first use: children import this package, and need no handle."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("django_q.cluster.cluster"), name)
