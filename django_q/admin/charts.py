"""Bar charts as SVG, drawn by the server: no script, no inline style, and words for who cannot see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 26, 14, 24
_GAP = 0.2  # of a bar's place
_STEPS = (1, 2, 5, 10)
_LABELS = 5  # along the axis of time, at most


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of value: its name, the class that colours it, and a value for each bar; None for no bar."""

    name: str
    css: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: series stand on top of each other, or each stands before the one that was named earlier."""

    id: str
    title: str
    description: str
    labels: Sequence[str]  # of the bars
    series: Sequence[Series]
    stacked: bool
    written: Callable[[float], str]  # how a value is written

    def svg(self) -> SafeString:
        """Return the picture."""
        most = ceiling(self._highest())
        return format_html(
            '<svg class="django-q-chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{id}-title {id}-desc">'
            '<title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>{}{}{}</svg>',
            _WIDTH,
            _HEIGHT,
            self.title,
            self.description,
            self._grid(most),
            format_html_join("", "{}", ((self._bar(place, most),) for place in range(len(self.labels)))),
            self._times(),
            id=self.id,
        )

    def _highest(self) -> float:
        columns = ([each.values[place] or 0.0 for each in self.series] for place in range(len(self.labels)))
        return max((sum(column) if self.stacked else max(column, default=0.0) for column in columns), default=0.0)

    def _grid(self, most: float) -> SafeString:
        right = _number(_WIDTH - _RIGHT)
        lines = ((_number(_y(share)), self.written(most * share)) for share in (0.0, 0.5, 1.0))
        return format_html_join(
            "",
            '<line class="django-q-grid" x1="{}" y1="{}" x2="{}" y2="{}"/>'
            '<text class="django-q-axis" x="{}" y="{}" text-anchor="end" dominant-baseline="middle">{}</text>',
            ((_LEFT, y, right, y, _LEFT - 6, y, text) for y, text in lines),
        )

    def _bar(self, place: int, most: float) -> SafeString:
        found = [(each, each.values[place]) for each in self.series]
        drawn, base = [], 0.0
        for each, value in found:
            if value:
                bottom = base if self.stacked else 0.0
                drawn.append((each.css, *self._box(place, bottom / most, (bottom + value) / most)))
                base += value
        if not drawn:
            return SafeString("")
        told = ", ".join(f"{each.name} {self.written(value)}" for each, value in found if value is not None)
        boxes = format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', drawn)
        return format_html("<g><title>{}: {}</title>{}</g>", self.labels[place], told, boxes)

    def _box(self, place: int, low: float, high: float) -> tuple[str, str, str, str]:
        room = self._room()
        left = _LEFT + room * (place + _GAP / 2)
        # What is there can be seen, however little it is.
        height = max(_y(low) - _y(high), 1.0)
        return _number(left), _number(_y(low) - height), _number(room * (1 - _GAP)), _number(height)

    def _times(self) -> SafeString:
        every = max(1, -(-len(self.labels) // _LABELS))
        # From the newest backwards: that one is always named.
        places = range(len(self.labels) - 1, -1, -every)
        texts = ((_number(_LEFT + self._room() * (place + 0.5)), _HEIGHT - 8, self.labels[place]) for place in places)
        return format_html_join("", '<text class="django-q-axis" x="{}" y="{}" text-anchor="middle">{}</text>', texts)

    def _room(self) -> float:
        return (_WIDTH - _LEFT - _RIGHT) / max(1, len(self.labels))


def ceiling(value: float) -> float:
    """Return the next number that is easy to read: 1, 2 or 5 with zeros; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((step * power for step in _STEPS if value <= step * power * (1 + 1e-9)), 10 * power)


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _number(value: float) -> str:
    """Return a number as SVG reads it, in any language of the site."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
