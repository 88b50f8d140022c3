"""The addresses of the pages that belong to no single model."""

import re
from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, register_converter

from django_q.admin.dashboard import dashboard
from django_q.admin.members import chain, group

_ESCAPED = re.compile(r"_([0-9a-f]{1,6})_")
_UNSAFE = re.compile(r"[^\w-]|_")


class TextConverter:
    """Any text as one part of a path: what is no letter, digit or hyphen becomes its number between underscores.

    A browser would take ``..`` for the folder above, and servers disagree on ``%2F``.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        if "\0" in text:
            raise ValueError(f"{value!r} stands for a text with a NUL character, which no name holds.")
        text.encode()  # a lone surrogate is a ValueError too: no database holds it
        return text

    def to_url(self, value: str) -> str:
        return _UNSAFE.sub(lambda found: f"_{ord(found[0]):x}_", value)


register_converter(TextConverter, "django_q_text")


def routes(site: AdminSite) -> list[URLPattern]:
    """Return the patterns, each behind the site's log-in."""
    return [
        path("dashboard/", _guarded(site, dashboard), name="django_q_dashboard"),
        path("group/<django_q_text:name>/", _guarded(site, group), name="django_q_group"),
        path("chain/<django_q_text:name>/", _guarded(site, chain), name="django_q_chain"),
    ]


def _guarded(site: AdminSite, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return page(request, site=site, **kwargs)

    return site.admin_view(view)
