"""The live task: the code of the text it comes from, with no edits but the allowed ones; a browser watches it too."""

import json
import textwrap
from pathlib import Path

import pytest

from django_q.examples import live
from django_q.examples.live import tasks
from django_q.models import Event

LIVE = Path(live.__file__).parent
SEEDS = Path(__file__).resolve().parent.parent / "seeds"

# What had to change: whence the decorator is imported, and what a view returns.
EDITS = [
    ("from pytigon_lib.schtasks.publish import publish", "from django_q.contrib.publish import publish"),
    ('return { "ret": task_id }', 'return JsonResponse({ "ret": task_id })'),
]


def seed(name):
    text = (SEEDS / f"{name}.txt").read_text()
    for before, after in EDITS:
        text = text.replace(before, after)
    return text


def test_the_task_is_that_of_the_text():
    assert (LIVE / "tasks.py").read_text().partition("# fmt: off\n\n")[2] == seed("003_live_tasks")


def test_the_call_is_that_of_the_text():
    imports, _, call = seed("003_live_call").partition("\n...\n")
    shipped = (LIVE / "views.py").read_text()

    assert imports.strip() in shipped and textwrap.indent(call, "    ") in shipped


def test_the_element_is_that_of_the_text():
    assert seed("003_live_element") in (LIVE / "templates" / "live" / "watch.html").read_text()


@pytest.mark.django_db
def test_the_task_sends_its_events(monkeypatch, capsys):
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    assert tasks.test_task(task_publish_id="test1", param=123) is True

    assert capsys.readouterr().out == "123\n"
    sent = [json.loads(payload) for payload in Event.objects.filter(kind="event").values_list("payload", flat=True)]
    assert sent[0].startswith("<ul class='data'></ul>")
    assert sent[1:] == [f"<li>item {number}</li>===>>.data" for number in range(30)]
