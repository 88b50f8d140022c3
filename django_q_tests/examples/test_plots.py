"""From a data series to a drawing."""

import random

import pytest

from django_q.examples.experimenteditor.models import ObservableQuantity
from django_q.examples.experimenteditor.plots import MOST_TEXTS, plot_of, texts_of


def plot(values, moments=None):
    moments = [1e9 + number for number in range(len(values))] if moments is None else moments
    return plot_of(ObservableQuantity(name="govspeed", xdata=moments, ydata=values))


def points(drawing):
    return [tuple(map(float, point.split(","))) for point in drawing.points.split()]


@pytest.mark.parametrize(
    "values",
    [[0.0], [5.0], [-5.0], [0.0, 0.0, 0.0], [1.0, 250.0, 3.0], [1e-9, 1e9], [-1e9, 1e-9], [-3.0, 4.0], [-7.0, -250.0]],
    ids=str,
)
def test_a_plot_stays_inside_its_frame(values):
    drawing = plot(values)

    assert all(drawing.left <= x <= drawing.right and drawing.top <= y <= drawing.bottom for x, y in points(drawing))
    assert 2 <= len(drawing.y_ticks) <= 12 and len(drawing.x_ticks) <= 12
    assert [tick.label for tick in drawing.y_ticks if tick.is_zero] == ["0"]


def test_negative_values_are_below_the_line_of_zero():
    drawing = plot([-10.0, 0.0, 10.0])

    (zero,) = (tick.at for tick in drawing.y_ticks if tick.is_zero)
    (_, low), (_, middle), (_, high) = points(drawing)
    assert high < zero == middle < low
    assert (drawing.y_ticks[0].label, drawing.y_ticks[-1].label) == ("-10", "10")


def test_axes_say_what_they_show():
    drawing = plot([1.0, 2.0])

    assert (drawing.x_label, drawing.y_label) == ("seconds since the first value", "km/h")
    assert drawing.summary == "2 values in 1.0 s, from 1.0 to 2.0 km/h"


def test_moments_out_of_order_stay_inside_too():
    drawing = plot([1.0, 2.0, 3.0], moments=[100.0, 90.0, 110.0])

    assert all(drawing.left <= x <= drawing.right for x, _ in points(drawing))


def test_a_long_series_is_thinned_out_and_keeps_its_peaks():
    values = [1.0] * 100_000
    values[54_321], values[77_777] = 99.0, -99.0

    drawing = plot(values)

    heights = {y for _, y in points(drawing)}
    assert len(points(drawing)) < 1300
    assert len(heights) == 3 and max(heights) - min(heights) > 100


def test_what_is_drawn_is_in_the_order_of_time():
    chance = random.Random(5)
    drawing = plot([chance.uniform(-5, 5) for _ in range(10_000)])

    across = [x for x, _ in points(drawing)]
    assert across == sorted(across)


def test_there_is_no_drawing_of_nothing_and_of_text():
    assert plot([]) is None
    assert plot_of(ObservableQuantity(name="vin", xdata=[1.0], ydata=["41"])) is None


def test_a_text_is_told_when_it_changes():
    codes = ["4142", "4142", "0001", "4142"]

    changes = texts_of(ObservableQuantity(name="vin", xdata=[0.0, 1.0, 2.0, 3.0], ydata=codes))

    assert [(moment.timestamp(), text) for moment, text in changes] == [(0.0, "AB"), (2.0, "0001"), (3.0, "AB")]


def test_of_a_text_that_changes_all_the_time_the_beginning_is_told():
    values = [f"{number:04x}" for number in range(1000)]

    assert len(texts_of(ObservableQuantity(name="vin", xdata=list(range(1000)), ydata=values))) == MOST_TEXTS
