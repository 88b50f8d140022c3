"""Actions on a selection: asked for, confirmed, done, logged and reported."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from django_q.admin.dates import Period
from django_q.models.dialects.base import parts

#: Rows that one action takes on.
MOST = 10_000
_CHUNK = 100
_SHOWN = 20

Row = Any
Verdict = tuple[Row, str]  # a row, and why nothing was done with it; empty if it was


@dataclass(frozen=True)
class Deed:
    """An action, in the words in which it is offered, asked, logged and reported."""

    name: str
    question: Any
    button: Any
    done: Any  # "Requeued"
    flag: int
    perform: Callable[..., Iterable[Verdict]]
    skips: tuple[str, ...] = ()  # columns that it does not need
    label: Any = ""  # on the page of one row
    suits: Callable[[Row], bool] = bool  # is there anything to be done with this row?
    form: Callable[[HttpRequest, Any], forms.Form] | None = None  # what else has to be said
    # Where the answer is not a list but, say, a file.
    answer: Callable[..., Any] | None = None


def run(admin: Any, request: HttpRequest, queryset: QuerySet[Any], deed: Deed) -> HttpResponse | None:
    """Ask for confirmation; when it is there, do it and say what was done."""
    is_confirmed = "post" in request.POST
    queryset = _as_asked(admin, request, queryset)
    chosen = list(queryset.values_list("pk", flat=True)[: MOST + 1])
    form = deed.form(request, request.POST if is_confirmed else None) if deed.form else None
    if not is_confirmed or not (form is None or form.is_valid()):
        return _confirmation(admin, request, queryset, chosen, deed, form)
    said: dict[str, Any] = form.cleaned_data if form else {}
    if deed.answer is not None:
        answer: HttpResponse = deed.answer(admin, request, chosen[:MOST], **said)
        return answer
    done, refused = _do(admin, request, chosen[:MOST], deed, said)
    if done:
        text = _("%(done)s: %(count)d.") % {"done": deed.done, "count": done}
        admin.message_user(request, text, messages.SUCCESS)
    for row, reason in refused[:_SHOWN]:
        admin.message_user(request, f"{row}: {reason}", messages.WARNING)
    if len(refused) > _SHOWN:
        text = _("%(count)d more were left as they are.") % {"count": len(refused) - _SHOWN}
        admin.message_user(request, text, messages.WARNING)
    if _is_of_one(request, chosen):
        return HttpResponseRedirect(admin.address_of(request, chosen[0]))
    return None


def tried(row: Row, call: Callable[[Row], object], refusal: type[Exception]) -> Verdict:
    """Do something with a row; return what refused it."""
    try:
        call(row)
    except refusal as error:
        return row, str(error)
    return row, ""


def _as_asked(admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out what has come to the list since the question was asked."""
    newest = request.POST.get("newest", "")
    if request.POST.get("select_across") != "1" or not newest:
        return queryset
    column = admin.newest_by
    value = newest if column == "pk" else Period.of(column, {f"{column}__gte": newest}).since
    return queryset.filter(**{f"{column}__lte": value})


def _do(
    admin: Any, request: HttpRequest, chosen: list[str], deed: Deed, said: dict[str, Any]
) -> tuple[int, list[Verdict]]:
    perform = partial(deed.perform, **said)
    done, refused = 0, []
    for keys in parts(chosen, _CHUNK):
        rows = list(admin.get_queryset(request).filter(pk__in=keys).defer(*deed.skips))
        verdicts = list(perform(rows, admin.alias))
        refused += [verdict for verdict in verdicts if verdict[1]]
        ended = [row for row, reason in verdicts if not reason]
        done += len(ended)
        if ended:
            LogEntry.objects.log_actions(actor(request), ended, deed.flag, _told(deed, said))
    return done, refused


def _told(deed: Deed, said: dict[str, Any]) -> str:
    more = ", ".join(str(value) for value in said.values())
    return f"{deed.done}: {more}." if more else f"{deed.done}."


def actor(request: HttpRequest) -> Any:
    """Return the key of who does it."""
    return request.user.pk


def _is_of_one(request: HttpRequest, chosen: list[str]) -> bool:
    """Was it asked for on the page of one row?"""
    return request.POST.get("origin") == "one" and len(chosen) == 1


def _confirmation(
    admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    chosen: list[str],
    deed: Deed,
    form: forms.Form | None,
) -> HttpResponse:
    across = request.POST.get("select_across") == "1"
    rows = admin.get_queryset(request).filter(pk__in=chosen[:_SHOWN])
    is_of_one = _is_of_one(request, chosen)
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Are you sure?"),
        "subtitle": None,
        "opts": admin.opts,
        "media": admin.media,
        "deed": deed,
        "form": form,
        "rows": rows.only("name", "func") if hasattr(admin.model, "func") else rows,
        "count": min(len(chosen), MOST),
        "unlisted": max(0, min(len(chosen), MOST) - _SHOWN),
        "is_cut": len(chosen) > MOST,
        "select_across": across,
        "newest": request.POST.get("newest") or (_newest(admin, queryset) if across else ""),
        "selected": chosen[:1] if across else chosen,
        "origin": "one" if is_of_one else "",
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "back": admin.address_of(request, chosen[0]) if is_of_one else request.get_full_path(),
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin/django_q/confirm_action.html", context)


def _newest(admin: Any, queryset: QuerySet[Any]) -> str:
    column = admin.newest_by
    found = queryset.order_by(f"-{column}").values_list(column, flat=True).first()
    return "" if found is None else found.isoformat() if hasattr(found, "isoformat") else str(found)
