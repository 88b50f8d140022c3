"""From a data series to the coordinates of an SVG drawing, or to lines of text; and a log as people read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from math import ceil, floor, log10
from typing import Any

from django.utils.timezone import get_current_timezone

from django_q.examples.experimenteditor.models import ObservableQuantity

WIDTH, HEIGHT = 640, 280
LEFT, BOTTOM, TOP, RIGHT = 64, 48, 12, 16
MOST_POINTS = 640
MOST_TEXTS = 50


@dataclass(frozen=True)
class Tick:
    """A line of the grid and its label."""

    at: float
    label: str
    is_zero: bool = False


@dataclass(frozen=True)
class Plot:
    """All that the template has to know."""

    title: str
    points: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    y_label: str
    summary: str

    x_label = "seconds since the first value"
    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2


@dataclass(frozen=True)
class Axis:
    """The values from low to high, on the pixels from begin to end."""

    low: float
    high: float
    step: float
    begin: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], begin: float, end: float) -> "Axis":
        """Return an axis with zero and all values on it, which begins and ends at round numbers."""
        low, high = min(0.0, *values), max(0.0, *values)
        step = _step(high - low)
        return cls(
            step * floor(low / step + 1e-9), step * max(ceil(high / step - 1e-9), int(low >= 0)), step, begin, end
        )

    def at(self, value: float) -> float:
        return self.begin + (self.end - self.begin) * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[Tick]:
        first, last = round(self.low / self.step), round(self.high / self.step)
        values = [count * self.step for count in range(first, last + 1)]
        return [Tick(self.at(value), f"{round(value, 9):g}", is_zero=value == 0) for value in values]


def plot_of(quantity: ObservableQuantity) -> Plot | None:
    """Return the drawing of a series over the seconds since its first value; None if there is nothing to draw."""
    if not quantity.xdata or not quantity.plottable:
        return None
    start = float(quantity.xdata[0])
    seconds, values = [float(x) - start for x in quantity.xdata], [float(y) for y in quantity.ydata]
    x_axis, y_axis = Axis.over(seconds, LEFT, WIDTH - RIGHT), Axis.over(values, HEIGHT - BOTTOM, TOP)
    unit = quantity.series.unit
    extent = f"from {min(values):.1f} to {max(values):.1f} {unit}".strip()
    return Plot(
        title=str(quantity),
        points=" ".join(f"{x_axis.at(seconds[i]):.1f},{y_axis.at(values[i]):.1f}" for i in _kept(values)),
        x_ticks=x_axis.ticks(),
        y_ticks=y_axis.ticks(),
        y_label=unit,
        summary=f"{len(values)} values in {max(seconds):.1f} s, {extent}",
    )


def texts_of(quantity: ObservableQuantity) -> list[tuple[datetime, str]]:
    """Return the moments at which a text changed and what it was then; the first ones if there are many."""
    changes: list[tuple[datetime, str]] = []
    before = None
    for moment, value in zip(quantity.xdata, quantity.ydata, strict=True):
        if value != before and len(changes) < MOST_TEXTS:
            changes.append((datetime.fromtimestamp(moment, timezone.utc), _text(value)))
        before = value
    return changes


def lines_of(text: str) -> list[str]:
    """Return the lines of a log with the time of the user's clock in the place of the Unix time."""
    lines = []
    for line in text.splitlines():
        moment, _, message = line.partition(" ")
        local = datetime.fromtimestamp(float(moment), get_current_timezone())
        lines.append(f"{local:%H:%M:%S}.{local.microsecond // 1000:03d} {message}")
    return lines


def _text(value: Any) -> str:
    """Return hexadecimal digits as the text that they stand for, or as they are."""
    try:
        text = bytes.fromhex(value).decode("ascii")
    except ValueError:
        return str(value)
    return text if text.isprintable() else str(value)


def _kept(values: Sequence[float]) -> Iterator[int]:
    """Yield the places of the values to draw: of a long series the least and the greatest of each stretch, so that no
    peak is lost.
    """
    if len(values) <= MOST_POINTS:
        yield from range(len(values))
        return
    length = ceil(len(values) / (MOST_POINTS / 2))
    for begin in range(0, len(values), length):
        stretch = range(begin, min(begin + length, len(values)))
        least, greatest = min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)
        yield from sorted({least, greatest})


def _step(span: float) -> float:
    """Return a round number of which four to ten fit into a span."""
    if span <= 0:
        return 1.0
    magnitude = 10.0 ** floor(log10(span))
    return float(next(magnitude * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if span / (magnitude * part) <= 8))
