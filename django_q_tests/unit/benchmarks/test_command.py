"""The command line of the benchmarks: what it accepts, and what it measures in which order."""

import json
from pathlib import Path

import pytest

from django_q_tests.benchmarks import __main__ as command
from django_q_tests.benchmarks import output, systems
from django_q_tests.benchmarks.places import VARIANTS
from django_q_tests.unit.benchmarks.records import document, ours, theirs


def names(arguments, found=systems.SYSTEMS):
    return [
        step if isinstance(step, str) else step.name for step in command.plan(command.parse(arguments), found)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tasks=0"],
        ["--repeat=-1"],
        ["--workers=two"],
        ["--backlogs=1000,"],
        ["--backlogs=0"],
        ["--only=nobody"],
        ["--database=oracle"],
        ["--no-peers", "--only=huey"],
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        command.parse(arguments)

    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_package_that_is_not_installed_is_named_with_what_installs_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(systems, "ROOT", tmp_path)

    with pytest.raises(SystemExit):
        command.parse(["--only=huey"])

    assert "huey: not installed here; make bench-peers installs it" in capsys.readouterr().err


def test_three_repetitions_are_made_unless_one_says_otherwise():
    assert command.parse([]).repeat == 3


def test_backlogs_are_drained_from_the_smallest_to_the_largest():
    assert command.parse(["--backlogs=5000,100,5000"]).backlogs == [100, 5000]


def test_each_package_follows_ours_on_the_database_beside_it():
    assert names([]) == [
        *("sqlite", "sqlite-wal", "django-q2-sqlite-wal", "huey"),
        *("postgres", "django-q2-postgres", "django-tasks-db", "procrastinate", "celery", "mysql"),
    ]


def test_without_peers_only_ours_is_measured():
    assert names(["--no-peers"]) == list(VARIANTS)


def test_a_database_brings_only_the_packages_beside_it():
    assert names(["--database=sqlite"]) == ["sqlite"]
    assert names(["--database=sqlite-wal"]) == ["sqlite-wal", "django-q2-sqlite-wal", "huey"]


def test_a_package_without_an_environment_is_left_out():
    assert names(["--database=sqlite-wal"], found=()) == ["sqlite-wal"]


def test_every_package_that_is_measured_can_be_installed():
    source = (Path(systems.ROOT) / ".ci" / "peers").read_text(encoding="utf-8")
    measured = source.partition("MEASURED = (")[2].partition(")")[0]

    assert {f'"{system.environment}"' for system in systems.SYSTEMS} == set(measured.split(", "))


def test_every_package_has_a_program_and_a_database_of_ours_beside_it():
    programs = Path(command.__file__).parent / "peers"

    assert all((programs / f"{system.program}.py").exists() for system in systems.SYSTEMS)
    assert all(system.beside in VARIANTS for system in systems.SYSTEMS)


def test_the_file_is_json_with_a_line_for_each_record():
    made = document(ours(drained_per_s=1.0), theirs(drained_per_s=2.0))

    text = output.text(made)

    assert json.loads(text) == made
    assert sum('"system": "' in line and '"figures"' in line for line in text.splitlines()) == 2


def test_what_is_printed_leaves_the_single_samples_out():
    assert "samples" not in output.without_samples(ours())
    assert output.without_samples(ours(drained_per_s=1.0))["figures"] == {"drained_per_s": 1.0}


def test_the_machine_is_described():
    machine = output.machine()

    assert machine["processors"] >= 1
    assert machine["memory_gib"] > 0
