"""How stored things are shown: blocks of text, payloads, lists of errors, spans. All of it escaped."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_q.admin.printer import pretty
from django_q.exceptions import PayloadError
from django_q.models.fields import sealed_bytes

EMPTY = "-"
_LARGEST = 4 * 2**20  # bytes of a payload that is decoded to be looked at


def block(text: str) -> SafeString | str:
    """Return text as it stands, in lines."""
    return format_html('<pre class="django-q-text">{}</pre>', text) if text else EMPTY


def notice(text: str) -> SafeString:
    """Return a sentence that stands in place of something."""
    return format_html('<p class="django-q-notice">{}</p>', text)


def payload(row: Model, name: str) -> SafeString | str:
    """Return a signed column, decoded and pretty; a sentence if it cannot be trusted or is too large."""
    stored = sealed_bytes(row, name)
    if stored is None:
        return EMPTY
    if len(stored) > _LARGEST:
        size = f"{len(stored) / 2**20:.1f}"
        return notice(_("%(size)s MiB; too large to be shown here. Read it with fetch(id).") % {"size": size})
    try:
        return block(pretty(getattr(row, name)))
    except PayloadError as error:
        return notice(_("Cannot be shown. %(error)s") % {"error": error})


def settings_of(text: str) -> SafeString | str:
    """Return a JSON text with one key a line."""
    return block(pretty(parsed(text))) if text else EMPTY


def parsed(text: str) -> Any:
    """Return a JSON text's value; the text itself if it is not JSON."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def entries(errors: str) -> list[dict[str, Any]]:
    """Return the remembered errors of a row."""
    found = parsed(errors)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def error_table(found: Iterable[dict[str, Any]]) -> SafeString | str:
    """Return attempts that did not succeed as a table: when, how, for how long, where."""
    heads = [_("When"), _("Reason"), _("Ran"), _("Worker"), _("Error")]
    rows = [_attempt(each) for each in found]
    return table(heads, rows) if rows else EMPTY


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> SafeString:
    """Return a table of plain texts."""
    head = format_html_join("", '<th scope="col">{}</th>', ((each,) for each in heads))
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    return format_html('<table class="django-q-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


def badge(text: str, kind: str) -> SafeString:
    """Return a word that can be told from others by its colour too."""
    return format_html('<span class="django-q-badge django-q-{}">{}</span>', kind, text)


def link(site: str, model: str, pk: str, text: object) -> SafeString:
    """Return a link to the page of a row."""
    url = reverse(f"admin:django_q_{model}_change", args=[pk], current_app=site)
    return format_html('<a href="{}">{}</a>', url, text)


def span(seconds: float) -> str:
    """Return seconds as people write them."""
    if seconds < 60:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def shortened(text: str, length: int = 80) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def moment(value: datetime) -> str:
    """Return a moment to the second, in the time zone of the site."""
    return date_format(timezone.localtime(value) if timezone.is_aware(value) else value, "Y-m-d H:i:s")


def _attempt(entry: dict[str, Any]) -> tuple[str, ...]:
    reason, worker, error = (str(entry.get(key, "")) for key in ("reason", "worker", "error"))
    return _when(entry), reason, _ran(entry), worker, error


def _when(entry: dict[str, Any]) -> str:
    try:
        return moment(datetime.fromisoformat(entry["at"]))
    except (KeyError, ValueError):
        return EMPTY


def _ran(entry: dict[str, Any]) -> str:
    started, stopped = entry.get("started"), entry.get("stopped")
    return span(stopped - started) if started and stopped else EMPTY
