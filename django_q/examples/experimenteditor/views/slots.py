"""Pages about the time of the vehicle: book it, change the plan, give it back."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from django_q.examples.experimenteditor import bookings
from django_q.examples.experimenteditor.forms import BookingForm
from django_q.examples.experimenteditor.models import RunResult
from django_q.examples.experimenteditor.views.access import UserRequest, member, my_booking, my_experiment


@member
def book(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Book a slot; go on to the run that it makes."""
    found = my_experiment(request, exp_pk)
    form = BookingForm(request.POST or None, experiment=found)
    run = _try(request, form, bookings.book, found)
    if run is not None:
        return redirect(run)
    context = {"experiment": found, "form": form, "length": found.length().total_seconds()}
    return render(request, "experimenteditor/book.html", context)


@member
def move(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Move a booking to another slot; go on to its run."""
    booking = my_booking(request, exp_pk)
    found, run = booking.related_experiment, booking.run
    # What the field shows is local time, to the second.
    initial = {
        "start": timezone.localtime(run.start),
        "end": timezone.localtime(run.end),
        "email_reminder": booking.email_reminder,
    }
    form = BookingForm(request.POST or None, experiment=found, instead_of=booking, initial=initial)
    moved = _try(request, form, bookings.move_booking, booking)
    if moved is not None:
        return redirect(moved)
    context = {"experiment": found, "form": form, "length": found.length().total_seconds(), "booking": booking}
    return render(request, "experimenteditor/book.html", context)


@require_POST
@member
def cancel(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Give a slot back."""
    bookings.cancel_booking(my_booking(request, exp_pk))
    return redirect("experimenteditor:experiment", exp_pk)


def _try(request: UserRequest, form: BookingForm, change: Any, what: Any) -> RunResult | None:
    """Change the plan as the form says; None if it says nothing, or if that cannot be."""
    if request.method != "POST" or not form.is_valid():
        return None
    chosen = form.cleaned_data
    try:
        return change(
            what,
            chosen["start"],
            chosen["end"],
            email_reminder=chosen["email_reminder"],
            absolute=request.build_absolute_uri,
        )
    except ValidationError as error:  # somebody was faster
        form.add_error(None, error)
        return None
