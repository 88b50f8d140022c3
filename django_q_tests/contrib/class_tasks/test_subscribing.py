"""Who subscribes: to one task or to all, in time or late."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from django_q.contrib.class_tasks import start_task, stop_task, subscribe, subscribing
from django_q.contrib.class_tasks.execution import PREFIX
from django_q.exceptions import InvalidValue
from django_q.models import Event
from django_q_tests.support.class_tasks import lines
from django_q_tests.support.eventually import eventually

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("own_database")]


def in_thread(events):
    """Read events in a thread; return the list to which they go, and the thread."""
    found = []

    def read():
        try:
            found.extend(events)
        finally:
            connections.close_all()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return found, thread


def test_a_subscriber_is_told_everything_until_the_end(start):
    task_id = start_task("test/returns", value=1, events=2)
    found, thread = in_thread(subscribe(task_id))

    start()

    thread.join(10)
    assert found == [("made", {"value": 1}), ("number", 0), ("number", 1), ("success", 1)]


@pytest.mark.databases
def test_a_late_subscriber_asks_for_what_was_before(start, until):
    before = timezone.now() - timedelta(seconds=1)
    start()
    task_id = start_task("test/returns", events=3)
    until(task_id, "SUCCESS")
    everything = list(subscribe(task_id, since=0))
    assert [event for event, _ in everything] == ["made", "number", "number", "number", "success"]

    assert list(subscribe(task_id)) == []
    assert list(subscribe(task_id, since=everything[2].number)) == everything[3:]
    assert list(subscribe(task_id, since=before)) == list(subscribe(task_id, since=timedelta(hours=1))) == everything
    with pytest.raises(InvalidValue, match="since is 'yesterday'"):
        subscribe(task_id, since="yesterday")


def test_who_subscribes_to_all_sees_all_and_no_control_words(start, until, tmp_path):
    found, thread = in_thread(subscribe("*", patience=2))
    start()
    one = start_task("test/loops", path=str(tmp_path / "lines"))
    two = start_task("test/returns", value=2)
    eventually(lambda: lines(tmp_path / "lines"))
    stop_task(one)
    until(two, "SUCCESS")

    thread.join(20)

    told = {(event.task_id, event[0]) for event in found}
    assert told == {(one, "working"), (one, "stopped"), (two, "success")}


@pytest.mark.databases
def test_an_event_whose_transaction_ended_late_is_not_missed():
    rows = Event.objects
    rows.begin("other")
    for id in ("a", "b"):
        rows.begin(f"{PREFIX}{id}")
    rows.append([(f"{PREFIX}a", 1, 1, "early", "1")])
    late = Event(stream=f"{PREFIX}b", run=1, seq=1, kind="late", payload="2", created=timezone.now())
    newest = rows.order_by("-pk").first().pk
    rows.filter(pk=newest).update(id=newest + 1)  # its number was taken before that of another, which it will not see
    events = subscribe("*", since=0, patience=3)

    first = next(events)
    late.pk = newest
    rows.bulk_create([late])

    assert (first, first.task_id) == (("early", 1), "a")
    second = next(events)
    assert (second, second.task_id) == (("late", 2), "b")
    events.close()


def test_a_task_that_never_ran_and_one_that_is_unknown_end_the_subscription(monkeypatch):
    monkeypatch.setattr(subscribing, "_LAST_WORD", timedelta(0))
    task_id = start_task("test/returns")
    stop_task(task_id)

    assert list(subscribe(task_id, since=0)) == list(subscribe("ghost", patience=0.1)) == []
