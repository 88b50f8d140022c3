"""Experiments, their names and their commands."""

import re

import pytest
from django.core.exceptions import ValidationError

from django_q.examples.experimenteditor.models import Command, RunResult
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


@pytest.mark.parametrize(
    ("name", "arguments", "delay", "field"),
    [
        ("SetThrottle", "", 0, "arguments"),
        ("SetThrottle", "1, 2", 0, "arguments"),
        ("SetThrottle", "fast", 0, "arguments"),
        ("SetBrakePressure", "1", 0, "arguments"),
        ("EndExperiment", "1", 0, "arguments"),
        ("EndExperiment", "", -1, "delay"),
    ],
)
def test_a_command_that_the_vehicle_would_not_understand_is_refused(experiment, name, arguments, delay, field):
    command = Command(parent_experiment=experiment, name=name, arguments=arguments, delay=delay)

    with pytest.raises(ValidationError) as error:
        command.full_clean()
    assert set(error.value.message_dict) == {field}


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

    added = [twin.append_log("one\n", last=False) for twin in twins]

    run.refresh_from_db()
    assert added == [True, False]
    assert (run.log, run.next_chunk) == ("one\n", 2)
