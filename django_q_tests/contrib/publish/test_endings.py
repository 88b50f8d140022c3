"""The end marks that the cluster writes, and the rows that are swept up."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_q import signals
from django_q.contrib.publish.models import PublishedTask
from django_q.contrib.publish.receivers import on_attempts_recorded, sweep
from django_q.events import EventStream
from django_q.models import Event, OrmQ
from django_q.tasks import async_task, cancel, initiator
from django_q.testing import run_all
from django_q_tests.contrib.publish import published
from django_q_tests.contrib.publish.published import shows
from django_q_tests.contrib.publish.test_decorator import outcome, told

pytestmark = pytest.mark.django_db


class Attempt:
    """What is told of an attempt."""

    def __init__(self, id, *, success=False, is_last=True, reason="lost"):
        self.id, self.success, self.is_last, self.reason = id, success, is_last, reason
        self.options = {"publish": "demo__x"}


@pytest.fixture
def task():
    return async_task(shows, task_publish_id="x")


def begin(task, name="demo__x"):
    """Do what the worker does before it dies."""
    stream = EventStream(name, {"task": task})
    stream.begin()
    stream.send("event", "half")
    stream.flush()


def test_a_run_whose_worker_died_is_ended(task):
    begin(task)

    on_attempts_recorded([Attempt(task)], using="default")

    assert told("demo__x") == [("event", "half"), ("end", {"outcome": "lost"})]


def test_each_attempt_ends_its_own_run_once(task):
    for reason in ("timeout", "lost"):
        begin(task)
        on_attempts_recorded([Attempt(task, is_last=False, reason=reason)], using="default")
    begin("another")

    on_attempts_recorded([Attempt(task)], using="default")

    assert [outcome("demo__x", run) for run in (1, 2)] == ["timeout", "lost"]
    assert told("demo__x", 3) == [("event", "half")]


def test_a_task_that_was_canceled_before_it_began_has_a_run_that_says_so(task):
    cancel(task)

    assert told("demo__x") == [("end", {"outcome": "canceled"})]


def test_a_task_that_will_run_again_and_has_not_begun_has_none(task):
    on_attempts_recorded([Attempt(task, is_last=False)], using="default")

    assert not Event.objects.exists()


def test_streams_of_functions_that_the_task_called_are_ended_too(task):
    PublishedTask.objects.create(stream="inner", task_id=task)
    begin(task)
    begin(task, "inner")

    on_attempts_recorded([Attempt(task)], using="default")

    assert outcome("demo__x") == outcome("inner") == "lost"


def test_a_task_that_ended_its_run_itself_costs_three_statements(task, django_assert_num_queries):
    begin(task)
    on_attempts_recorded([Attempt(task)], using="default")

    with django_assert_num_queries(4):
        on_attempts_recorded([Attempt(task)], using="default")


def test_tasks_that_do_not_publish_cost_nothing():
    async_task("math.copysign", 1, -1)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        run_all()

    assert signals.marked["publish"] is on_attempts_recorded
    assert not [query for query in queries if "django_q_publish" in query["sql"]]


def test_what_a_task_called_in_a_run_of_its_own_has_the_same_end():
    async_task(published.nested, "x", task_publish_id="x")

    run_all(raise_errors=True)

    assert outcome("outer__x") == outcome("demo__x") == "success"
    assert set(PublishedTask.objects.values_list("stream", flat=True)) == {"outer__x", "demo__x"}


def test_the_row_says_who_enqueued_it(django_user_model):
    user = django_user_model.objects.create_user("ann")

    with initiator.enqueued_for(lambda: user):
        async_task(shows, task_publish_id="x")

    assert PublishedTask.objects.get().owner == str(user.pk)


def test_rows_go_with_the_events_of_their_streams(task):
    run_all()
    waiting = async_task(shows, task_publish_id="waits")
    PublishedTask.objects.create(stream="gone", task_id="gone")
    PublishedTask.objects.create(stream="young", task_id="young")
    for row in PublishedTask.objects.exclude(stream="young"):
        row.created -= timedelta(hours=2)
        row.save()

    sweep(using="default")
    assert set(PublishedTask.objects.values_list("stream", flat=True)) == {"demo__x", "demo__waits", "young"}

    Event.objects.all().delete()
    sweep(using="default")
    assert set(PublishedTask.objects.values_list("stream", flat=True)) == {"demo__waits", "young"}
    assert OrmQ.objects.get().pk == waiting
