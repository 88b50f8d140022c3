"""What the pages of the experiment editor say of its names is what stands in the code."""

import inspect
import re
from dataclasses import fields
from string import Formatter

import pytest
import requests

from django_q.contrib.background.decorator import TaskProxy
from django_q.examples.experimenteditor import options, tasks
from django_q.examples.experimenteditor.laboratory import KINDS, Fault
from django_q_tests.architecture.source import ROOT
from django_q_tests.support.held import held_laboratory

FOLDER = ROOT / "docs" / "experimenteditor"
PAGE = (FOLDER / "tasks.rst").read_text(encoding="utf-8")
INDEX = (FOLDER / "index.rst").read_text(encoding="utf-8")
SEED = (
    "remindermessage expfinishedmessage ENGINEBEAGLEBONEIP LOGGERIP FULLLOGIP "
    "send_experiment_reminder send_experiment_json make_experiment_available send_complete_mail"
).split()
FUNCTIONS = re.findall(r"^\.\. py:function:: (\w+)\((.*)\)$", PAGE, re.MULTILINE)
DATA = re.findall(r"^\.\. py:data:: (\w+)$", PAGE, re.MULTILINE)


def text_below(name):
    """Return what is indented below the directive that describes a name."""
    return re.search(rf"^\.\. py:\w+:: {name}\b.*\n((?:\n| +.*\n)+)", PAGE, re.MULTILINE)[1]


def test_the_page_describes_the_module_that_it_names():
    assert f".. py:currentmodule:: {tasks.__name__}\n" in PAGE
    assert f"``{tasks.__name__}``" in PAGE


def test_everything_that_the_application_before_this_one_had_is_described():
    assert [name for name in SEED if name not in {*DATA, *dict(FUNCTIONS)}] == []


def test_every_task_and_every_text_of_the_module_is_described():
    here = {name: value for name, value in vars(tasks).items() if not name.startswith("_")}

    assert sorted(dict(FUNCTIONS)) == sorted(name for name, value in here.items() if isinstance(value, TaskProxy))
    texts = [name for name, value in here.items() if isinstance(value, str) and (name.isupper() or "message" in name)]
    assert sorted(DATA) == sorted(name for name in texts if " " in here[name] or "://" in here[name])


@pytest.mark.parametrize(("name", "parameters"), FUNCTIONS, ids=dict(FUNCTIONS))
def test_a_function_has_the_parameters_that_are_described(name, parameters):
    function = getattr(tasks, name).task_function
    described = re.findall(r":param (\w+) (\w+):", text_below(name))

    assert parameters.split(", ") == list(inspect.signature(function).parameters)
    assert described == [
        (each.annotation.__name__, each.name) for each in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize("name", DATA)
def test_a_text_takes_what_is_described(name):
    places = [place for _, place, _, _ in Formatter().parse(getattr(tasks, name)) if place]
    sentence = re.search(r"Takes (.*?)[.]\s", " ".join(text_below(name).split()) + " ")[1]

    assert re.findall(r"``(\w+)``(?! returns)", sentence) == places
    assert bool(places) == (sentence != "nothing")


def test_the_table_of_settings_is_complete_and_right():
    table = PAGE.partition("Keys of EXPERIMENTEDITOR")[2]
    rows = re.findall(r"\* - ``(\w+)``\n +- (\w+)\n +- (\S+)\n +- (.+)", table)

    assert {key: default for key, _, default, _ in rows} == {key: str(value) for key, value in options.DEFAULTS.items()}
    assert len(rows) == len(options.DEFAULTS)
    assert {key: unit for key, unit, _, _ in rows if unit != "seconds"} == {"FETCH_TRIES": "tries"}


def test_the_devices_answer_to_the_requests_of_the_page():
    described = re.findall(r"\* - ``([A-Z]+) /(\S+)``", INDEX)
    fault = re.search(r"``({.*?})``", INDEX)[1]

    with held_laboratory() as (laboratory, url):
        answers = [requests.request(method, url + path, data=fault, timeout=5) for method, path in described]

    assert [(method, answer.status_code) for (method, _), answer in zip(described, answers, strict=True)] == [
        ("GET", 200),
        ("POST", 200),
        ("DELETE", 200),
    ]
    assert laboratory.faults == []
    for word in re.findall(r"``(\w+)``", INDEX.partition("``POST /control/faults/``")[2].partition("``DELETE")[0]):
        assert word in {*KINDS, *(each.name for each in fields(Fault))}
