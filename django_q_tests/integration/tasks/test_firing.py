"""Schedules as they are fired."""

import json
import threading
from datetime import datetime, timedelta

import pytest
from django.db import DataError, connection, transaction
from django.test import override_settings

from django_q import signals
from django_q.brokers import current_broker
from django_q.kernel import clock
from django_q.kernel.states import TaskState
from django_q.models import OrmQ, Schedule
from django_q.models.schedule import aware, in_settings_form
from django_q.tasks import cancel, fetch, schedule
from django_q.tasks.firing import fire_due, run_now
from django_q.testing import run_all
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import add, fail, seen

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def nothing_called():
    functions.calls.clear()


def hourly(ago=HOUR / 2, **fields):
    """Make a schedule by the hour that is due since a while."""
    return schedule(add, 1, schedule_type=Schedule.HOURLY, next_run=clock.now() - ago, **fields)


def again(row):
    return Schedule.objects.get(pk=row.pk)


def due_moments():
    """Return for which moments tasks are in the queue, in the order of enqueueing."""
    return [datetime.fromisoformat(json.loads(row.options)["due"]) for row in OrmQ.objects.order_by("pk")]


def test_what_is_due_is_enqueued_once_and_is_due_again_a_period_later():
    row = hourly()

    assert [fire_due(), fire_due()] == [1, 0]

    task = OrmQ.objects.get()
    fired = again(row)
    assert (fired.task, task.state, task.queue, task.group) == (task.pk, TaskState.READY, "default", str(row.pk))
    assert aware(fired.next_run) == aware(row.next_run) + HOUR
    assert fired.fired_at is not None


def test_what_is_not_due_is_left_alone():
    row = schedule(add, 1, next_run=clock.now() + HOUR)

    assert fire_due() == 0
    assert 3590 < Schedule.objects.next_due() <= 3600
    assert aware(again(row).next_run) == aware(row.next_run)


def test_the_task_gets_what_the_schedule_holds():
    hourly(name="sums", hook=seen, cluster="slow", second=5, timeout=9, priority=3, task_name="each sum")

    fire_due()

    task = OrmQ.objects.get()
    assert (task.queue, task.group, task.hook, task.name, task.priority) == (
        "slow",
        "sums",
        "django_q_tests.integration.tasks.functions.seen",
        "each sum",
        3,
    )
    assert (task.args, task.kwargs, json.loads(task.options)["timeout"]) == ((1,), {"second": 5}, 9)


def test_a_group_among_the_options_wins():
    hourly(name="sums", group="others")

    fire_due()

    assert OrmQ.objects.get().group == "others"


def test_the_function_gets_the_moment_it_was_due_if_it_wants_to():
    row = schedule(add, "x", next_run=clock.now() - HOUR, intended_date_kwarg="second")

    fire_due()

    assert OrmQ.objects.get().kwargs == {"second": in_settings_form(aware(row.next_run)).isoformat()}


@override_settings(Q_CLUSTER={"name": "site", "ALT_CLUSTERS": {"slow": {"workers": 1}}})
def test_a_schedule_without_a_cluster_goes_to_the_usual_queue_whoever_fires_it(monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_NAME", "slow")
    hourly()

    fire_due()

    assert OrmQ.objects.get().queue == "site"


@override_settings(Q_CLUSTER={"sync": True})
def test_a_cluster_in_a_project_that_runs_tasks_in_place_enqueues_them_all_the_same():
    hourly()

    fire_due()

    assert OrmQ.objects.count() == 1


# --- repeats -------------------------------------------------------------------------------------------------------


def test_one_that_runs_once_is_deleted_when_it_has():
    schedule(add, 1)

    assert fire_due() == 1
    assert not Schedule.objects.exists()
    assert OrmQ.objects.count() == 1


def test_one_that_runs_once_and_counts_is_kept():
    row = schedule(add, 1, repeats=1)

    assert [fire_due(), fire_due()] == [1, 0]
    assert again(row).repeats == 0


def test_runs_are_counted_down_to_none():
    row = hourly(repeats=2)

    for left in (1, 0, 0):
        Schedule.objects.update(next_run=clock.now())
        fire_due()
        assert again(row).repeats == left
    assert OrmQ.objects.count() == 2


def test_one_that_is_paused_is_not_due_and_missed_nothing_when_it_resumes():
    row = hourly(ago=5 * HOUR)
    assert (Schedule.objects.pause(), Schedule.objects.pause()) == (1, 0)
    assert (fire_due(), Schedule.objects.next_due(), again(row).next_runs()) == (0, None, [])

    assert (Schedule.objects.resume(), Schedule.objects.resume()) == (1, 0)

    assert fire_due() == 0
    assert clock.now() < aware(again(row).next_run) <= clock.now() + HOUR


def test_a_first_run_that_lies_ahead_is_kept_by_a_pause():
    first = clock.now() + 100 * HOUR
    row = schedule(add, 1, schedule_type="D", next_run=first)

    Schedule.objects.pause(), Schedule.objects.resume()

    assert aware(again(row).next_run) == first


# --- missed runs ---------------------------------------------------------------------------------------------------


def test_by_default_each_missed_run_is_made_up_for():
    row = hourly(ago=HOUR * 2.5)

    fire_due()

    first = aware(row.next_run)
    assert due_moments() == [first, first + HOUR, first + 2 * HOUR]
    assert (again(row).missed, aware(again(row).next_run)) == (0, first + 3 * HOUR)


def test_runs_that_are_made_up_for_count():
    row = hourly(ago=HOUR * 5.5, repeats=2)

    fire_due()

    assert (OrmQ.objects.count(), again(row).repeats) == (2, 0)


@pytest.mark.parametrize("settings_say", [False, "one"])
def test_one_run_may_stand_for_all_that_were_missed(settings, settings_say):
    settings.Q_CLUSTER = {"catch_up": settings_say}
    row = hourly(ago=HOUR * 2.5)

    fire_due()

    first = aware(row.next_run)
    assert due_moments() == [first + 2 * HOUR]
    assert again(row).missed == 2
    assert again(row).missed_moments() == [first, first + HOUR]


def test_missed_runs_may_be_skipped():
    row = hourly(ago=HOUR * 2.5, catch_up="skip")

    fire_due()

    assert not OrmQ.objects.exists()
    assert (again(row).missed, len(again(row).missed_moments())) == (3, 3)
    assert aware(again(row).next_run) == aware(row.next_run) + 3 * HOUR


def test_a_run_that_is_a_little_late_is_not_skipped():
    row = hourly(ago=timedelta(seconds=20), catch_up="skip")

    fire_due()

    assert (OrmQ.objects.count(), again(row).missed) == (1, 0)


def test_a_single_run_that_is_skipped_stays_on_record():
    row = schedule(add, 1, next_run=clock.now() - HOUR, catch_up="skip")

    fire_due()

    assert (again(row).repeats, again(row).missed, OrmQ.objects.count()) == (0, 1, 0)


def test_a_week_of_missed_minutes_is_made_up_for_in_batches():
    row = schedule(add, 1, schedule_type="I", minutes=1, next_run=clock.now() - timedelta(minutes=250))

    assert [fire_due(), OrmQ.objects.count()] == [1, 100]
    assert [fire_due(), OrmQ.objects.count()] == [1, 200]
    assert [fire_due(), fire_due(), OrmQ.objects.count()] == [1, 0, 251]
    assert len(set(due_moments())) == 251
    assert again(row).missed == 0


def test_years_of_missed_minutes_cost_no_more_than_a_moment():
    row = schedule(add, 1, schedule_type="I", minutes=1, next_run=clock.now() - timedelta(days=3000), catch_up="one")

    fire_due()

    assert OrmQ.objects.count() == 1
    assert aware(again(row).next_run) > clock.now()
    assert again(row).missed == 10_000  # those that are counted


# --- what cannot run -----------------------------------------------------------------------------------------------


def test_a_schedule_that_cannot_run_does_not_stop_the_others():
    bad, worse = hourly(), hourly()
    Schedule.objects.filter(pk=bad.pk).update(args="1,,")
    Schedule.objects.filter(pk=worse.pk).update(schedule_type="C", cron="60 * * * *")
    good = hourly()

    assert [fire_due(), fire_due()] == [3, 0]

    assert OrmQ.objects.get().pk == again(good).task
    assert "cannot be read" in again(bad).error and again(bad).missed == 1
    assert aware(again(bad).next_run) > clock.now()  # it is tried again
    assert again(worse).paused_at is not None and "'60' is not a minute" in again(worse).error


def test_an_error_is_forgotten_when_it_runs_again():
    row = hourly()
    Schedule.objects.filter(pk=row.pk).update(error="it could not")

    fire_due()

    assert again(row).error == ""


def test_a_receiver_of_pre_enqueue_that_spoils_a_task_stops_its_schedule_only():
    def spoil(task, **kwargs):
        if task["args"] == (13,):
            task["options"] = {"timeout": -1}

    bad = schedule(add, 13, schedule_type="H")
    good = hourly()
    signals.pre_enqueue.connect(spoil)
    try:
        fire_due()
    finally:
        signals.pre_enqueue.disconnect(spoil)

    assert "timeout=-1 cannot be used" in again(bad).error
    assert again(good).task


def test_what_the_database_refuses_is_refused_alone(monkeypatch):
    bad, good = hourly(task_name="bad"), hourly(task_name="good")
    enqueue = current_broker().enqueue

    def refuse(rows):
        if any("bad" in row for row in rows):
            raise DataError("value too long")
        enqueue(rows)

    monkeypatch.setattr(current_broker(), "enqueue", refuse)

    assert fire_due() == 2

    assert OrmQ.objects.get().name == "good"
    assert "value too long" in again(bad).error
    assert (again(good).error, OrmQ.objects.get().pk) == ("", again(good).task)


# --- one of several clusters ---------------------------------------------------------------------------------------


def test_clusters_that_look_at_the_same_moment_fire_each_schedule_once():
    for _ in range(60):
        hourly()
    gate = threading.Barrier(4)

    def look():
        gate.wait()
        try:
            while fire_due(10):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    if connection.vendor == "sqlite":
        threads, gate = threads[:1], threading.Barrier(1)  # one writer at a time: see the process tests
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert OrmQ.objects.count() == 60
    assert Schedule.objects.next_due() > 0


def test_what_dies_before_its_commit_leaves_the_schedule_due():
    row = hourly()

    with pytest.raises(RuntimeError), transaction.atomic():
        fire_due()
        raise RuntimeError

    assert (OrmQ.objects.count(), again(row).task) == (0, None)
    assert fire_due() == 1


# --- what became of it ---------------------------------------------------------------------------------------------


def test_a_schedule_knows_how_its_last_task_ended():
    row = hourly()
    assert (row.success(), row.last_run(), row.last_task()) == (None, None, None)
    fire_due()
    assert (again(row).success(), again(row).last_run()) == (None, None)

    run_all()

    task = fetch(again(row).task)
    assert again(row).success() is True
    assert f"/success/{task.pk}/change/" in again(row).last_run() and task.name in again(row).last_run()


def test_a_schedule_knows_that_its_last_task_failed():
    row = schedule(fail, schedule_type="H")
    fire_due()
    run_all()

    assert again(row).success() is False
    assert "/failure/" in again(row).last_run()


def test_a_schedule_can_run_now_besides():
    row = schedule(add, 1, schedule_type="H", next_run=clock.now() + HOUR, intended_date_kwarg="second")

    task_id = run_now(row)

    assert again(row).task == task_id == OrmQ.objects.get().pk
    assert aware(again(row).next_run) == aware(row.next_run)
    assert cancel(task_id)
