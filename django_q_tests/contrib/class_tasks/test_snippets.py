"""The classes of the text: their code, with the one edit that is allowed, and what they do in a runner."""

import contextlib
import json
import threading
from pathlib import Path

import pytest

from django_q.contrib.class_tasks import get_task, start_task, stop_task, subscribe
from django_q.examples.snippets import class_tasks as snippet
from django_q_tests.examples.test_snippets import SEEDS, shipped
from django_q_tests.support.servers import NoServer, PrivateRedis

pytestmark = pytest.mark.once

SEED = (SEEDS / "004_writing_tasks.txt").read_text()
NAME, DATA, START, STOP, EVENTS, ERROR, CONTEXT = range(7)


def test_the_classes_are_those_of_the_text():
    assert shipped("class_tasks.py", "# fmt: off") == SEED.replace("gevent.spawn", "spawn")


@pytest.fixture(params=["the database alone", "redis too"])
def redis(request):
    """The URL of a Redis server, or None."""
    if request.param == "the database alone":
        yield None
        return
    try:
        server = PrivateRedis()
    except NoServer as reason:
        pytest.skip(str(reason))
    with server:
        yield server.url


@pytest.fixture
def add(make, start, redis):
    """Start a runner with a class that is put together from pieces of the text, which leaves notes."""
    notes = []

    class WebApp:
        @contextlib.contextmanager
        def app_context(self):
            notes.append("entered")
            yield
            notes.append("left")

    def do_some_work():
        notes.append("worked")
        threading.Event().wait(0.02)

    def added(*pieces, **more):
        text = Path(snippet.__file__).read_text().partition("# fmt: off\n\n")[2]
        blocks = [f"class MyTask{part}" for part in text.split("class MyTask")[1:]]
        here = {**vars(snippet), "do_some_work": do_some_work, "web_app": WebApp()}
        bases = []
        for piece in pieces:
            exec(blocks[piece], here)
            bases.append(here["MyTask"])
        runner = make(redis=redis)
        runner.add_task(type("MyTask", tuple(bases), more))
        start(runner)
        return notes

    return added


def test_a_short_task_with_a_name_data_and_a_context(add, until):
    notes = add(CONTEXT, START, DATA, NAME)

    until(start_task("mytask", my_task_option="another"), "SUCCESS")

    assert notes == ["entered", "worked", "left"]
    output = until(start_task("mytask", another_option=1), "EXCEPTION")["output"]
    assert "unexpected keyword argument 'another_option'" in output


def test_a_long_task_is_stopped(add, until):
    is_endless = threading.Event()
    notes = add(STOP, NAME, work=lambda task: is_endless.wait(60))

    task_id = start_task("mytask")
    until(task_id, "RUNNING")
    stop_task(task_id)

    assert until(task_id, "STOPPED")["output"] is None and notes == []
    is_endless.set()


def test_work_that_ends_by_itself_is_a_success(add, until):
    notes = add(STOP, NAME)

    until(start_task("mytask"), "SUCCESS")

    assert notes == ["worked"]


def test_events_arrive(add, until):
    add(EVENTS, NAME)

    task_id = start_task("mytask")

    until(task_id, "SUCCESS")
    assert list(subscribe(task_id, since=0)) == [("event-name", {"some": "data"}), ("success", None)]


def test_an_error_is_the_output(add, until):
    add(ERROR, NAME)

    task_id = start_task("mytask")

    assert until(task_id, "ERROR")["output"] == "Task failz!"
    assert json.dumps(get_task(task_id))
