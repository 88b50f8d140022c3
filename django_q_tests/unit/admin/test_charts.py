"""Bar charts: where the bars stand, and what is said of them."""

import re
from xml.etree import ElementTree

import pytest

from django_q.admin.charts import Chart, Series, ceiling

SVG = "{http://www.w3.org/2000/svg}"


def chart(*values, labels=("10:00", "10:01"), stacked=True, title="Ends", written=str):
    series = [Series(f"kind {number}", f"css-{number}", each) for number, each in enumerate(values)]
    return Chart("some", title, "What it shows.", labels, series, stacked, written)


def bars(picture):
    """Return class, x, y, width and height of every bar."""
    found = ElementTree.fromstring(picture).iter("rect")
    return [(box.get("class"), *(float(box.get(name)) for name in ("x", "y", "width", "height"))) for box in found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 1), (0.003, 0.005), (0.5, 0.5), (1, 1), (1.2, 2), (3, 5), (7, 10), (10, 10), (11, 20), (999, 1000)],
)
def test_the_axis_ends_with_a_number_that_is_easy_to_read(value, expected):
    assert ceiling(value) == pytest.approx(expected)


def test_a_picture_is_an_image_with_a_title_and_a_description():
    root = ElementTree.fromstring(chart([1, 2]).svg())

    names = root.get("aria-labelledby").split()

    assert root.get("role") == "img"
    assert [element.text for name in names for element in root if element.get("id") == name] == [
        "Ends",
        "What it shows.",
    ]


def test_a_bar_is_as_high_as_its_value():
    (_, _, _, _, low), (_, _, _, _, high) = bars(chart([1, 4]).svg())

    assert high == pytest.approx(4 * low, rel=0.01)


def test_stacked_series_stand_on_each_other():
    (_, x, y, _, height), (_, other_x, other_y, _, other_height) = bars(chart([3, 0], [1, 0]).svg())

    assert x == other_x
    assert other_y + other_height == pytest.approx(y)
    assert height == pytest.approx(3 * other_height, rel=0.01)


def test_series_that_are_not_stacked_stand_before_each_other():
    (_, _, y, _, height), (_, _, other_y, _, other_height) = bars(chart([4, 0], [1, 0], stacked=False).svg())

    assert other_y + other_height == pytest.approx(y + height)
    assert height == pytest.approx(4 * other_height, rel=0.01)


def test_a_small_value_beside_a_large_one_can_be_seen():
    small, _ = bars(chart([1, 100_000]).svg())

    assert small[4] >= 1


def test_bars_stand_side_by_side_within_the_picture():
    found = bars(chart([1] * 60, labels=[f"10:{minute:02}" for minute in range(60)]).svg())

    assert len(found) == 60
    assert all(left[1] + left[3] <= right[1] for left, right in zip(found, found[1:], strict=False))
    assert found[-1][1] + found[-1][3] <= 480


def test_nothing_is_drawn_where_there_is_nothing():
    assert bars(chart([None, 0]).svg()) == []
    assert bars(chart([], labels=()).svg()) == []


def test_each_bar_says_when_and_how_much():
    picture = chart([3, None], [1, None], written=lambda value: f"{value} tasks").svg()

    assert [title for title in re.findall("<title>(.*?)</title>", picture)] == ["10:00: kind 0 3 tasks, kind 1 1 tasks"]


def test_the_newest_bar_is_always_named():
    picture = chart([1] * 7, labels=list("abcdefg")).svg()

    assert re.findall('middle">(.)</text>', picture) == ["g", "e", "c", "a"]


def test_nothing_in_a_picture_is_a_script_a_style_or_markup_from_outside():
    picture = chart([1, 2], title="<script>alert(1)</script>").svg()

    assert "style=" not in picture and "<script" not in picture


def test_numbers_are_written_as_svg_reads_them_in_every_language(settings):
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True

    picture = chart([12345, 1.5], written=lambda value: "n").svg()

    assert not re.search(r'="\d+,\d', picture)
