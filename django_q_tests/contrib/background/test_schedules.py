"""What ``schedule=`` may hold, and who wins part by part."""

from datetime import datetime, timedelta, timezone

import pytest
from django.utils import timezone as django_timezone

from django_q.contrib.background import TaskSchedule

pytestmark = pytest.mark.once

NOON = datetime(2100, 7, 1, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "schedule", [90, 90.0, timedelta(seconds=90), {"run_at": 90}, TaskSchedule(90), TaskSchedule(timedelta(seconds=90))]
)
def test_a_delay_is_a_number_a_timedelta_a_dict_or_a_schedule(schedule):
    created = TaskSchedule.create(schedule)

    assert created == TaskSchedule(run_at=timedelta(seconds=90))
    assert abs(created.run_at - django_timezone.now() - timedelta(seconds=90)) < timedelta(seconds=1)


def test_a_schedule_that_says_nothing_means_now_without_priority_another_task():
    nothing = TaskSchedule.create(None)

    assert abs(nothing.run_at - django_timezone.now()) < timedelta(seconds=1)
    assert (nothing.priority, nothing.action, nothing.has_moment) == (0, TaskSchedule.SCHEDULE, False)


def test_what_one_schedule_says_wins_part_by_part():
    call = TaskSchedule(priority=5)
    usual = TaskSchedule(run_at=NOON, priority=1, action=TaskSchedule.CHECK_EXISTING)

    merged = call.merge(usual)

    assert (merged.run_at, merged.priority, merged.action) == (NOON, 5, TaskSchedule.CHECK_EXISTING)


@pytest.mark.parametrize("zero", [0, 0.0, timedelta(0)])
def test_a_delay_of_zero_wins_over_a_longer_one(zero):
    assert TaskSchedule.create(zero).merge(TaskSchedule(60)).run_at <= django_timezone.now()


def test_equality_and_repr_tell_what_was_said():
    assert TaskSchedule(60, 1) == TaskSchedule(60, 1) != TaskSchedule(60, 2)
    assert len({TaskSchedule(60, 1), TaskSchedule(60, 1)}) == 1
    assert repr(TaskSchedule(run_at=NOON, priority=2)) == f"TaskSchedule(run_at={NOON}, priority=2)"


@pytest.mark.parametrize(
    ("schedule", "kind", "complaint"),
    [
        ("soon", TypeError, "schedule='soon' is neither a moment nor a delay"),
        (True, TypeError, "schedule=True is neither"),
        (float("inf"), TypeError, "schedule=inf is neither"),
        (1e300, ValueError, r"schedule=1e\+300 is no number of seconds"),
        ({"run_a": 5}, TypeError, "a key 'run_a' that does not exist. Did you mean 'run_at'"),
        ({"xyzzy": 5}, TypeError, "It may have 'run_at', 'priority', 'action'"),
        ({"priority": "high"}, ValueError, "priority='high'"),
        ({"action": 3}, ValueError, "action=3 does not exist"),
    ],
)
def test_a_schedule_that_is_none_is_refused_with_a_remedy(schedule, kind, complaint):
    with pytest.raises(kind, match=complaint):
        TaskSchedule.create(schedule)
