"""Tags that put a live task on a page: ``{% load django_q_publish %}{% q_task 'demo__test1' %}``."""

import json
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

register = template.Library()

_CHANNEL = "/schtasks/show_task_events/channel/"


@register.inclusion_tag("django_q_publish/script.html")
def q_task_script() -> dict[str, Any]:
    """Put the script of ``<q-task>`` and ``<ptig-task>`` on a page that writes the elements by hand."""
    return {}


@register.inclusion_tag("django_q_publish/q_task.html")
def q_task(
    task_id: str, *, task_href: str = "", text: bool = False, sanitize: bool = False, wrap: bool = False
) -> dict[str, Any]:
    """Put a live task on a page, with its script. ``task_id`` is ``group__id``.

    ``task_href`` is fetched once, to start the task. With ``text`` nothing of what is sent becomes markup, with
    ``sanitize`` only what is harmless; with ``wrap`` events of several elements get one around them.
    """
    events = _events()
    return {
        "task_id": task_id,
        "task_href": task_href,
        "channel": events.removesuffix("events/") + "channel/" if events else _CHANNEL,
        "events": events,
        "flags": [name for name, is_set in (("text", text), ("sanitize", sanitize), ("wrap", wrap)) if is_set],
        "texts": json.dumps(texts()),
    }


def texts() -> dict[str, str]:
    """Return what the component says by itself, in the active language."""
    return {
        "started": gettext("The task has begun."),
        "finished": gettext("The task has ended."),
        "failed": gettext("The task has failed."),
        "refused": gettext("You may not watch this task."),
        "unknown": gettext("This task has not begun yet."),
        "missed": gettext("Some of what the task said is gone."),
        "away": gettext("The connection is lost; trying again …"),
        "notStarted": gettext("The task could not be started."),
    }


def _events() -> str:
    """Return the address of the stream, empty where it is not included."""
    try:
        return reverse("django_q_publish:events")
    except NoReverseMatch:
        return ""
