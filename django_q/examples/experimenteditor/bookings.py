"""Booking the vehicle: the slot, the run that will fill it, and the tasks that make it happen."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from django_q.examples.experimenteditor import tasks
from django_q.examples.experimenteditor.models import Booking, Experiment, ObservableQuantity, RunResult, Vehicle
from django_q.examples.experimenteditor.options import span
from django_q.examples.experimenteditor.owners import tell
from django_q.examples.experimenteditor.words import exact

_SCHEDULED = gettext_noop("was just scheduled for %(when)s")
_MOVED = gettext_noop("was moved to %(when)s")
_TAKEN_BACK = "The booking was canceled while the vehicle got the experiment: it may run all the same."


def earliest_start() -> datetime:
    """Return the start of a slot whose experiment can be sent right away."""
    return timezone.now() + span("LEAD")


def check_slot(experiment: Experiment, start: datetime, end: datetime, *, instead_of: Booking | None = None) -> None:
    """Raise ValidationError if the experiment cannot have this slot, alone or instead of the one it has."""
    if instead_of is None and Booking.objects.filter(related_experiment=experiment).exists():
        raise ValidationError(f"{str(experiment)!r} is booked already. Move that booking, or cancel it first.")
    _check_length(experiment, start, end)
    others = RunResult.objects.in_the_way_of(start, end)
    if instead_of is not None:
        others = others.exclude(pk=instead_of.run_id)
    other = others.order_by("start").last()
    if other:
        until = exact(other.end + span("LEAD") + timedelta(seconds=1))
        raise ValidationError(f"The vehicle is busy then. The other slot keeps it until {until}.")


def _check_length(experiment: Experiment, start: datetime, end: datetime) -> None:
    if end <= start:
        raise ValidationError("The slot ends before it starts. Choose a later end.")
    if end - start > span("LONGEST_SLOT"):
        raise ValidationError(f"The slot is longer than {span('LONGEST_SLOT')}. Choose an earlier end.")
    if end - start < experiment.length():
        length = experiment.length().total_seconds()
        raise ValidationError(f"The commands take {length:g} seconds, which is longer than the slot.")


@transaction.atomic
def book(
    experiment: Experiment,
    start: datetime,
    end: datetime,
    *,
    email_reminder: str = "",
    absolute: Callable[[str], str] = str,
) -> RunResult:
    """Book a slot and enqueue what belongs to it: all of it or, if anything fails, nothing.

    ``absolute`` turns the path of a page into an address that works in a mail. Two bookings at the same time wait for
    each other, on every database, if the transaction is not one that froze what it sees: Django's default, READ
    COMMITTED, is right. Raises ValidationError if the slot cannot be had.
    """
    Vehicle.reserve()
    check_slot(experiment, start, end)
    run = RunResult.objects.create(experiment=experiment, start=start, end=end)
    booking = Booking.objects.create(related_experiment=experiment, run=run, email_reminder=email_reminder)
    for choice in experiment.quantities.filter(related_run=None):
        ObservableQuantity.objects.create(related_experiment=experiment, related_run=run, name=choice.name)
    _enqueue_tasks(booking, absolute)
    tell(run, _SCHEDULED, places={"when": start}, public=False)
    return run


@transaction.atomic
def move_booking(
    booking: Booking,
    start: datetime,
    end: datetime,
    *,
    email_reminder: str | None = None,
    absolute: Callable[[str], str] = str,
) -> RunResult:
    """Give a booking another slot, and its tasks other times; None leaves the reminder as it was.

    The tasks of the old plan are canceled. One that was running at that moment sees by itself that the plan is another.
    Raises ValidationError if the slot cannot be had, or if it is too late for a change.
    """
    Vehicle.reserve()
    run = RunResult.objects.select_for_update().filter(pk=booking.run_id).first()
    if run is None or run.post_began_at is not None or not Booking.objects.filter(run=run).exists():
        raise ValidationError("It is too late for a change: the vehicle has this experiment already.")
    check_slot(run.experiment, start, end, instead_of=booking)
    run.start, run.end, run.error = start, end, ""
    run.save(update_fields=["start", "end", "error"])
    booking.run = run
    booking.email_reminder = booking.email_reminder if email_reminder is None else email_reminder
    booking.save(update_fields=["email_reminder"])
    run.tasks.all().delete()
    _enqueue_tasks(booking, absolute)
    tell(run, _MOVED, places={"when": start}, public=False)
    return run


@transaction.atomic
def cancel_booking(booking: Booking) -> None:
    """Give the slot back. A run that never began goes with all its tasks; one that did keeps what it has."""
    Vehicle.reserve()
    run = RunResult.objects.select_for_update().filter(pk=booking.run_id).first()
    if run is None:
        return
    if run.post_began_at is None and not run.error:
        run.delete()
        return
    if run.posted_at is None and not run.error:
        RunResult.objects.filter(pk=run.pk).update(error=_TAKEN_BACK)
    Booking.objects.filter(pk=booking.pk).delete()


def _enqueue_tasks(booking: Booking, absolute: Callable[[str], str]) -> None:
    """Enqueue the reminder, if one was asked for and its moment is still to come, the POST and the mail at the end."""
    run, number = booking.run, booking.related_experiment_id
    remind_at = booking.remind_at()
    if remind_at and remind_at > timezone.now():
        tasks.enqueue_for(run, tasks.send_experiment_reminder, number, due=remind_at)
    tasks.enqueue_for(run, tasks.send_experiment_json, number, due=run.post_at())
    url = absolute(run.get_results_url())
    tasks.enqueue_for(run, tasks.send_complete_mail, number, url, due=run.end + span("MAIL_DELAY"))
