"""Ours beside others: which figures are compared, and how."""

import pytest

from django_q_tests.benchmarks import comparison
from django_q_tests.unit.benchmarks.records import ours, theirs


def cell(records, name="huey", column="drained_per_s"):
    found = comparison.cells(records, name)
    return next(each for each in found if each is not None and each.column.name == column)


def test_a_ratio_is_ours_by_theirs():
    records = [ours(drained_per_s=1000.0), theirs(drained_per_s=250.0)]

    assert cell(records).ratio == 4


def test_a_ratio_is_that_of_the_medians():
    rates = [(100.0, 10.0), (900.0, 30.0), (300.0, 20.0)]
    records = [ours(repetition=number, drained_per_s=rate) for number, (rate, _) in enumerate(rates)]
    records += [theirs(repetition=number, drained_per_s=rate) for number, (_, rate) in enumerate(rates)]

    assert cell(records).ratio == 15
    assert (cell(records).lowest, cell(records).highest) == (10, 30)


def test_only_ours_on_the_database_beside_it_counts():
    records = [
        ours("sqlite-wal", drained_per_s=5.0),
        ours("postgres", drained_per_s=50.0),
        theirs(variant="postgres", drained_per_s=10.0),
    ]

    assert cell(records).ratio == 5


def test_without_ours_there_is_no_ratio():
    assert cell([theirs(drained_per_s=10.0)]).ratio is None


def test_a_figure_of_nothing_is_empty():
    assert comparison.cells([ours(drained_per_s=1.0), theirs(drained_per_s=0.0)], "huey")[0] is None


def test_a_figure_that_was_not_measured_is_empty():
    assert comparison.cells([theirs(drained_per_s=1.0)], "huey")[1] is None


def test_what_the_time_limit_ended_is_marked():
    records = [ours(drained_per_s=1.0), theirs(drained_per_s=2.0, cut=True), theirs(drained_per_s=2.0, cut=False)]

    assert str(cell(records)) == "2* (0.50×)"
    assert "The time limit ended it" in comparison.render(records)


def test_what_failed_has_no_figures_and_is_named():
    records = [ours(drained_per_s=1.0), {**theirs("celery"), "error": "lost"}, theirs("huey", drained_per_s=2.0)]

    text = comparison.render(records)

    assert set(comparison.theirs(records)) == {"huey"}
    assert "failed: celery" in text


def test_each_package_has_a_line_with_its_ratios():
    records = [ours(drained_per_s=9000.0, latency_p50_ms=3.0), theirs(drained_per_s=900.0, latency_p50_ms=30.0)]

    line = comparison.render(records).splitlines()[1]

    assert line.split() == ["Huey", "postgres", "900", "(10×)", "30.0", "(0.10×)"]


@pytest.mark.parametrize(("ratio", "text"), [(13.24, "13×"), (9.96, "10.0×"), (1.0, "1.0×"), (0.126, "0.13×")])
def test_a_ratio_is_written_with_as_many_places_as_tell_something(ratio, text):
    assert comparison.times(ratio) == text
