"""What the pages of the experiment editor say of its names is what stands in the code."""

import inspect
import json
import re
from dataclasses import fields
from string import Formatter

import pytest
import requests

from django_q.contrib.background.decorator import TaskProxy
from django_q.examples.experimenteditor import checks, tasks
from django_q.examples.experimenteditor.laboratory import HANG_UPS, KINDS, Fault
from django_q.examples.experimenteditor.options import OPTIONS
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
    assert sorted(DATA) == sorted(name for name, value in here.items() if isinstance(value, str))
    assert sorted(DATA) == sorted(name for name, known in OPTIONS.items() if known.places is not None)


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
    sentence = re.search(r"Takes (.*?)[.:]\s", " ".join(text_below(name).split()) + " ")[1]
    used = {place for _, place, _, _ in Formatter().parse(getattr(tasks, name)) if place}

    assert re.findall(r"``(\w+)``", sentence) == list(OPTIONS[name].places)
    assert bool(OPTIONS[name].places) == (sentence != "nothing")
    assert used <= set(OPTIONS[name].places)


def test_the_table_of_settings_is_complete_and_right():
    table = PAGE.partition("Keys of EXPERIMENTEDITOR")[2].partition("System checks")[0]
    rows = re.findall(r"\* - ``(\w+)``\n +- (.+)\n +- (.+)", table)

    assert rows == [(name, sentence(known.meaning), default(name, known)) for name, known in OPTIONS.items()]


def sentence(meaning):
    return meaning[0].upper() + meaning[1:] + ("" if meaning.endswith("?") else ".")


def default(name, known):
    return f":py:data:`{name}`" if known.default is None else f"``{known.default!r}``"


def test_every_system_check_is_in_the_table():
    described = re.findall(rf"\* - ``{checks.LABEL}\.(\w+)``", PAGE.partition("System checks")[2])
    here = re.findall(r"\b([EW]\d{3})\b", inspect.getsource(checks))

    assert len(described) == len(set(described))
    assert set(described) == set(here)


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


def test_every_part_of_a_fault_is_described():
    described, *others = re.findall(r"\.\. list-table:: Keys of a fault\n((?:\n| +.*\n)+)", INDEX)

    assert not others
    assert re.findall(r"\* - ``(\w+)``", described) == [each.name for each in fields(Fault)]
    for word in (*KINDS, *HANG_UPS):
        assert f"``{word}``" in described


def test_the_fault_of_the_example_is_one():
    assert Fault(**json.loads(re.search(r"``({.*?})``", INDEX)[1])).on in KINDS
