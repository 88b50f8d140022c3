"""Booking a slot: which are refused, and what a booking enqueues."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.models import Booking, Experiment, Notification, RunResult, RunTask
from django_q.models import OrmQ, Task
from django_q.testing import run_all, time_travel
from django_q_tests.examples.conftest import collect, post, write_experiment

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


# --- a change of plan ------------------------------------------------------------------------------------------------


def move(run, minutes, **more):
    return bookings.move_booking(run.booking, at(minutes), at(minutes + 1), **more)


def test_a_booking_that_is_moved_takes_its_tasks_along(experiment):
    run = bookings.book(experiment, at(60), at(61), email_reminder="15min")
    before = set(run.tasks.values_list("task_id", flat=True))

    moved = move(run, 120, absolute=lambda path: f"http://lab{path}")

    assert moved == run and seconds_apart(moved.start, at(120)) < 1
    rows = queued(moved)
    due = {name: row.run_after for name, row in rows.items()}
    assert seconds_apart(due["send_experiment_reminder"], moved.start - 15 * MINUTE - MINUTE / 2) < 1
    assert seconds_apart(due["send_experiment_json"], moved.start - MINUTE / 2) < 1
    assert seconds_apart(due["send_complete_mail"], moved.end + MINUTE / 6) < 1
    assert rows["send_complete_mail"].args == (experiment.exp_pk, f"http://lab{run.get_results_url()}")
    assert not OrmQ.objects.filter(pk__in=before).exists() and OrmQ.objects.count() == 3
    assert Task.objects.filter(pk__in=before, reason="canceled").count() == 3


def test_the_reminder_comes_for_the_new_plan_only(experiment):
    run = bookings.book(experiment, at(60), at(61), email_reminder="30min")
    move(run, 120)

    with time_travel(timedelta(minutes=31)):
        assert run_all() == []
    assert mail.outbox == []


def test_a_reminder_can_be_added_and_dropped_with_the_move(experiment):
    run = bookings.book(experiment, at(60), at(61))

    assert "send_experiment_reminder" in queued(move(run, 120, email_reminder="1hr"))
    assert "send_experiment_reminder" not in queued(move(run, 130, email_reminder=""))


def test_a_reminder_that_was_sent_is_sent_again_for_another_time(experiment):
    run = bookings.book(experiment, at(10.6), at(12), email_reminder="10min")
    tasks.send_experiment_reminder.now(experiment.exp_pk)

    move(run, 20, email_reminder="15min")
    run.booking.refresh_from_db()
    RunResult.objects.filter(pk=run.pk).update(start=at(15.6), end=at(17))
    tasks.send_experiment_reminder.now(experiment.exp_pk)

    assert len(mail.outbox) == 2


def test_a_booking_can_be_moved_by_less_than_its_length(experiment):
    run = bookings.book(experiment, at(60), at(62))

    assert bookings.move_booking(run.booking, at(61), at(63)).start > at(60)


def test_a_booking_is_not_moved_into_another(experiment, user):
    bookings.book(write_experiment(user, "other"), at(120), at(121))
    run = bookings.book(experiment, at(60), at(61))

    with pytest.raises(ValidationError, match="busy"):
        move(run, 120)
    assert seconds_apart(RunResult.objects.get(pk=run.pk).start, run.start) == 0


def test_what_the_vehicle_has_cannot_be_moved(run):
    run.begin_post()

    with pytest.raises(ValidationError, match="too late for a change"):
        move(run, 120)


def test_a_booking_that_is_over_cannot_be_moved(run):
    booking = run.booking
    booking.delete()

    with pytest.raises(ValidationError, match="too late for a change"):
        bookings.move_booking(booking, at(120), at(121))


def test_a_move_that_fails_changes_nothing(run, monkeypatch):
    before = set(OrmQ.objects.values_list("pk", flat=True))
    monkeypatch.setattr(tasks, "send_complete_mail", None)

    with pytest.raises(AttributeError):
        move(run, 120)
    assert set(OrmQ.objects.values_list("pk", flat=True)) == before
    assert RunResult.objects.get(pk=run.pk).start == run.start


# --- is_scheduled ----------------------------------------------------------------------------------------------------


def is_scheduled():
    return Experiment.objects.get().is_scheduled


def test_an_experiment_is_scheduled_from_its_booking_to_its_results(experiment, devices):
    assert not is_scheduled()

    run = bookings.book(experiment, at(1.2), at(1.5))
    assert is_scheduled()
    move(run, 1.3)
    assert is_scheduled()
    post(RunResult.objects.get())
    assert is_scheduled()
    devices.break_down("plot", status=500)
    assert "Will be tried again" in collect(RunResult.objects.get()) and is_scheduled()
    collect(RunResult.objects.get())
    assert not is_scheduled()


def test_an_experiment_whose_start_fails_is_not_scheduled(run, devices):
    devices.break_down("post", status=400)

    post(run)
    assert not is_scheduled()


def test_an_experiment_whose_results_cannot_be_had_keeps_its_booking(posted, devices, settings):
    devices.break_down("log", times=None, status=404)

    assert "No more tries" in collect(posted)
    assert is_scheduled() and Booking.objects.exists()
    bookings.cancel_booking(Booking.objects.get())
    assert not is_scheduled() and RunResult.objects.get().error


@pytest.mark.parametrize("model", [Booking, RunResult])
def test_rows_that_somebody_deletes_take_what_hangs_on_them_along(run, model):
    model.objects.all().delete()

    assert not is_scheduled() and not OrmQ.objects.exists()
    assert not Booking.objects.exists() and not RunTask.objects.exists()


def test_a_deleted_user_takes_his_tasks_with_him(run, user):
    user.delete()

    assert not OrmQ.objects.exists() and not Experiment.objects.exists()


def test_a_booking_that_is_canceled_during_the_post_leaves_a_run_that_says_so(run, devices):
    run.begin_post()

    bookings.cancel_booking(Booking.objects.get())

    assert "it may run all the same" in RunResult.objects.get().error
    assert "not booked" in post(run) and devices.posts == []


def test_commands_that_do_not_fit_into_the_slot_are_refused(experiment):
    with pytest.raises(ValidationError, match="take 4 seconds, which is longer"):
        bookings.book(experiment, at(60), at(60.05))


def test_the_earliest_start_leaves_time_for_the_post(settings):
    settings.EXPERIMENTEDITOR = {"LEAD": 7}

    assert seconds_apart(bookings.earliest_start(), timezone.now() + timedelta(seconds=7)) < 1
