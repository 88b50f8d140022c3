"""From a data series to the coordinates of an SVG drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from django_q.examples.experimenteditor.models import ObservableQuantity

WIDTH, HEIGHT = 640, 240
LEFT, BOTTOM, TOP, RIGHT = 48, 28, 12, 12
MOST_POINTS = 640


@dataclass(frozen=True)
class Tick:
    """A line of the grid and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Plot:
    """All that the template has to know."""

    title: str
    points: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    summary: str

    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def plot_of(quantity: ObservableQuantity) -> Plot | None:
    """Return the drawing of a series over the seconds since its first value; None if it is empty."""
    if not quantity.xdata:
        return None
    start = float(quantity.xdata[0])
    seconds, values = [float(x) - start for x in quantity.xdata], [float(y) for y in quantity.ydata]
    x_step, y_step = _step(seconds[-1]), _step(max(values))
    x_end, y_end = max(seconds[-1], x_step), y_step * max(1, ceil(max(values) / y_step))
    keep = range(0, len(values), max(1, len(values) // MOST_POINTS))
    points = [f"{_x(seconds[i], x_end):.1f},{_y(values[i], y_end):.1f}" for i in keep]
    return Plot(
        title=str(quantity),
        points=" ".join(points),
        x_ticks=[Tick(_x(value, x_end), f"{value:g} s") for value in _multiples(x_step, x_end)],
        y_ticks=[Tick(_y(value, y_end), f"{value:g}") for value in _multiples(y_step, y_end)],
        summary=f"{len(values)} values in {seconds[-1]:.1f} s, from {min(values):.1f} to {max(values):.1f}",
    )


def _x(value: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / end


def _y(value: float, end: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * max(value, 0) / end


def _step(span: float) -> float:
    """Return a round number of which four to ten fit into a span."""
    if span <= 0:
        return 1.0
    magnitude = 10.0 ** floor(log10(span))
    return float(next(magnitude * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if span / (magnitude * part) <= 8))


def _multiples(step: float, end: float) -> Sequence[float]:
    return [round(step * count, 6) for count in range(int(end / step + 1e-9) + 1)]
