"""Tasks that publish, in real clusters: what those who watch are told when workers die and time runs out."""

import json

import pytest

from django_q.events import follow
from django_q.models import Event
from django_q.tasks import async_task, cancel

pytestmark = pytest.mark.databases

STREAM = "mortal__x"


def enqueue(drill, func, **options):
    # By a path that means nothing here: the worker sees to all.
    path = f"django_q_tests.support.publishing.{func}"
    drill.ids.append(async_task(path, drill.file(), task_publish_id="x", **options))
    return drill.ids[-1]


def story(run):
    """Return the events and the outcome of a run."""
    rows = Event.objects.filter(stream=STREAM, run=run, seq__gt=0).order_by("seq").values_list("payload", flat=True)
    *events, end = [json.loads(payload) for payload in rows]
    return events, end["outcome"]


@pytest.mark.parametrize(
    ("func", "timeout", "outcome"),
    [("takes_too_long", 2, "timeout"), ("cannot_be_stopped", 2, "timeout"), ("coroutine", 30, "success")],
)
def test_whoever_watches_is_told_how_it_ended(drill, func, timeout, outcome):
    drill.start()
    task = enqueue(drill, func, timeout=timeout)

    assert [told.kind for told in follow(STREAM, patience=30)] == ["start", "event", "end"], drill.state()

    drill.until_ended(task)
    assert story(1) == (["before"], outcome)


def test_each_attempt_whose_worker_dies_is_a_run_with_an_end(drill):
    drill.start(max_crashes=2)
    task = enqueue(drill, "dies")

    for run in (1, 2):
        drill.until(lambda run=run: Event.objects.filter(stream=STREAM, run=run, seq=1).exists())
        (drill.folder / f"lines.{run}").touch()
    drill.until_ended(task)

    assert [story(run) for run in (1, 2)] == [(["before"], "lost")] * 2


def test_a_running_task_that_is_canceled_ends_its_run(drill):
    drill.start()
    task = enqueue(drill, "cannot_be_stopped")
    drill.until_line("started")

    cancel(task)

    assert [told.kind for told in follow(STREAM, patience=30)][-1] == "end"
    drill.until_ended(task)
    assert story(1) == (["before"], "canceled")
