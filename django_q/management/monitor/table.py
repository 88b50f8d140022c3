"""Tables that find room: narrow terminals lose what matters least, a column at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from django_q.management.monitor.text import Line, Span, Style, clean, fit, width_of

_GAP = "  "
_NEED = 8  # columns of what may be cut, in the narrowest window


@dataclass(frozen=True, slots=True)
class Column:
    """A column; of those that do not fit, the one with the greatest ``spare`` goes first.

    One that may be cut is not made narrower than ``least``, unless nothing is left that can be spared.
    """

    head: str
    right: bool = False
    can_shrink: bool = False
    spare: int = 0
    least: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A row. The key names what it shows, so that a selection follows it; without a key it cannot be selected."""

    key: str
    cells: tuple[str, ...]
    style: Style = Style.PLAIN
    label: str = ""  # what it is called in a question


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their heads, remarks above them, and the sentence that stands there when there are none."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: str
    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()

    def only(self, words: str) -> "Table":
        """Return the table with those rows that contain all the words."""
        wanted = words.casefold().split()
        if not wanted:
            return self
        rows = tuple(row for row in self.rows if all(word in " ".join(row.cells).casefold() for word in wanted))
        empty = f"nothing here contains {words!r}; press / to search for something else, Esc to see everything"
        return Table(self.columns, rows, empty if self.rows else self.empty, self.above, self.below)


def natural_widths(table: Table) -> list[int]:
    """Return how many columns of the terminal each column would take."""
    return [
        max([width_of(clean(column.head)), *(width_of(clean(row.cells[place])) for row in table.rows)])
        for place, column in enumerate(table.columns)
    ]


def layout(table: Table, width: int) -> list[tuple[int, int]]:
    """Return which columns are shown, in their order, and how wide each is."""
    natural = natural_widths(table)
    shown = list(range(len(natural)))
    widths = _least_widths(table, natural, None)
    while _total(widths, shown) > width and any(table.columns[place].spare for place in shown):
        shown.remove(max(shown, key=lambda place: (table.columns[place].spare, place)))
    if _total(widths, shown) > width:
        widths = _least_widths(table, natural, _NEED)
    while _total(widths, shown) > width and len(shown) > 1:
        shown.pop()
    if len(shown) == 1:
        return [(shown[0], min(width, natural[shown[0]]))]
    _grow(widths, natural, shown, width - _total(widths, shown))
    return [(place, widths[place]) for place in shown]


def _least_widths(table: Table, natural: Sequence[int], need: int | None) -> list[int]:
    return [
        min(wide, column.least if need is None else min(need, column.least)) if column.can_shrink else wide
        for wide, column in zip(natural, table.columns, strict=True)
    ]


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[place] for place in shown) + len(_GAP) * (len(shown) - 1)


def _grow(widths: list[int], natural: Sequence[int], shown: Sequence[int], room: int) -> None:
    """Give the room that is left to the columns that would take more, evenly."""
    while room > 0 and (growing := [place for place in shown if widths[place] < natural[place]]):
        share = max(1, room // len(growing))
        for place in growing:
            more = min(share, natural[place] - widths[place], room)
            widths[place] += more
            room -= more


def head_line(table: Table, places: Sequence[tuple[int, int]]) -> Line:
    """Return the heads."""
    return (Span(_joined([column.head for column in table.columns], table, places), Style.HEAD),)


def row_line(row: Row, table: Table, places: Sequence[tuple[int, int]]) -> Line:
    """Return a row."""
    return (Span(_joined(row.cells, table, places), row.style),)


def plain_lines(table: Table) -> list[str]:
    """Return the table as text, with nothing left out."""
    if not table.rows:
        return [table.empty]
    places = list(enumerate(natural_widths(table)))
    texts = [tuple(column.head for column in table.columns), *(row.cells for row in table.rows)]
    return [_joined(cells, table, places).rstrip() for cells in texts]


def _joined(cells: Sequence[str], table: Table, places: Sequence[tuple[int, int]]) -> str:
    return _GAP.join(fit(cells[place], width, right=table.columns[place].right) for place, width in places)
