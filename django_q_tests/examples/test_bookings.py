"""Booking a slot: which are refused, and what a booking enqueues."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.models import Booking, Experiment, Notification, RunResult, RunTask
from django_q.models import OrmQ, Task
from django_q_tests.examples.conftest import write_experiment

MINUTE = timedelta(minutes=1)


def at(minutes):
    return timezone.now() + timedelta(minutes=minutes)


def queued(run):
    """The rows of a run's tasks: name -> row."""
    rows = OrmQ.objects.in_bulk(list(run.tasks.values_list("task_id", flat=True)))
    return {task.name: rows[task.task_id] for task in run.tasks.all()}


def seconds_apart(one, other):
    return abs((one - other).total_seconds())


def test_a_booking_enqueues_the_post_and_the_mail(run, experiment):
    rows = queued(run)

    assert set(rows) == {"send_experiment_json", "send_complete_mail"}
    assert seconds_apart(rows["send_experiment_json"].run_after, run.start - timedelta(seconds=30)) < 1
    assert seconds_apart(rows["send_complete_mail"].run_after, run.end + timedelta(seconds=10)) < 1
    assert rows["send_experiment_json"].args == (experiment.exp_pk,)
    assert rows["send_complete_mail"].args == (experiment.exp_pk, run.get_results_url())
    assert {row.get_state_display() for row in rows.values()} == {"deferred"}


def test_a_booking_tells_the_owner_and_marks_the_experiment(run, user):
    assert Experiment.objects.get().is_scheduled
    (news,) = Notification.objects.filter(recipient=user)
    assert news.verb.startswith("was just scheduled for ") and not news.public


def test_a_run_gets_the_chosen_series_of_its_experiment(run, experiment):
    assert [quantity.name for quantity in run.quantities.all()] == ["axlebasedvehiclespeed", "govspeed"]
    assert experiment.quantities.filter(related_run=None).count() == 2


def test_the_reminder_is_due_before_the_experiment_is_posted(experiment):
    run = bookings.book(experiment, at(60), at(61), email_reminder="15min")

    assert seconds_apart(queued(run)["send_experiment_reminder"].run_after, run.start - 15 * MINUTE - MINUTE / 2) < 1


def test_a_reminder_that_would_be_too_late_is_not_enqueued(experiment):
    run = bookings.book(experiment, at(10), at(11), email_reminder="1hr")

    assert "send_experiment_reminder" not in queued(run)


@pytest.mark.parametrize(
    ("start", "end"),
    [(60, 70), (55, 61), (69, 75), (50, 80), (63, 66), (70.2, 71), (59, 59.8)],
    ids=["the same", "into its start", "into its end", "around it", "inside it", "too soon after", "too close before"],
)
def test_two_slots_must_not_touch(experiment, user, start, end):
    bookings.book(experiment, at(60), at(70))

    with pytest.raises(ValidationError, match="busy"):
        bookings.book(write_experiment(user, "other"), at(start), at(end))
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(("start", "end"), [(71, 72), (50, 59)])
def test_slots_with_time_between_them_are_fine(experiment, user, start, end):
    bookings.book(experiment, at(60), at(70))

    bookings.book(write_experiment(user, "other"), at(start), at(end))
    assert Booking.objects.count() == 2


def test_a_slot_of_more_than_four_hours_is_refused(experiment):
    with pytest.raises(ValidationError, match="longer"):
        bookings.book(experiment, at(60), at(60 + 4 * 60 + 1))


def test_a_slot_that_ends_before_it_starts_is_refused(experiment):
    with pytest.raises(ValidationError, match="ends before it starts"):
        bookings.book(experiment, at(60), at(59))


def test_an_experiment_is_booked_once_at_a_time(run, experiment):
    with pytest.raises(ValidationError, match="booked already"):
        bookings.book(experiment, at(600), at(601))


def test_a_booking_that_fails_leaves_nothing(experiment, monkeypatch):
    monkeypatch.setattr(tasks, "send_complete_mail", None)

    with pytest.raises(AttributeError):
        bookings.book(experiment, at(60), at(61))
    assert [model.objects.count() for model in (RunResult, Booking, RunTask, OrmQ, Notification)] == [0] * 5


def test_a_canceled_booking_takes_its_tasks_with_it(run, experiment):
    bookings.cancel_booking(Booking.objects.get())

    assert [model.objects.count() for model in (RunResult, Booking, RunTask, OrmQ)] == [0] * 4
    assert set(Task.objects.values_list("reason", flat=True)) == {"canceled"}
    experiment.refresh_from_db()
    assert not experiment.is_scheduled


def test_a_run_that_was_posted_survives_the_end_of_its_booking(run):
    run.mark_posted()

    bookings.cancel_booking(Booking.objects.get())

    assert RunResult.objects.filter(pk=run.pk).exists() and not Booking.objects.exists()


def test_a_deleted_experiment_takes_its_tasks_with_it(run, experiment):
    experiment.delete()

    assert not OrmQ.objects.exists()


def test_the_earliest_start_leaves_time_for_the_post(settings):
    settings.EXPERIMENTEDITOR = {"LEAD": 7}

    assert seconds_apart(bookings.earliest_start(), timezone.now() + timedelta(seconds=7)) < 1
