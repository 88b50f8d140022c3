"""Find the pages of the admin by following its links, one page of each kind."""

from collections import deque
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

from django.urls import Resolver404, resolve

from django_q_tests.support.browser import Visitor

SITE = "/admin/"
ROOT = "/admin/django_q/"
_LINKS = "elements => elements.map(element => element.getAttribute('href'))"

Kind = tuple[str, tuple[str, ...]]


def kind_of(path: str) -> Kind | None:
    """Return the view that an address leads to and the names in its query; None if it is no page of the site."""
    parts = urlsplit(path)
    try:
        return resolve(parts.path).view_name, tuple(sorted(parse_qs(parts.query, keep_blank_values=True)))
    except Resolver404:
        return None


def links(visitor: Visitor) -> list[str]:
    """Return the addresses on this site that the page links to."""
    here = urlsplit(visitor.page.url)._replace(fragment="").geturl()
    found = visitor.page.locator("a[href]").evaluate_all(_LINKS)
    absolute = [urlsplit(urljoin(here, href))._replace(fragment="").geturl() for href in found]
    return [
        one.removeprefix(visitor.origin) for one in dict.fromkeys(absolute) if one.startswith(visitor.origin + SITE)
    ]


def pages(visitor: Visitor, *first: str) -> Iterator[str]:
    """Open one page after another, first those that are named, and yield each address when it is open."""
    waiting = deque(first)
    seen: set[str] = set()
    kinds: set[Kind] = set()
    while waiting:
        path = waiting.popleft()
        kind = kind_of(path)
        if path in seen or kind is None or (path not in first and kind in kinds):
            continue
        seen.add(path)
        kinds.add(kind)
        visitor.open(path)
        yield path
        # The same lists sorted and filtered in all ways are asked for by rotten().
        waiting.extend(link for link in links(visitor) if link.startswith(ROOT) and not urlsplit(link).query)


def rotten(visitor: Visitor, paths: set[str]) -> list[str]:
    """Return what is refused of these addresses, of which one of each kind is asked for."""
    of_each_kind = {kind_of(path): path for path in sorted(paths)}
    answers = {path: visitor.context.request.get(path, max_redirects=0).status for path in of_each_kind.values()}
    return [f"{path} answers {status}" for path, status in answers.items() if status >= 400]
