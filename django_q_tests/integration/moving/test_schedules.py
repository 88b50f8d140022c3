"""Django Q's schedules, in our timetable."""

from datetime import timedelta

import pytest

from django_q.models import Moved, OrmQ, Schedule
from django_q.tasks import firing
from django_q_tests.integration.moving import old

pytestmark = pytest.mark.django_db


def only():
    return Schedule.objects.get()


def test_a_schedule_is_the_same_here(move):
    due = old.moment(3600)
    last = old.new_id()
    old.scheduled(
        name="report", args="1, -2, 'x'", kwargs="a=1, b=[2]", hook="shop.hooks.done", schedule_type="I", minutes=7,
        repeats=3, next_run=due, cluster="slow", task=last, intended_date_kwarg="day",
    )  # fmt: skip

    report = move()

    row = only()
    assert (report["schedules"]["moved"], report["schedules"]["notes"]) == (1, [])
    assert (row.name, row.func, row.args, row.kwargs) == ("report", "math.copysign", "1, -2, 'x'", "a=1, b=[2]")
    assert (row.hook, row.schedule_type, row.minutes, row.repeats) == ("shop.hooks.done", "I", 7, 3)
    assert (row.cluster, row.task, row.intended_date_kwarg) == ("slow", last, "day")
    assert abs(row.next_run - due) < timedelta(milliseconds=1)
    assert row.anchor == row.next_run
    assert row.paused_at is None


def test_a_cron_schedule_that_is_overdue_keeps_its_moment(move, texts):
    due = old.moment(-90)
    old.scheduled(schedule_type="C", cron="0 9 * * 1-5", next_run=due)

    report = move()

    assert abs(only().next_run - due) < timedelta(milliseconds=1)
    assert "1: its next run lies in the past" in texts(report["schedules"]["notes"])


@pytest.mark.parametrize("written", [
    "x=1, q_options={'timeout': 9, 'group': 'g', 'hook': 'a.b', 'broker_name': 'slow', 'sync': False}",
    "{'x': 1, 'q_options': {'timeout': 9, 'group': 'g', 'hook': 'a.b', 'cluster': 'slow', 'sync': True}}",
    "x=1, timeout=9, group='g', hook='a.b', cluster='slow', sync=True",
])  # fmt: skip
def test_options_among_the_keywords_stand_where_ours_do(move, texts, written):
    old.scheduled(kwargs=written)

    report = move()

    row = only()
    assert (row.kwargs, row.hook, row.cluster) == ("x=1", "a.b", "slow")
    assert sorted(row.options.split(", ")) == ["group='g'", "timeout=9"]
    assert "1: its options sync have no meaning here" in texts(report["schedules"]["notes"])


def test_of_two_with_one_name_the_second_gets_a_number_and_keeps_its_group(move, texts):
    Schedule.objects.create(name="report", func="math.sqrt")
    old.scheduled(name="report")
    old.scheduled(name="report", kwargs="q_options={'group': 'mine'}")

    report = move()

    assert "2: another schedule has its name" in texts(report["schedules"]["notes"])
    found = Schedule.objects.exclude(name="report").order_by("pk").values_list("name", "options")
    assert list(found) == [("report (2)", "group='report'"), ("report (3)", "group='mine'")]


@pytest.mark.parametrize(("columns", "field"), [
    ({"args": "now()"}, "args"), ({"kwargs": "x=nothing"}, "kwargs"), ({"func": "nowhere"}, "func"),
    ({"schedule_type": "C", "cron": "61 * * * *"}, "cron"), ({"schedule_type": "C", "cron": None}, "cron"),
    ({"schedule_type": "??"}, "schedule_type"),
    ({"intended_date_kwarg": "no name"}, "intended_date_kwarg"), ({"kwargs": "q_options={'group': 7}"}, "options"),
])  # fmt: skip
def test_one_that_cannot_run_is_moved_paused_with_the_reason_and_stops_no_other(move, texts, columns, field):
    old.scheduled(name="bad", **columns)
    old.scheduled(name="good")

    report = move()

    bad, good = Schedule.objects.get(name="bad"), Schedule.objects.get(name="good")
    assert report["schedules"]["moved"] == 2
    assert f"1: paused, since it cannot run as it stands; the admin shows why: {field}: " in texts(
        report["schedules"]["notes"]
    )
    assert bad.paused_at is not None and bad.error.startswith(f"{field}: ")
    assert bad.args == columns.get("args", "1, -2")
    assert good.paused_at is None


def test_numbers_that_django_q_corrects_at_run_time_are_corrected(move):
    old.scheduled(name="counted down for ever", repeats=-7)
    old.scheduled(name="without minutes", schedule_type="I")
    old.scheduled(name="", func="f" * 256)

    move()

    assert Schedule.objects.get(name="counted down for ever").repeats == -1
    assert Schedule.objects.get(name="without minutes").minutes == 1
    assert Schedule.objects.get(name=None).func == "f" * 255


def test_one_that_is_over_stays_over(move):
    old.scheduled(repeats=0, next_run=old.moment(-60))

    move()
    firing.fire_due()

    assert only().repeats == 0
    assert not OrmQ.objects.exists()


def test_one_that_is_due_fires_with_its_arguments_and_is_moved_once(move):
    old.scheduled(name="once", schedule_type="O", next_run=old.moment(-60), kwargs="q_options={'timeout': 9}")
    move()

    firing.fire_due()

    row = OrmQ.objects.get()
    assert (row.func, row.args, row.group, row.queue) == ("math.copysign", (1, -2), "once", "default")
    assert not Schedule.objects.exists()
    assert move()["schedules"]["before"] == 1
    assert not Schedule.objects.exists()


def test_one_that_was_changed_here_stays_changed(move):
    old.scheduled(name="report")
    move()
    Schedule.objects.update(repeats=5, name="renamed")

    move()

    assert (only().repeats, only().name) == (5, "renamed")
    assert Moved.objects.count() == 1


def test_more_rows_than_a_batch_holds_are_all_moved(move):
    for _ in range(5):
        old.scheduled()

    assert move("--batch", "2")["schedules"]["moved"] == 5
    assert Schedule.objects.count() == 5
