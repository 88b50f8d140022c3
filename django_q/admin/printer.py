"""Values of users as text: indented, bounded, and never failing."""

from itertools import islice
from reprlib import Repr
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_WIDTH = 96
_ITEMS = 200  # shown of one container
_DEPTH = 12
_SHORT = 14  # characters of items that share a line
_LEAF = 10_000  # characters
_TOTAL = 50_000  # characters of leaves
_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", dict: "{}", set: "{}", frozenset: "{}"}


def pretty(value: Any) -> str:
    """Return a value as Python would write it, one item a line where it is long, cut off where it is very long."""
    return _Printer().write(value, 0)


class _Printer:
    def __init__(self) -> None:
        self._left = _TOTAL
        self._leaves = Repr()
        self._leaves.maxstring = self._leaves.maxother = self._leaves.maxlong = _LEAF

    def write(self, value: Any, depth: int) -> str:
        brackets = _BRACKETS.get(type(value))
        if brackets is None or (not value and type(value) in (set, frozenset)):
            return self._leaf(value)
        if depth >= _DEPTH or self._left <= 0:
            return f"{brackets[0]}…{brackets[1]}" if value else brackets
        return _joined(brackets, self._items(value, depth), depth)

    def _items(self, value: Any, depth: int) -> list[str]:
        written = []
        for item in islice(value.items() if type(value) is dict else value, _ITEMS):
            if self._left <= 0:
                break
            if type(value) is dict:
                written.append(f"{self.write(item[0], depth + 1)}: {self.write(item[1], depth + 1)}")
            else:
                written.append(self.write(item, depth + 1))
        if len(written) < len(value):
            written.append(_("… %(count)d more") % {"count": len(value) - len(written)})
        elif type(value) is tuple and len(written) == 1:
            written.append("")
        return written

    def _leaf(self, value: Any) -> str:
        if type(value) in (str, int):
            text = self._leaves.repr(value)
        elif type(value) is bytes and len(value) > _LEAF:
            more = len(value) - _LEAF
            text = ngettext("%(bytes)s… %(count)d byte more", "%(bytes)s… %(count)d bytes more", more)
            text %= {"bytes": repr(value[:_LEAF]), "count": more}
        else:  # an object whose __repr__ raises is shown by its class and address
            text = self._leaves.repr_instance(value, 0)
        self._left -= len(text)
        return text


def _joined(brackets: str, items: list[str], depth: int) -> str:
    line = ", ".join(items).rstrip() if items[-1:] == [""] else ", ".join(items)
    if len(line) <= _WIDTH - 4 * depth and "\n" not in line:
        return f"{brackets[0]}{line}{brackets[1]}"
    indent = "    " * (depth + 1)
    body = "".join(f"{indent}{line},\n" for line in _lines([item for item in items if item], _WIDTH - len(indent)))
    return f"{brackets[0]}\n{body}{'    ' * depth}{brackets[1]}"


def _lines(items: list[str], width: int) -> list[str]:
    """Return one item a line, or as many as fit where all are short."""
    if any(len(item) > _SHORT for item in items):
        return items
    lines = [""]
    for item in items:
        longer = f"{lines[-1]}, {item}" if lines[-1] else item
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(item)
    return lines
