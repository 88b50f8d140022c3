"""What can be done with tasks: requeue, duplicate, cancel, change of priority, deletion."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_q.admin.actions import MOST, Deed, Verdict, tried
from django_q.exceptions import PayloadError
from django_q.kernel.states import Event, TaskKind, TaskState
from django_q.models import OrmQ, Task
from django_q.tasks import control

_HEAVY_HISTORY = ("args", "kwargs", "result", "traceback", "errors", "options", "hook_error")


class PriorityForm(forms.Form):
    """The priority that tasks are to have."""

    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        help_text=gettext_lazy("Greater runs first; 0 is usual."),
        min_value=-32768,
        max_value=32767,
    )


# What is done --------------------------------------------------------------------------------------------------------


def _requeue(rows: list[Task], alias: str) -> Iterator[Verdict]:
    for row in rows:
        yield tried(row, control.requeue, PayloadError)


def _delete_history(rows: list[Task], alias: str) -> Iterator[Verdict]:
    Task.objects.using(alias).filter(pk__in=[row.pk for row in rows]).delete()
    return ((row, "") for row in rows)


def _duplicate(rows: list[OrmQ], alias: str) -> Iterator[Verdict]:
    for row in rows:
        if row.kind == TaskKind.HOOK:
            yield row, _("a hook belongs to its task; it is not duplicated.")
        else:
            yield tried(row, control.duplicate, PayloadError)


def _cancel(rows: list[OrmQ], alias: str) -> Iterator[Verdict]:
    for row in rows:
        if row.kind == TaskKind.HOOK:
            yield row, _("a hook is not canceled; it can be deleted.")
        else:
            yield row, "" if control.cancel(row.pk) else _("it ended meanwhile.")


def _change_priority(rows: list[OrmQ], alias: str, *, priority: int) -> Iterator[Verdict]:
    chosen = OrmQ.objects.using(alias).filter(pk__in=[row.pk for row in rows])
    chosen.change_priority(priority)
    have_it = set(chosen.filter(priority=priority).values_list("pk", flat=True))
    return ((row, "" if row.pk in have_it else _("a cluster has claimed it.")) for row in rows)


def _delete_queued(rows: list[OrmQ], alias: str) -> Iterator[Verdict]:
    for row in rows:
        if row.kind == TaskKind.HOOK:
            deleted = bool(OrmQ.objects.using(alias).filter(pk=row.pk).move(Event.CANCEL))
        else:
            deleted = OrmQ.objects.using(alias).filter(pk=row.pk).exists() and control.delete(row.pk)
        yield row, "" if deleted else _("a cluster has claimed it; cancel it first.")


# Whether it makes sense ----------------------------------------------------------------------------------------------


def _is_task(row: Any) -> bool:
    return bool(row.kind == TaskKind.TASK)


def _can_be_stopped(row: OrmQ) -> bool:
    return _is_task(row) and row.stop_requested_at is None


def _is_unclaimed(row: OrmQ) -> bool:
    return row.state != TaskState.CLAIMED


# In which words ------------------------------------------------------------------------------------------------------


def _priority_form(request: HttpRequest, data: Any) -> forms.Form:
    return PriorityForm(data)


REQUEUE = Deed(
    name="requeue_selected",
    label=gettext_lazy("Requeue"),
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
    skips=_HEAVY_HISTORY,
)
CANCEL = Deed(
    name="cancel_selected",
    label=gettext_lazy("Cancel"),
    question=gettext_lazy(
        "Cancel these tasks? What has not started goes to the history as canceled; what runs is asked to stop."
    ),
    button=gettext_lazy("Yes, cancel them"),
    done=gettext_lazy("Canceled, or asked to stop"),
    flag=CHANGE,
    perform=_cancel,
    suits=_can_be_stopped,
    skips=("args", "kwargs", "errors"),
)
DUPLICATE = Deed(
    name="duplicate_selected",
    label=gettext_lazy("Duplicate"),
    question=gettext_lazy(
        "Enqueue these tasks once more? Each gets a twin under a new id, with the same arguments; what is due later is "
        "due then again."
    ),
    button=gettext_lazy("Yes, duplicate"),
    done=gettext_lazy("Duplicated"),
    flag=ADDITION,
    perform=_duplicate,
    suits=_is_task,
    skips=("errors",),
)
PRIORITY = Deed(
    name="change_priority_selected",
    label=gettext_lazy("Change priority"),
    question=gettext_lazy("Give these tasks another priority? What a cluster has claimed keeps the one it has."),
    button=gettext_lazy("Yes, change it"),
    done=gettext_lazy("Priority changed"),
    flag=CHANGE,
    perform=_change_priority,
    suits=_is_unclaimed,
    form=_priority_form,
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


def resubmit_task(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Enqueue tasks of the history again, with all their options: Django Q's action, for any admin of tasks.

    In an admin of ours it asks first, and needs the right to requeue.
    """
    if hasattr(model_admin, "requeue_selected"):
        if not model_admin.has_requeue_permission(request):
            raise PermissionDenied
        answer: HttpResponse | None = model_admin.requeue_selected(request, queryset)
        return answer
    verdicts = list(_requeue(list(queryset[:MOST]), queryset.db))
    for row, refusal in verdicts:
        if refusal:
            model_admin.message_user(request, f"{row}: {refusal}", messages.WARNING)
    done = sum(not refusal for row, refusal in verdicts)
    model_admin.message_user(request, _("%(done)s: %(count)d.") % {"done": REQUEUE.done, "count": done})
    return None


resubmit_task.short_description = gettext_lazy("Requeue selected %(verbose_name_plural)s")  # type: ignore[attr-defined]
