"""Live tasks: what a task sends while it runs is shown in the browser at once."""

from importlib import import_module
from typing import Any

# Lazy, because Django imports this package before there are models.
_PUBLIC = {
    "CommunicationBasePublisher": "django_q.contrib.publish.publishers",
    "CommunicationBaseReceiver": "django_q.contrib.publish.receiving",
    "CommunicationByEventsPublisher": "django_q.contrib.publish.publishers",
    "CommunicationByEventsReceiver": "django_q.contrib.publish.receiving",
    "RemoteScreen": "django_q.contrib.publish.screens",
    "format_event": "django_q.contrib.publish.markup",
    "publish": "django_q.contrib.publish.decorator",
}

__all__ = [
    "CommunicationBasePublisher",
    "CommunicationBaseReceiver",
    "CommunicationByEventsPublisher",
    "CommunicationByEventsReceiver",
    "RemoteScreen",
    "format_event",
    "publish",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
