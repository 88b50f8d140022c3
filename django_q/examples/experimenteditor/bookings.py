"""Booking the vehicle: the slot, the run that will fill it, and the tasks that make it happen."""

from collections.abc import Callable
from datetime import datetime

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from django_q.examples.experimenteditor import notify, tasks
from django_q.examples.experimenteditor.models import Booking, Experiment, ObservableQuantity, RunResult
from django_q.examples.experimenteditor.options import span


def earliest_start() -> datetime:
    """Return the start of a slot whose experiment can be sent right away."""
    return timezone.now() + span("LEAD")


def queue_up() -> None:
    """Wait until nobody else is booking, so that two cannot find the same slot free; until the transaction ends."""
    # The row that stands for all runs is the lock. It is written to, and nothing is read before: SQLite waits for a
    # transaction that begins by writing, and refuses the write of one that began by reading.
    runs = ContentType.objects.filter(app_label=RunResult._meta.app_label, model=RunResult._meta.model_name)
    runs.update(model=F("model"))


def check_slot(experiment: Experiment, start: datetime, end: datetime) -> None:
    """Raise ValidationError if the experiment cannot have this slot."""
    if Booking.objects.filter(related_experiment=experiment).exists():
        raise ValidationError(f"{str(experiment)!r} is booked already. Cancel that booking first.")
    if end <= start:
        raise ValidationError("The slot ends before it starts. Choose a later end.")
    if end - start > span("LONGEST_SLOT"):
        raise ValidationError(f"The slot is longer than {span('LONGEST_SLOT')}. Choose an earlier end.")
    other = RunResult.objects.in_the_way_of(start, end).order_by("start").last()
    if other:
        free = timezone.localtime(other.end + span("MARGIN") + span("LEAD"))
        raise ValidationError(f"The vehicle is busy then. It is free again after {free:%Y-%m-%d %H:%M:%S}.")


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

    ``absolute`` turns the path of a page into an address that works in a mail.
    """
    queue_up()
    check_slot(experiment, start, end)
    run = RunResult.objects.create(experiment=experiment, start=start, end=end)
    booking = Booking.objects.create(related_experiment=experiment, run=run, email_reminder=email_reminder)
    for choice in experiment.quantities.filter(related_run=None):
        ObservableQuantity.objects.create(related_experiment=experiment, related_run=run, name=choice.name)
    enqueue_reminder(booking)
    tasks.enqueue_for(run, tasks.send_experiment_json, experiment.exp_pk, due=run.post_at())
    url = absolute(run.get_results_url())
    tasks.enqueue_for(run, tasks.send_complete_mail, experiment.exp_pk, url, due=end + span("MAIL_DELAY"))
    Experiment.objects.filter(pk=experiment.pk).update(is_scheduled=True)
    when = timezone.localtime(start)
    notify.send(
        experiment,
        recipient=experiment.created_by,
        verb=f"was just scheduled for {when:%Y-%m-%d %H:%M:%S}",
        action_object=run,
        public=False,
    )
    return run


def enqueue_reminder(booking: Booking) -> None:
    """Enqueue the reminder if one was asked for and its moment is still to come."""
    due = booking.remind_at()
    if due and due > timezone.now():
        tasks.enqueue_for(booking.run, tasks.send_experiment_reminder, booking.related_experiment_id, due=due)


@transaction.atomic
def cancel_booking(booking: Booking) -> None:
    """Give the slot back. A run that never began goes with all its tasks; one that did keeps what it has."""
    queue_up()
    if booking.run.posted_at is None:
        booking.run.delete()
    booking.release()
