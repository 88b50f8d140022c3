"""Selected tasks as a file, CSV or JSON, written while it is sent."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_q.admin import display
from django_q.admin.actions import Deed, Verdict, actor
from django_q.kernel import clock
from django_q.kernel.states import TaskKind, TaskState
from django_q.models.dialects.base import parts

_CHUNK = 200
# A spreadsheet takes what begins so for a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_PAYLOADS = ("args", "kwargs", "result")

_STEADY = {"state": TaskState, "kind": TaskKind}

Record = dict[str, Any]
Column = str | tuple[str, Callable[[Any], Any]]


class PayloadForm(forms.Form):
    """Whether arguments and results are wanted too; offered to those who may see them."""

    payloads = forms.BooleanField(label=gettext_lazy("With arguments and results"), required=False)

    def __init__(self, data: Any = None, *, allowed: bool) -> None:
        super().__init__(data)
        if not allowed:
            del self.fields["payloads"]


class Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _form(request: HttpRequest, data: Any) -> forms.Form:
    return PayloadForm(data, allowed=_may_see_payloads(request))


def _may_see_payloads(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("django_q.view_payload"))


# Formats -------------------------------------------------------------------------------------------------------------


def as_csv(names: Sequence[str], records: Iterable[Record]) -> Iterator[str]:
    """Yield the lines of a table; cells that a spreadsheet would run are quoted by an apostrophe."""
    writer = csv.writer(Echo())
    yield writer.writerow(names)
    for record in records:
        yield writer.writerow([_cell(record[name]) for name in names])


def as_json(names: Sequence[str], records: Iterable[Record]) -> Iterator[str]:
    """Yield an array of objects, one a line."""
    before = "[\n"
    for record in records:
        yield before + json.dumps({name: _plain(record[name]) for name in names}, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _cell(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return "" if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (timezone.localtime(value) if timezone.is_aware(value) else value).isoformat()
    return value


# Rows ----------------------------------------------------------------------------------------------------------------


def _answer(admin: Any, request: HttpRequest, chosen: list[str], *, kind: str, payloads: bool = False) -> Any:
    """Return the file, and log that it was taken."""
    payloads = payloads and _may_see_payloads(request)
    columns = [name for name in admin.exported if payloads or name not in _PAYLOADS]
    told = _("Exported as %(format)s, with arguments and results.") if payloads else _("Exported as %(format)s.")
    LogEntry.objects.create(
        user_id=actor(request),
        content_type_id=ContentType.objects.get_for_model(admin.model, for_concrete_model=False).pk,
        object_repr=f"{admin.opts.verbose_name_plural}: {len(chosen)}"[:200],
        action_flag=CHANGE,
        change_message=told % {"format": kind.upper()},
    )
    written = {"csv": as_csv, "json": as_json}[kind]
    types = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
    records = _records(admin, request, chosen, columns)
    # Encoded here: where an answer leaves by ASGI, nothing must be left to be done in the loop.
    lines = (line.encode("utf-8", "backslashreplace") for line in written(columns, records))
    response = StreamingHttpResponse(lines, content_type=types[kind])
    name = f"{admin.opts.model_name}-{timezone.localtime(clock.now()):%Y%m%d-%H%M%S}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _records(admin: Any, request: HttpRequest, chosen: Sequence[str], columns: Sequence[str]) -> Iterator[Record]:
    """Yield what is exported of the rows that are still there, in the order of the list."""
    unread = [name for name in admin.heavy if name not in (*columns, "options")]
    for keys in parts(chosen, _CHUNK):
        found = {row.pk: row for row in admin.get_queryset(request).filter(pk__in=keys).defer(*unread).iterator()}
        for key in keys:
            if key in found:
                yield {name: _value(found[key], name) for name in columns}


def _value(row: Any, name: str) -> Any:
    if name in _PAYLOADS:
        return display.payload_text(row, name)[0]
    if name == "user":
        return display.options_of(row.options).get("user")
    if name == "duration":
        return round(row.time_taken(), 6)
    if name in _STEADY:  # a program that reads the file shall not depend on anybody's language
        return _STEADY[name](getattr(row, name)).name.lower()
    return getattr(row, name)


def _nothing(rows: list[Any], alias: str) -> Iterable[Verdict]:
    return ()


def _deed(kind: str) -> Deed:
    def answer(admin: Any, request: HttpRequest, chosen: list[str], **said: Any) -> Any:
        return _answer(admin, request, chosen, kind=kind, **said)

    return Deed(
        name=f"export_{kind}",
        question=gettext_lazy("Export these rows?"),
        button=gettext_lazy("Yes, export"),
        done=gettext_lazy("Exported"),
        flag=CHANGE,
        perform=_nothing,
        form=_form,
        answer=answer,
    )


CSV = _deed("csv")
JSON = _deed("json")
