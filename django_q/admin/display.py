"""How stored things are shown: blocks of text, payloads, tracebacks, moments, spans. All of it escaped."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from django_q.admin.attempts import RUNNING, SUCCEEDED, Attempt
from django_q.admin.printer import pretty
from django_q.admin.traces import application_only
from django_q.engine.decision import UNKNOWN
from django_q.exceptions import PayloadError
from django_q.kernel import clock
from django_q.kernel.states import Reason
from django_q.models.fields import sealed_bytes
from django_q.models.labels import REASONS
from django_q.tasks import TaskProgress

EMPTY = "-"
#: Ends that somebody wanted.
QUIET = frozenset({Reason.CANCELED.value, Reason.STOPPED.value})
_LARGEST = 4 * 2**20  # bytes of a payload that is decoded to be looked at


def block(text: str) -> SafeString | str:
    """Return text as it stands, in lines; a long one can be scrolled with the keyboard."""
    return format_html('<pre class="django-q-text" tabindex="0">{}</pre>', text) if text else EMPTY


def notice(text: str) -> SafeString:
    """Return a sentence that stands in place of something."""
    return format_html('<p class="django-q-notice">{}</p>', text)


def trace(text: str) -> SafeString | str:
    """Return a traceback; where frames of others stand in it, without them first and whole on demand."""
    own = application_only(text)
    if own == text:
        return block(text)
    return format_html(
        '<div class="django-q-traces"><details name="django-q-trace" open><summary>{}</summary>{}</details>'
        '<details name="django-q-trace"><summary>{}</summary>{}</details></div>',
        _("Application only"),
        block(own),
        _("Full traceback"),
        block(text),
    )


# Payloads ------------------------------------------------------------------------------------------------------------


def payload(row: Model, name: str, *, allowed: bool) -> SafeString | str:
    """Return a signed column, decoded and pretty; a sentence if it may not be seen or cannot be shown."""
    if not allowed:
        return notice(_("You may not see arguments and results."))
    text, is_value = payload_text(row, name)
    if text is None:
        return EMPTY
    return block(text) if is_value else notice(text)


def payload_text(row: Model, name: str) -> tuple[str | None, bool]:
    """Return a signed column as text and True, or a sentence that says why not and False."""
    stored = sealed_bytes(row, name)
    if stored is None:
        return None, True
    if len(stored) > _LARGEST:
        size = number_format(len(stored) / 2**20, 1)
        return _("%(size)s MiB; too large to be shown here. Read it with fetch(id).") % {"size": size}, False
    try:
        return pretty(getattr(row, name)), True
    except PayloadError as error:
        return _("Cannot be shown. %(error)s") % {"error": error}, False


def settings_of(text: str) -> SafeString | str:
    """Return a JSON text with one key a line."""
    return block(pretty(parsed(text))) if text else EMPTY


def parsed(text: str) -> Any:
    """Return a JSON text's value; the text itself if it is not JSON."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def options_of(text: str) -> dict[str, Any]:
    """Return the options of a row."""
    found = parsed(text)
    return found if isinstance(found, dict) else {}


def entries(errors: str) -> list[dict[str, Any]]:
    """Return the remembered errors of a row."""
    found = parsed(errors)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


# Tables --------------------------------------------------------------------------------------------------------------


def attempt_table(attempts: Iterable[Attempt]) -> SafeString | str:
    """Return attempts as a table: when, after how long a wait, for how long, how, where."""
    heads = [_("Attempt"), _("Started"), _("Waited"), _("Ran"), _("Ended"), _("Worker"), _("Error")]
    rows = [
        (
            each.number or EMPTY,
            EMPTY if each.at is None else moment(each.at),
            EMPTY if each.waited is None else span(each.waited),
            EMPTY if each.ran is None else span(each.ran),
            ending(each.ending),
            each.worker or EMPTY,
            each.error or EMPTY,
        )
        for each in attempts
    ]
    return table(heads, rows, kind="django-q-attempts") if rows else EMPTY


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, kind: str = "") -> SafeString:
    """Return a table of plain texts, which can be scrolled with the keyboard where it is wide."""
    head = format_html_join("", '<th scope="col">{}</th>', ((each,) for each in heads))
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    return format_html(
        '<table class="django-q-table {}"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', kind, head, body
    )


# Words ---------------------------------------------------------------------------------------------------------------


def badge(text: Any, kind: str) -> SafeString:
    """Return a word that can be told from others by its colour too."""
    return format_html('<span class="django-q-badge django-q-{}">{}</span>', kind, text)


def ending(name: str) -> SafeString:
    """Return how a task or an attempt ended: canceled and stopped are somebody's will, other failures are not."""
    words = {
        SUCCEEDED: _("succeeded"),
        RUNNING: _("running"),
        UNKNOWN: _("function unknown"),
        **dict(REASONS),
    }
    quiet = name in QUIET or name in (RUNNING, UNKNOWN)
    return badge(words.get(name, name), "good" if name == SUCCEEDED else "quiet" if quiet else "bad")


def link(site: str, model: str, pk: str, text: object) -> SafeString:
    """Return a link to the page of a row."""
    url = reverse(f"admin:django_q_{model}_change", args=[pk], current_app=site)
    return format_html('<a href="{}">{}</a>', url, text)


def joined(parts: Iterable[SafeString | str]) -> SafeString | str:
    """Return links one after another."""
    return format_html_join(", ", "{}", ((part,) for part in parts)) or EMPTY


def lines(texts: Iterable[str]) -> SafeString | str:
    """Return texts one below the other."""
    return format_html_join(SafeString("<br>"), "{}", ((text,) for text in texts)) or EMPTY


def shortened(text: str, length: int = 80) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def progress(found: TaskProgress | None) -> SafeString | str:
    """Return how far a task is: a bar where there is a total, what is done, and what the task says of it."""
    if found is None:
        return EMPTY
    if found.total is None or found.percent is None:
        return format_html('<span class="django-q-far">{} {}</span>', _amount(found.done), found.message)
    words = _("%(done)s of %(total)s (%(percent)d %%)") % {
        "done": _amount(found.done),
        "total": _amount(found.total),
        "percent": int(found.percent),
    }
    return format_html(
        '<span class="django-q-far"><progress value="{}" max="100" aria-label="{}"></progress> {} {}</span>',
        f"{found.percent:.2f}",
        _("Progress"),
        words,
        found.message,
    )


def _amount(value: float) -> str:
    return number_format(value if isinstance(value, int) else round(value, 2))


# Time ----------------------------------------------------------------------------------------------------------------


def span(seconds: float) -> str:
    """Return seconds as people write them."""
    if seconds < 60:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(value: datetime) -> str:
    """Return a moment to the second, in the time zone of the site."""
    return date_format(timezone.localtime(value) if timezone.is_aware(value) else value, "Y-m-d H:i:s")


def age(value: datetime) -> SafeString:
    """Return how long ago a moment is, in words; the moment itself is shown when it is pointed at."""
    aware = value if timezone.is_aware(value) else timezone.make_aware(value)
    words = _humanized(aware)
    return format_html('<time datetime="{}" title="{}">{}</time>', aware.isoformat(), moment(value), words)


def distance(value: datetime) -> str:
    """Return in words how far a moment is, ahead or behind."""
    return _humanized(value if timezone.is_aware(value) else timezone.make_aware(value))


def _humanized(value: datetime) -> str:
    import arrow

    moment, now = arrow.get(value), arrow.get(clock.now())
    try:
        return moment.humanize(now, locale=get_language() or "en")
    except ValueError:  # a language that arrow does not know
        return moment.humanize(now)
