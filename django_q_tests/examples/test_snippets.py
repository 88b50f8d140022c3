"""The shipped snippets: the code of the texts they come from, with no edits but the allowed ones, and they run."""

import runpy
import sys
import textwrap
from pathlib import Path

import pytest

from django_q.examples import snippets
from django_q.models import OrmQ, Task
from django_q.tasks import async_task, fetch, result

SNIPPETS = Path(snippets.__file__).parent
SEEDS = Path(__file__).resolve().parent.parent / "seeds"

# What had to change since the texts were written: async is a keyword, math is no package, a view returns a response.
EDITS = [
    ("from django_q import async, result", "from django_q import async_task, result"),
    ("async(", "async_task("),
    ("import math.copysign", "from math import copysign"),
    ('return { "ret": task_id }', 'return JsonResponse({ "ret": task_id })'),
]


def seed(name):
    text = (SEEDS / f"{name}.txt").read_text()
    for before, after in EDITS:
        text = text.replace(before, after)
    return text


def shipped(name, after):
    """The code of a snippet behind a line of its own."""
    return textwrap.dedent((SNIPPETS / name).read_text().partition(f"{after}\n")[2]).strip("\n") + "\n"


@pytest.fixture
def short_names(monkeypatch):
    """The modules `tasks` and `hooks`, beside manage.py."""
    monkeypatch.syspath_prepend(str(SNIPPETS))
    yield
    for name in ("tasks", "hooks"):
        sys.modules.pop(name, None)


def test_the_calls_are_those_of_the_text():
    calls, _, _ = seed("002_tasks").partition("# hooks.py\n")

    assert shipped("calls.py", 'if __name__ == "__main__":') == calls.rstrip("\n") + "\n"


def test_the_hook_is_that_of_the_text():
    assert shipped("hooks.py", "# fmt: off") == seed("002_tasks").partition("# hooks.py\n")[2]


def test_the_task_is_that_of_the_text():
    assert shipped("tasks.py", "# fmt: off") == seed("003_tasks")


def test_the_view_is_that_of_the_text():
    assert shipped("views.py", "from django.http import JsonResponse") == seed("003_views")


def test_importing_the_calls_does_nothing():
    assert runpy.run_path(str(SNIPPETS / "calls.py"), run_name="calls").keys() & {"task_id", "task_result"} == set()


@pytest.mark.django_db
def test_the_calls_enqueue_three_tasks():
    ran = runpy.run_path(str(SNIPPETS / "calls.py"), run_name="__main__")

    rows = OrmQ.objects.order_by("pk")
    assert [(row.func, row.args, row.hook) for row in rows] == [
        ("math.copysign", (2, -2), None),
        ("math.copysign", (2, -2), None),
        ("math.modf", (2.5,), "hooks.print_result"),
    ]
    assert ran["task_id"] == rows[1].pk and ran["task_result"] is None


@pytest.mark.django_db
def test_the_calls_have_the_results_of_the_text(short_names, settings, capsys):
    settings.Q_CLUSTER = {"sync": True}

    ran = runpy.run_path(str(SNIPPETS / "calls.py"), run_name="__main__")

    assert ran["task_result"] == result(ran["task_id"]) == -2.0
    assert Task.objects.get(func="math.modf").result == (0.5, 2.0)
    assert capsys.readouterr().out == "(0.5, 2.0)\n"


@pytest.mark.django_db
def test_the_view_answers_with_the_id_of_the_task(client):
    answer = client.get("/snippets/v/")

    (row,) = OrmQ.objects.all()
    assert answer.json() == {"ret": row.pk} and row.func == "tasks.long_running_process"


@pytest.mark.django_db
def test_the_task_of_the_text_returns_1(short_names, monkeypatch, capsys):
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    task_id = async_task("tasks.long_running_process", sync=True)

    assert fetch(task_id).result == 1
    assert capsys.readouterr().out == "start\nend\n"
