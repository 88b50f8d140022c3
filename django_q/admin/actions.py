"""Actions on a selection: asked for, confirmed, done, logged and reported."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_q.admin.pages import ReadOnlyAdmin
from django_q.exceptions import PayloadError
from django_q.kernel.states import Event, TaskKind
from django_q.models import OrmQ, Task
from django_q.models.dialects.base import parts
from django_q.tasks import control

#: Rows that one action takes on.
MOST = 10_000
_CHUNK = 100
_SHOWN = 20

Row = Any
Verdict = tuple[Row, str]  # a row, and why nothing was done with it; empty if it was


@dataclass(frozen=True)
class Deed:
    """An action, in the words in which it is asked, logged and reported."""

    name: str
    question: Any
    button: Any
    done: Any  # "Requeued"
    flag: int
    perform: Callable[[list[Row], str], Iterable[Verdict]]
    skips: tuple[str, ...] = ()  # columns that it does not need


def run(admin: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[Any], deed: Deed) -> HttpResponse | None:
    """Ask for confirmation; when it is there, do it and say what was done."""
    chosen = list(queryset.values_list("pk", flat=True)[: MOST + 1])
    if "post" not in request.POST:
        return _confirmation(admin, request, chosen, deed)
    done, refused = _do(admin, request, chosen[:MOST], deed)
    if done:
        text = _("%(done)s: %(count)d.") % {"done": deed.done, "count": done}
        admin.message_user(request, text, messages.SUCCESS)
    for row, reason in refused[:_SHOWN]:
        admin.message_user(request, f"{row}: {reason}", messages.WARNING)
    if len(refused) > _SHOWN:
        text = _("%(count)d more were left as they are.") % {"count": len(refused) - _SHOWN}
        admin.message_user(request, text, messages.WARNING)
    return None


def _do(admin: ReadOnlyAdmin, request: HttpRequest, chosen: list[str], deed: Deed) -> tuple[int, list[Verdict]]:
    done, refused = 0, []
    for keys in parts(chosen, _CHUNK):
        rows = list(admin.get_queryset(request).filter(pk__in=keys).defer(*deed.skips))
        verdicts = list(deed.perform(rows, admin.alias))
        refused += [verdict for verdict in verdicts if verdict[1]]
        ended = [row for row, reason in verdicts if not reason]
        done += len(ended)
        if ended:
            LogEntry.objects.log_actions(_user(request), ended, deed.flag, f"{deed.done}.")
    return done, refused


def _user(request: HttpRequest) -> Any:
    return request.user.pk


def _confirmation(admin: ReadOnlyAdmin, request: HttpRequest, chosen: list[str], deed: Deed) -> HttpResponse:
    across = request.POST.get("select_across") == "1"
    rows = admin.get_queryset(request).filter(pk__in=chosen[:_SHOWN]).only("name", "func")
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Are you sure?"),
        "subtitle": None,
        "opts": admin.opts,
        "media": admin.media,
        "deed": deed,
        "rows": rows,
        "count": min(len(chosen), MOST),
        "unlisted": max(0, min(len(chosen), MOST) - _SHOWN),
        "is_cut": len(chosen) > MOST,
        "select_across": across,
        "selected": chosen[:1] if across else chosen,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "back": request.get_full_path(),
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin/django_q/confirm_action.html", context)


# What is done --------------------------------------------------------------------------------------------------------


def _requeue(rows: list[Task], alias: str) -> Iterator[Verdict]:
    for row in rows:
        try:
            control.requeue(row)
        except PayloadError as error:
            yield row, str(error)
        else:
            yield row, ""


def _delete_history(rows: list[Task], alias: str) -> Iterator[Verdict]:
    Task.objects.using(alias).filter(pk__in=[row.pk for row in rows]).delete()
    return ((row, "") for row in rows)


def _cancel(rows: list[OrmQ], alias: str) -> Iterator[Verdict]:
    for row in rows:
        if row.kind == TaskKind.HOOK:
            yield row, _("a hook is not canceled; it can be deleted.")
        else:
            yield row, "" if control.cancel(row.pk) else _("it ended meanwhile.")


def _delete_queued(rows: list[OrmQ], alias: str) -> Iterator[Verdict]:
    for row in rows:
        if row.kind == TaskKind.HOOK:
            deleted = bool(OrmQ.objects.using(alias).filter(pk=row.pk).move(Event.CANCEL))
        else:
            deleted = OrmQ.objects.using(alias).filter(pk=row.pk).exists() and control.delete(row.pk)
        yield row, "" if deleted else _("a cluster has claimed it; cancel it first.")


REQUEUE = Deed(
    name="requeue_selected",
    question=gettext_lazy("Run these tasks again? Each is enqueued under a new id, with the arguments it had."),
    button=gettext_lazy("Yes, requeue"),
    done=gettext_lazy("Requeued"),
    flag=CHANGE,
    perform=_requeue,
    skips=("result", "traceback", "errors"),
)
DELETE_HISTORY = Deed(
    name="delete_selected",
    question=gettext_lazy("Delete these tasks from the history? Their results cannot be read any more."),
    button=gettext_lazy("Yes, delete"),
    done=gettext_lazy("Deleted"),
    flag=DELETION,
    perform=_delete_history,
    skips=("args", "kwargs", "result", "traceback", "errors"),
)
CANCEL = Deed(
    name="cancel_selected",
    question=gettext_lazy(
        "Cancel these tasks? What has not started goes to the history as canceled; what runs is asked to stop."
    ),
    button=gettext_lazy("Yes, cancel them"),
    done=gettext_lazy("Canceled, or asked to stop"),
    flag=CHANGE,
    perform=_cancel,
    skips=("args", "kwargs", "errors"),
)
DELETE_QUEUED = Deed(
    name="delete_selected",
    question=gettext_lazy(
        "Delete these from the queue? They leave no trace; later steps of their chains go to the history as canceled."
    ),
    button=gettext_lazy("Yes, delete"),
    done=gettext_lazy("Deleted"),
    flag=DELETION,
    perform=_delete_queued,
    skips=("args", "kwargs", "errors"),
)
