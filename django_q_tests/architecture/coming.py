"""What the pages about other packages claim: tables of their names, each with a verdict."""

import re
from collections.abc import Iterator
from importlib import import_module

from django_q_tests.architecture.source import ROOT

HERE = ("Same", "Changed")
_ROW = re.compile(r"^   \* - (.+?)\n     - (.+?)(?=\n   \* - |\n\n\S|\Z)", re.MULTILINE | re.DOTALL)


def verdicts(page: str) -> Iterator[tuple[str, str]]:
    """Yield each name of a page's tables, and the first word of what it says of it."""
    for names, text in _ROW.findall((ROOT / page).read_text(encoding="utf-8")):
        if names.strip() != "There":
            yield from ((name, text.split()[0].rstrip(".:,")) for name in re.findall(r"``(.+?)``", names))


def can_be_imported(package: str, name: str) -> bool:
    """Is there such a name in a package: a module, something in one, or something in the package itself?"""
    first, *rest = name.split(".")
    try:
        found = import_module(f"{package}.{first}")
    except ModuleNotFoundError:
        found, rest = import_module(package), [first, *rest]
    for part in rest:
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True
