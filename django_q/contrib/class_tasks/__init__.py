"""Class tasks: tasks written as classes, which run long, tell events, and can be stopped, reloaded and restarted."""

from importlib import import_module
from typing import Any

# Lazy, because Django imports this package before there are models.
_PUBLIC = {
    "Runner": "runner",
    "Task": "base",
    "get_task": "client",
    "reload_task": "client",
    "remove_task": "client",
    "restart_if_state": "client",
    "restart_task": "client",
    "set_task": "client",
    "spawn": "spawning",
    "start_task": "client",
    "stop_task": "client",
    "subscribe": "subscribing",
}

__all__ = [
    "Runner",
    "Task",
    "get_task",
    "reload_task",
    "remove_task",
    "restart_if_state",
    "restart_task",
    "set_task",
    "spawn",
    "start_task",
    "stop_task",
    "subscribe",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
