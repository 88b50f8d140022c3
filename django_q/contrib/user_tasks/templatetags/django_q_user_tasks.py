"""Tags that put a user task on a page: ``{% load django_q_user_tasks %}``."""

import json
from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.translation import gettext

from django_q.contrib.user_tasks import live
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.snapshots import Facts, artifacts_of

register = template.Library()


@register.inclusion_tag("django_q_user_tasks/assets.html")
def user_task_assets() -> dict[str, Any]:
    """Put the script and the style sheet of ``{% user_task %}`` on a page; once, in its head."""
    return {}


@register.inclusion_tag("django_q_user_tasks/user_task.html", takes_context=True)
def user_task(context: RequestContext, status: UserTaskStatus, *, cancel: bool = True) -> dict[str, Any]:
    """Show a user task that keeps itself up to date; without JavaScript it shows how it stands now.

    ``cancel=False`` leaves the button out. Raises :exc:`~django.urls.NoReverseMatch` unless the addresses of
    ``django_q.contrib.user_tasks.live_urls`` are included.
    """
    request = context.get("request")
    artifacts = artifacts_of([status.pk]).get(status.pk, ()) if status.is_final else ()
    facts = Facts.of(status, artifacts)
    return {
        **_reader(context, facts).snapshot(facts),
        "kind": _kind(status),
        "src": reverse("user_tasks_live:status", args=[status.uuid]),
        "cancel_url": reverse("user_tasks_live:cancel", args=[status.uuid]),
        "cancel": cancel,
        "here": request.get_full_path() if request is not None else "",
        "texts": json.dumps(texts()),
    }


def texts() -> dict[str, str]:
    """Return what the component says by itself, in the active language."""
    return {
        "cancel": gettext("Cancel"),
        "question": gettext("Cancel this task?"),
        "yes": gettext("Yes, cancel it"),
        "no": gettext("No, go on"),
        "canceling": gettext("Canceling …"),
        "notCanceled": gettext("It could not be canceled. Try again."),
        "gone": gettext("This task was deleted."),
        "unknown": gettext("This task cannot be found."),
        "refused": gettext("You may not see this task. Log in and load the page again."),
        "away": gettext("The server does not answer; trying again …"),
    }


def _reader(context: RequestContext, facts: Facts) -> live.Reader:
    user = context.get("user") or getattr(context.get("request"), "user", None)
    return live.Reader.nobody() if user is None else live.Reader.of(user, facts)


def _kind(status: UserTaskStatus) -> str:
    return status.state.lower() if status.is_final else "open"
