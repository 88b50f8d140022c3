"""Experiments: their names, what is sent to the engine, and how their logs are kept."""

import gc
import re
import tracemalloc

import pytest

from django_q.examples.experimenteditor.models import LINES_PER_PAGE, RunResult
from django_q.examples.experimenteditor.naming import slug_of
from django_q.examples.experimenteditor.wire import body_of


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("my first-test", "MyFirsttest7"),
        ("Full STOP from 30 km/h", "FullStopFrom30Kmh7"),
        ("  many   spaces ", "ManySpaces7"),
        ("élan à gauche", "lanGauche7"),
        ("!?…", "7"),
        ("", "7"),
        ("Straße", "Strae7"),
        ("試験", "7"),
    ],
)
def test_a_slug_is_made_of_the_words_of_the_title(title, slug):
    assert slug_of(title, 7) == slug
    assert re.fullmatch(r"[A-Za-z0-9]+", slug)


def test_an_experiment_knows_its_slug_and_its_length(experiment):
    assert experiment.slugify_name() == f"MyFirsttest{experiment.exp_pk}"
    assert experiment.length().total_seconds() == 4
    assert experiment.has_end()
    assert [command.name for command in experiment.get_all_commands_list()][0] == "SetThrottle"


def test_an_experiment_without_runs_has_no_results(experiment):
    assert experiment.get_results_url() == ""
    assert not experiment.has_results()


def test_the_results_of_an_experiment_are_those_of_its_newest_run(run, experiment):
    assert experiment.get_results_url() == run.get_results_url()


def test_the_body_for_the_engine_has_the_form_that_it_expects(run, experiment):
    assert body_of(run) == {
        "Info": {"ExperimentName": experiment.slugify_name(), "Endtime": run.end.timestamp()},
        "Commands": {
            "SSS_once": [
                [0.0, "SetThrottle", [80.0]],
                [2.0, "SetThrottle", [0.0]],
                [2.0, "SetBrakePressure", [50.0, 50.0]],
                [4.0, "EndExperiment", []],
            ],
            "SSS_loop": [],
            "CAN_once": [],
            "CAN_utils": [],
            "seed_key": [],
        },
    }


def test_a_part_of_a_log_is_added_once_however_many_try(run):
    twins = [RunResult.objects.get(pk=run.pk) for _ in range(2)]

    added = [twin.store_part(["one\n"], last=False) for twin in twins]

    run.refresh_from_db()
    assert added == [True, False]
    assert (run.log, run.log_lines, run.next_chunk) == ("one\n", 1, 2)


@pytest.mark.parametrize("sizes", [[0], [1], [499, 1, 1], [500, 500], [1200, 0, 7], [501, 30_001]], ids=str)
def test_a_log_is_kept_in_pages_of_one_size_whatever_the_parts_are(run, sizes):
    lines = [f"{number}\n" for number in range(sum(sizes))]
    begin = 0
    for size in sizes:
        assert run.store_part(lines[begin : begin + size], last=False)
        begin += size

    run.refresh_from_db()
    pages = list(run.pages.all())
    assert [page.lines for page in pages[:-1]] == [LINES_PER_PAGE] * len(pages[:-1])
    assert [page.first_line for page in pages] == list(range(1, len(lines) + 1, LINES_PER_PAGE))
    assert run.log == "".join(lines) and run.log_lines == len(lines)
    assert not pages or pages[-1].last_line == len(lines)


def peak_while(deed):
    """Return how many bytes Python held at most for a deed."""
    gc.collect()
    tracemalloc.start()
    try:
        deed()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_log_takes_no_more_memory_than_one_of_its_parts(run):
    def store(parts):
        for _ in range(parts):
            assert run.store_part([f"{number:060d}\n" for number in range(3000)], last=False)

    def pass_on():
        for _ in run.log_parts():
            pass

    store(1)
    one = peak_while(lambda: store(1))

    assert peak_while(lambda: store(20)) < 1.5 * one
    assert peak_while(pass_on) < 4 * one
    assert run.pages.count() == 22 * 6
    assert len(run.log) > 20 * 3000 * 60


def test_a_part_that_fails_in_the_middle_leaves_nothing(run, monkeypatch):
    monkeypatch.setattr(RunResult, "_write_pages", None)

    with pytest.raises(TypeError):
        run.store_part(["one\n"], last=True)

    found = RunResult.objects.get(pk=run.pk)
    assert (found.next_chunk, found.log_lines, found.log_is_complete) == (1, 0, False)


def test_the_results_of_an_experiment_are_the_series_of_its_newest_run(run, experiment):
    assert [quantity.related_run for quantity in experiment.get_results()] == [run, run]
