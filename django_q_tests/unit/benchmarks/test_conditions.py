"""The table of what the cluster does under strain."""

import pytest

from django_q_tests.benchmarks import conditions


@pytest.fixture
def options():
    return conditions.parse(["--waiting=2000", "--history=3000", "--open=5"])


def test_each_rate_is_shown_with_its_share_of_the_empty_queue(options):
    record = {"variant": "sqlite", "figures": {"empty": 1000.0, "waiting": 900.0, "history": 1100.0}}

    lines = conditions.render(record, options).splitlines()

    assert lines[0] == "sqlite"
    assert [line.split()[-1] for line in lines[1:]] == ["1,000", "90%", "110%"]
    assert "2,000 waiting" in lines[2] and "3,000 rows of history" in lines[3]


def test_what_has_parts_has_a_line_for_each(options):
    record = {"variant": "sqlite", "figures": {"workers": {"1": 0.97, "8": 0.9}}, "remarks": {"beside": "nothing"}}

    lines = conditions.render(record, options).splitlines()

    assert [line.split()[-2:] for line in lines[1:]] == [["1", "0.97"], ["8", "0.90"], ["beside:", "nothing"]]


def test_a_database_that_failed_says_so(options):
    assert conditions.render({"variant": "mysql", "error": "ended with exit code 1"}, options) == (
        "mysql: ended with exit code 1"
    )
