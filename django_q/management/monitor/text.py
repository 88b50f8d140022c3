"""Text as a terminal shows it: how many columns it takes, without what would move the cursor."""

import unicodedata
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from wcwidth import wcwidth  # blessed measures with it, too

# Control codes, half characters, and what has no width of its own but changes how its neighbours are drawn.
_UNFIT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MODIFIERS = range(0xFE00, 0xFE10)
_CUT = "…"
_INDENT = 4


class Style(Enum):
    """What a piece of text is; the terminal decides how that looks."""

    PLAIN = "plain"
    STRONG = "strong"
    QUIET = "quiet"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    HEAD = "head"  # of a table
    CHOSEN = "chosen"  # the selected row, the visible tab
    BAR = "bar"  # the line at the top and at the bottom


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]


def line(text: str, style: Style = Style.PLAIN) -> Line:
    """Return a line of one style."""
    return (Span(text, style),)


def clean(text: str) -> str:
    """Return text in one line, without anything that a terminal would not just show."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter) for letter in text)


def width_of(text: str) -> int:
    """Return how many columns clean text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, width: int) -> str:
    """Return as much of clean text as fits into so many columns; what is cut ends with a sign."""
    if width_of(text) <= width:
        return text
    if width <= 0:
        return ""
    return _beginning(text, width - 1) + _CUT


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return text that takes exactly so many columns."""
    shown = cut(clean(text), width)
    gap = " " * (width - width_of(shown))
    return gap + shown if right else shown + gap


def wrapped(text: str, width: int) -> list[str]:
    """Return text in lines of at most so many columns; what continues a line is indented as far as there is room."""
    found = []
    for each in text.split("\n"):
        rest, indent = clean(each.expandtabs(4)).rstrip(), ""
        while width_of(indent + rest) > width:
            part = _beginning(rest, width - len(indent))
            found.append(indent + (part or rest[0]))
            rest = rest[len(part or rest[0]) :]
            indent = " " * _INDENT if width > 4 * _INDENT else ""
        found.append(indent + rest)
    return found


def fitted(spans: Line, width: int) -> Line:
    """Return a line that takes exactly so many columns."""
    found, left = [], width
    for span in spans:
        shown = cut(clean(span.text), left)
        if shown:
            found.append(Span(shown, span.style))
        left -= width_of(shown)
    if left > 0:
        found.append(Span(" " * left, spans[-1].style if spans and spans[-1].style is Style.BAR else Style.PLAIN))
    return tuple(found)


def text_of(spans: Line) -> str:
    """Return a line without its styles."""
    return "".join(span.text for span in spans)


def _shown(letter: str) -> str:
    if unicodedata.category(letter) in _UNFIT:
        return "" if unicodedata.category(letter) == "Cf" else " " if letter.isspace() else "?"
    return "" if ord(letter) in _MODIFIERS else letter if wcwidth(letter) >= 0 else "?"


@lru_cache(4096)
def _width(letter: str) -> int:
    """Return the most columns that a letter takes: some of those that combine with the one before them take one."""
    return max(1 if unicodedata.category(letter) == "Mc" else 0, wcwidth(letter))


def _beginning(text: str, width: int) -> str:
    taken = 0
    for place, letter in enumerate(text):
        taken += _width(letter)
        if taken > width:
            return text[:place]
    return text
