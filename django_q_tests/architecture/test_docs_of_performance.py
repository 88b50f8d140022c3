"""The page about performance: all of its figures come from the file beside it."""

import importlib
import json
import re

import pytest

from django_q_tests.architecture.source import ROOT
from django_q_tests.unit.benchmarks.records import document, ours, theirs

PAGE = ROOT / "docs" / "explanation" / "performance.rst"
FOLDER = ROOT / "docs" / "performance"


@pytest.fixture
def measured(monkeypatch):
    """The functions that write the tables of the page."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("measured")


def written(writer, *records):
    return "\n".join(writer(document(*records)))


def test_the_conditions_name_the_machine_and_the_work(measured):
    text = written(measured.conditions_text, ours())

    assert "2 × Some CPU, 8.0 GiB" in text
    assert "Linux 6.1" in text
    assert "100 no-op tasks" in text


def test_our_figures_stand_beside_versions_durability_and_settings(measured):
    text = written(measured.ours_text, ours("postgres", drained_per_s=9000.0))

    assert "9,000" in text
    assert "Python 3.11.7, Django 5.2, django_q 1.0; PostgreSQL 15.1, fsync on" in text
    assert '``{"workers": 2, "Q_CLUSTER": {}}``' in text


def test_a_package_stands_below_ours_with_its_ratio(measured):
    text = written(measured.peers_text, ours(drained_per_s=9000.0), theirs(drained_per_s=900.0))

    assert text.index("**9,000**") < text.index("900 (10×)")


def test_what_the_time_limit_ended_is_marked_and_explained(measured):
    text = written(measured.peers_text, ours(drained_per_s=9000.0), theirs(drained_per_s=900.0, cut=True))

    assert r"900\* (10×)" in text
    assert r"\* The time limit ended it" in text


def test_the_settings_of_a_package_stand_with_its_versions_and_remarks(measured):
    text = written(measured.settings_text, ours(drained_per_s=1.0), theirs(drained_per_s=1.0))

    assert "**Huey**: Python 3.11.7, huey 3.5." in text
    assert "It does less." in text
    assert '``{"workers": 2}``' in text


def test_a_backlog_that_was_not_reached_is_a_dash(measured):
    records = [
        ours(drained_per_s_by_backlog={"100": 5000.0, "2000": 4000.0}),
        theirs(drained_per_s_by_backlog={"100": 10.4}),
    ]

    text = written(measured.backlogs_text, *records)

    assert "* - Drained, tasks/s, of so many that wait\n     - 100\n     - 2 000" in text
    assert "* - Huey\n     - 10\n     - –" in text


def test_no_figure_of_the_page_is_typed_by_hand():
    """What a reader could take for a measurement has a unit: none of them is in the page itself."""
    text = PAGE.read_text(encoding="utf-8")

    assert re.findall(r"[\d.,]+ ?(?:tasks/s|ms\b|µs|MiB|×)", text) == ["10 ms"]  # of a task that is made up


def test_the_file_was_written_by_the_benchmarks_with_at_least_three_repetitions():
    made = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))

    assert made["options"]["repeat"] >= 3
    assert {record["repetition"] for record in made["records"]} == set(range(1, made["options"]["repeat"] + 1))
    assert [record for record in made["records"] if "error" in record] == []


@pytest.mark.parametrize("name", ["latency.svg", "backlog.svg"])
def test_a_plot_was_drawn_from_the_same_file(name):
    made = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))

    assert made["made_at"] in (FOLDER / name).read_text(encoding="utf-8")
