"""The notifications that a page shows."""

from typing import Any

from django import template
from django.db.models import QuerySet

from django_q.examples.experimenteditor.models import Notification

MOST = 5

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_news(context: template.Context) -> "QuerySet[Notification] | list[Notification]":
    """Return the newest notifications that the user has not put away; none for somebody who is not logged in."""
    user: Any = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return []
    return Notification.objects.filter(recipient=user, unread=True)[:MOST]
