"""Messages to users, sent by the call that django-notifications-hq made known: ``notify.send(actor, recipient=…)``."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pkgutil import resolve_name
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from django_q.examples.experimenteditor.models import Notification
from django_q.examples.experimenteditor.options import option


def send(sender: object, **message: Any) -> Any:
    """Notify users: by our own rows, see :func:`write`, or by what ``EXPERIMENTEDITOR["NOTIFY"]`` names.

    A project with django-notifications-hq writes ``"NOTIFY": "notifications.signals.notify.send"``.
    """
    path = option("NOTIFY")
    deliver: Callable[..., Any] = resolve_name(path) if path else write
    return deliver(sender, **message)


def write(
    sender: object,
    *,
    recipient: Any,
    verb: str,
    action_object: object = None,
    target: object = None,
    level: str = "info",
    description: str = "",
    public: bool = True,
    timestamp: datetime | None = None,
    **extra: Any,
) -> list[tuple[Any, list[Notification]]]:
    """Write a notification for each recipient (a user, a group, a queryset or a list of users)."""
    if level not in Notification.LEVELS:
        raise ValueError(f"level={level!r} does not exist. Use one of {Notification.LEVELS!r}.")
    written = [
        Notification.objects.create(
            recipient=user,
            level=level,
            actor=str(sender)[:256],
            verb=verb[:255],
            action_object=_text(action_object),
            target=_text(target),
            url=_address(target) or _address(action_object) or _address(sender),
            description=description or "",
            public=public,
            timestamp=timestamp or timezone.now(),
            data={name: str(value) for name, value in extra.items()},
        )
        for user in _users(recipient)
    ]
    return [(send, written)]


def _users(recipient: Any) -> Iterable[Any]:
    if isinstance(recipient, Group):
        return recipient.user_set.all()
    if isinstance(recipient, Iterable):
        return recipient
    return [recipient]


def _text(thing: object) -> str:
    return "" if thing is None else str(thing)[:256]


def _address(thing: Any) -> str:
    return thing.get_absolute_url() if hasattr(thing, "get_absolute_url") else ""
