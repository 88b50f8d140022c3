"""The decorator: names, arguments, streams, and what becomes of what a task sends."""

import asyncio
import inspect
import json
import pickle

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError

from django_q.contrib.background.models import CompletedTask
from django_q.contrib.publish import CommunicationBasePublisher, publish
from django_q.contrib.publish.models import PublishedTask
from django_q.contrib.publish.publishers import EventDropped
from django_q.events import storing, writing
from django_q.exceptions import InvalidOption, InvalidValue, TaskCanceled, TaskTimeout
from django_q.models import Event, OrmQ, Schedule, Task
from django_q.tasks import async_chain, async_task, fetch, requeue, result, schedule
from django_q.tasks.firing import fire_due
from django_q.testing import run_all
from django_q_tests.contrib.publish import published
from django_q_tests.contrib.publish.published import at_the_end, bare, coroutine, fails, shows, silent

pytestmark = pytest.mark.django_db
HERE = "django_q_tests.contrib.publish.published"


def told(stream, run=None):
    """Return the kinds and values of the newest run of a stream, without its beginning."""
    rows = Event.objects.filter(stream=stream, run=run or Event.objects.newest_runs([stream])[stream], seq__gt=0)
    return [(kind, json.loads(payload)) for kind, payload in rows.order_by("seq").values_list("kind", "payload")]


def outcome(stream, run=None):
    kind, value = told(stream, run)[-1]
    assert kind == "end"
    return value["outcome"]


# --- names and arguments -------------------------------------------------------------------------------------------


def test_the_id_and_the_group_name_the_stream_and_the_id_is_not_passed_on():
    task_id = async_task(f"{HERE}.shows", task_publish_id="test1", param=123)

    run_all(raise_errors=True)

    assert result(task_id) == {"param": 123}
    assert told("demo__test1") == [("event", "one"), ("event", "two"), ("end", {"outcome": "success"})]


@pytest.mark.parametrize(
    ("function", "publish_id", "stream"),
    [(shows, None, "demo"), (shows, "", "demo"), (shows, 0, "demo"), (shows, 7, "demo__7"), (silent, None, "default")],
)
def test_without_an_id_the_stream_is_the_group(function, publish_id, stream):
    function(task_publish_id=publish_id)

    assert outcome(stream) == "success"


def test_a_decorated_function_is_known_by_its_own_name():
    assert (shows.__name__, shows.__module__, shows.__doc__) == ("shows", HERE, "Send what it was given.")
    assert pickle.loads(pickle.dumps(shows)) is shows
    assert list(inspect.signature(bare).parameters) == ["first", "second", "cproxy", "task_publish_id"]
    assert list(inspect.signature(bare.__wrapped__).parameters) == ["cproxy", "first", "second"]
    assert inspect.iscoroutinefunction(coroutine.worker_function)


def test_it_is_enqueued_by_its_path_or_as_an_object():
    ids = [async_task(bare, 1), async_task(f"{HERE}.bare", 1, second=3)]

    assert set(OrmQ.objects.values_list("func", flat=True)) == {f"{HERE}.bare"}
    run_all(raise_errors=True)
    assert [result(task_id) for task_id in ids] == [(1, 2), (1, 3)]


def test_arguments_by_position_bind_as_if_there_were_no_proxy():
    assert bare(5, 6) == (5, 6)
    assert bare(first=5, cproxy="overwritten") == (5, 2)
    assert at_the_end(5, second=6) == (5, 6, "CommunicationByEventsPublisher")
    with pytest.raises(InvalidOption, match="third"):
        async_task(bare, 1, third=3)


def test_what_cannot_be_published_is_said_where_it_is_written():
    def takes_none(value):
        return value

    with pytest.raises(TypeError, match="has no parameter 'cproxy'"):
        publish("demo")(takes_none)
    with pytest.raises(InvalidValue, match="parts the group"):
        publish("a__b")
    with pytest.raises(InvalidValue, match="no name of a stream"):
        publish("")
    with pytest.raises(InvalidValue, match="no name of a stream"):
        async_task(shows, task_publish_id="x" * 200)
    assert not OrmQ.objects.exists()


# --- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["$$$END$$$", "", "<b>ä</b>", "\ud800", "line\nline", None, 7, 1.5, True, [1, [2]], {"a": {"b": None}}]
)
def test_any_value_of_json_is_an_event(value):
    shows(values=[value, "after"])

    assert told("demo")[:2] == [("event", value), ("event", "after")]


def test_another_value_is_a_type_error_in_the_task():
    with pytest.raises(TypeError, match="not JSON serializable"):
        shows(values=[object()])

    assert told("demo") == [("end", {"outcome": "error"})]


def test_events_are_numbered_without_gaps():
    shows(values=list(range(50)))

    assert list(Event.objects.filter(stream="demo").values_list("seq", flat=True)) == list(range(52))


@pytest.mark.django_db(transaction=True)
def test_events_of_several_threads_are_numbered_without_gaps(monkeypatch):
    monkeypatch.setattr(writing, "_threaded", {writing.os.getpid()})
    try:
        published.from_threads(25)
    finally:
        writing.stop()

    events = told("threads")
    assert len(events) == 101
    for number in range(4):
        assert [value[1] for _, value in events[:-1] if value[0] == number] == list(range(25))


@pytest.mark.parametrize(
    ("error", "expected"),
    [(ValueError, "error"), (TaskTimeout, "timeout"), (TaskCanceled, "canceled"), (KeyboardInterrupt, "error")],
)
def test_what_a_function_raises_is_the_outcome_of_its_run(error, expected):
    with pytest.raises(error):
        fails(error)

    assert told("failing") == [("event", "before"), ("end", {"outcome": expected})]


@pytest.mark.django_db(transaction=True)
def test_coroutines_publish():
    task_id = async_task(coroutine, {"a": 1})
    failed = async_task(published.failing_coroutine)

    run_all()
    writing.stop()

    assert result(task_id) == {"a": 1} and not fetch(failed).success
    assert told("coroutine", 1) == [("event", {"a": 1}), ("end", {"outcome": "success"})]
    assert outcome("coroutine", 2) == "error"


@pytest.mark.django_db(transaction=True)
def test_a_coroutine_can_be_called_here():
    try:
        assert asyncio.run(coroutine("here")) == "here"
    finally:
        writing.stop()

    assert told("coroutine") == [("event", "here"), ("end", {"outcome": "success"})]


def test_a_new_call_with_the_same_id_is_a_new_run():
    shows(task_publish_id="x", values=["old"])
    shows(task_publish_id="x", values=["new"])

    assert told("demo__x", 1)[0] == ("event", "old") and told("demo__x", 2)[0] == ("event", "new")


# --- settings and mishaps ------------------------------------------------------------------------------------------


def test_where_publishing_is_switched_off_the_proxy_does_nothing_and_nothing_is_stored(settings):
    settings.PUBLISH = {"enabled": False}

    task_id = async_task(shows, task_publish_id="x")
    run_all(raise_errors=True)

    assert result(task_id) == {}
    assert not Event.objects.exists() and not PublishedTask.objects.exists()


def test_a_base_publisher_takes_everything():
    with CommunicationBasePublisher() as cproxy:
        cproxy.send_event(object())
        cproxy.close()


@pytest.fixture
def broken(monkeypatch):
    """An event store that is down."""

    def write(alias, entries):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(storing, "write", write)
    writing._complain.clear()


def test_a_task_whose_events_cannot_be_stored_goes_on_and_the_log_says_so_once(broken, caplog):
    assert shows(values=range(5)) == {"values": range(5)}

    assert [record.levelname for record in caplog.records if "disk is full" in record.message] == ["WARNING"]


def test_in_strict_mode_it_fails(broken, settings):
    settings.PUBLISH = {"strict": True}

    with pytest.raises(EventDropped, match="'demo' was dropped"):
        shows()


# --- with all else a task may have ---------------------------------------------------------------------------------


def test_it_has_hooks_groups_and_schedules():
    async_task(shows, task_publish_id="a", hook="django.utils.timezone.is_aware", group="g")
    schedule(f"{HERE}.shows", task_publish_id="b", schedule_type=Schedule.ONCE)
    async_chain([(shows, (), {"task_publish_id": "c"}), (bare, (1,))])

    fire_due()
    run_all()

    assert {outcome(stream) for stream in ("demo__a", "demo__b", "demo__c", "default")} == {"success"}
    assert Task.objects.get(group="g").success


def test_each_attempt_is_a_run():
    async_task(fails, task_publish_id="x", max_attempts=2, backoff=0)

    run_all()

    assert [outcome("failing__x", run) for run in (1, 2)] == ["error", "error"]


def test_it_runs_in_the_background():
    published.in_the_background("x")

    run_all(raise_errors=True)

    assert told("behind")[0] == ("event", "x") and CompletedTask.objects.get().record.result == "x"
    assert PublishedTask.objects.get().stream == "behind"


def test_it_may_be_a_task_of_a_user():
    user = get_user_model().objects.create_user("ann")

    published.of_a_user.delay(user.pk)
    run_all(raise_errors=True)

    assert told("course")[0] == ("event", "of_a_user")


def test_in_sync_mode_its_row_is_there_before_it_begins():
    async_task(shows, task_publish_id="x", sync=True)

    assert outcome("demo__x") == "success" and PublishedTask.objects.get().stream == "demo__x"


@pytest.mark.parametrize("enqueue", ["later", "requeued"])
def test_a_task_without_a_row_gets_one_when_it_begins(enqueue):
    if enqueue == "later":
        async_task(shows, task_publish_id="x")
        PublishedTask.objects.all().delete()
        OrmQ.objects.update(options="")
    else:
        first = async_task(shows, task_publish_id="x")
        run_all()
        requeue(first)

    run_all(raise_errors=True)

    assert set(PublishedTask.objects.values_list("task_id", flat=True)) >= {Task.objects.latest("started").pk}
