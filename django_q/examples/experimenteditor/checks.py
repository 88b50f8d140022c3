"""The system checks: what in ``settings.EXPERIMENTEDITOR`` would not work, and its remedy."""

from collections.abc import Iterator
from difflib import get_close_matches
from math import inf
from pkgutil import resolve_name
from string import Formatter
from typing import Any

from django.core import checks

from django_q.examples.experimenteditor.options import OPTIONS, Option, written

LABEL = "django_q_experimenteditor"


def check_settings(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Report unknown keys, wrong types, wrong places in texts, and a NOTIFY that cannot be imported."""
    settings = written()
    if not isinstance(settings, dict):
        return [_error("E001", f"EXPERIMENTEDITOR is {settings!r}, which is no dict.", "Write EXPERIMENTEDITOR = {…}.")]
    return [problem for key, value in settings.items() for problem in _problems(key, value)]


def _problems(key: Any, value: Any) -> Iterator[checks.CheckMessage]:
    known = OPTIONS.get(key) if isinstance(key, str) else None
    if known is None:
        yield _unknown(key)
    elif not _has_type(value, known):
        names = " or ".join(kind.__name__ for kind in known.types)
        yield _error("E002", f"EXPERIMENTEDITOR[{key!r}] is {value!r}, but has to be {names}.", _says(known))
    elif not isinstance(value, str) and not known.minimum <= value < inf:  # NaN is no number of seconds either
        yield _error(
            "E003",
            f"EXPERIMENTEDITOR[{key!r}] is {value!r}: {known.minimum:g} is the least, and it has an end.",
            _says(known),
        )
    elif known.places is not None:
        yield from _text_problems(key, value, known)
    elif key == "NOTIFY" and value:
        yield from _notify_problems(value)


def _unknown(key: Any) -> checks.CheckMessage:
    near = get_close_matches(str(key), OPTIONS, n=1) or get_close_matches(str(key).upper(), OPTIONS, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Remove it, or use one of {', '.join(OPTIONS)}."
    return checks.Warning(f"EXPERIMENTEDITOR has no key {key!r}.", hint=hint, id=f"{LABEL}.W001")


def _has_type(value: Any, known: Option) -> bool:
    if isinstance(value, bool):
        return bool in known.types  # it would pass as a number
    return isinstance(value, known.types)


def _text_problems(key: str, value: str, known: Option) -> Iterator[checks.CheckMessage]:
    allowed = known.places or ()
    hint = f"Allowed are {', '.join(f'{{{place}}}' for place in allowed) or 'none'}; write {{{{ for a brace."
    if not value.strip():
        yield _error("E004", f"EXPERIMENTEDITOR[{key!r}] is empty.", _says(known))
        return
    try:
        places = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
    except ValueError as error:
        yield _error("E005", f"EXPERIMENTEDITOR[{key!r}] is no format string: {error}.", hint)
        return
    for place in sorted(places - set(allowed)):
        yield _error("E005", f"EXPERIMENTEDITOR[{key!r}] names {{{place}}}, which nobody fills in.", hint)


def _notify_problems(path: str) -> Iterator[checks.CheckMessage]:
    try:
        if callable(resolve_name(path)):
            return
        complaint = "is not callable"
    except (AttributeError, ImportError, ValueError) as error:
        complaint = f"cannot be imported: {error}"
    hint = "Write the path of a callable like notify.send, for example 'notifications.signals.notify.send'."
    yield _error("E006", f"EXPERIMENTEDITOR['NOTIFY'] is {path!r}, which {complaint}.", hint)


def _says(known: Option) -> str:
    return f"It says: {known.meaning}."


def _error(code: str, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, id=f"{LABEL}.{code}")
