"""Events with data of users in them."""

from typing import Any

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe


def format_event(form: str, /, *args: Any, **kwargs: Any) -> SafeString:
    """Fill the places of an event as :meth:`str.format` does: ``format_event("<li>{}</li>===>>.data", name)``.

    What is filled in is text and nothing else: it is escaped, unless it is marked as safe, and cannot say where the
    event goes.
    """
    return format_html(form, *map(_inert, args), **{name: _inert(value) for name, value in kwargs.items()})


def _inert(value: Any) -> SafeString:
    # Two of the marks that part HTML from its place are no characters that escaping changes.
    return mark_safe(conditional_escape(value).replace("===", "==&#61;"))  # noqa: S308
