"""The pages of the editor."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.forms import BookingForm, CommandFormSet, ExperimentForm, VisualizeForm
from django_q.examples.experimenteditor.models import Booking, Experiment, Notification, ObservableQuantity, RunResult
from django_q.examples.experimenteditor.plots import plot_of
from django_q.examples.experimenteditor.progress import steps_of

LINES_PER_PAGE = 200


class UserRequest(HttpRequest):
    """What ``login_required`` lets through."""

    user: User


@login_required
def experiments(request: UserRequest) -> HttpResponse:
    """List the user's experiments and what is new about them."""
    mine = Experiment.objects.filter(created_by=request.user).select_related("booking__run")
    news = Notification.objects.filter(recipient=request.user, unread=True)[:10]
    return render(request, "experimenteditor/experiments.html", {"experiments": mine, "news": news})


@require_POST
@login_required
def read_news(request: UserRequest) -> HttpResponse:
    """Put the notifications away."""
    Notification.objects.filter(recipient=request.user, unread=True).update(unread=False)
    return redirect("experimenteditor:experiments")


@login_required
def edit(request: UserRequest, exp_pk: int | None = None) -> HttpResponse:
    """Write an experiment: its title and its commands."""
    experiment = _mine(request, exp_pk) if exp_pk else Experiment(created_by=request.user)
    form = ExperimentForm(request.POST or None, instance=experiment)
    commands = CommandFormSet(request.POST or None, instance=experiment)
    if request.method == "POST" and form.is_valid() and commands.is_valid():
        with transaction.atomic():
            form.save()
            commands.save()
            if not exp_pk:
                _choose(experiment, ["axlebasedvehiclespeed"])
        return redirect(experiment)
    return render(request, "experimenteditor/edit.html", {"form": form, "commands": commands, "experiment": experiment})


@login_required
def experiment(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Show an experiment: what it does, what it will show, and its runs."""
    found = _mine(request, exp_pk)
    booking = Booking.objects.filter(related_experiment=found).select_related("run").first()
    chosen = found.quantities.filter(related_run=None)
    context = {"experiment": found, "booking": booking, "chosen": chosen, "runs": found.runs.defer("log")[:20]}
    return render(request, "experimenteditor/experiment.html", context)


@login_required
def visualize(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Choose the data series that the results will show."""
    found = _mine(request, exp_pk)
    chosen = list(found.quantities.filter(related_run=None).values_list("name", flat=True))
    form = VisualizeForm(request.POST or None, initial={"series": chosen})
    if request.method == "POST" and form.is_valid():
        _choose(found, form.cleaned_data["series"])
        return redirect(found)
    return render(request, "experimenteditor/visualize.html", {"experiment": found, "form": form})


@login_required
def book(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Book a slot; go on to the run that it makes."""
    found = _mine(request, exp_pk)
    form = BookingForm(request.POST or None, experiment=found)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            run = bookings.book(
                found,
                chosen["start"],
                chosen["end"],
                email_reminder=chosen["email_reminder"],
                absolute=request.build_absolute_uri,
            )
            return redirect(run)
        except ValidationError as error:  # somebody was faster
            form.add_error(None, error)
    context = {"experiment": found, "form": form, "length": found.length().total_seconds()}
    return render(request, "experimenteditor/book.html", context)


@require_POST
@login_required
def cancel(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Give a slot back."""
    found = _mine(request, exp_pk)
    bookings.cancel_booking(get_object_or_404(Booking.objects.select_related("run"), related_experiment=found))
    return redirect(found)


@login_required
def run(request: UserRequest, pk: int) -> HttpResponse:
    """Show where the tasks of a run are, as it goes on."""
    return render(request, "experimenteditor/run.html", _run_context(request, pk))


@login_required
def run_state(request: UserRequest, pk: int) -> HttpResponse:
    """Return the part of the run's page that changes."""
    return render(request, "experimenteditor/run_state.html", _run_context(request, pk))


@require_POST
@login_required
def fetch_again(request: UserRequest, pk: int) -> HttpResponse:
    """Ask once more for results that could not be had."""
    found = _my_run(request, pk)
    with transaction.atomic():
        RunResult.objects.filter(pk=pk).update(error="", fetch_tries=0)
        tasks.enqueue_for(found, tasks.make_experiment_available, found.experiment_id, found.pk, due=timezone.now())
    return redirect(found)


@login_required
def results(request: UserRequest, pk: int) -> HttpResponse:
    """Show the plots and a page of the log of a run."""
    found = _my_run(request, pk)
    plots = [(quantity, plot_of(quantity)) for quantity in found.quantities.all()]
    lines = Paginator(found.log.splitlines(), LINES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "experimenteditor/results.html", {"run": found, "plots": plots, "lines": lines})


def _mine(request: UserRequest, exp_pk: int) -> Experiment:
    return get_object_or_404(Experiment, exp_pk=exp_pk, created_by=request.user)


def _my_run(request: UserRequest, pk: int) -> RunResult:
    runs = RunResult.objects.select_related("experiment").defer("log")
    return get_object_or_404(runs, pk=pk, experiment__created_by=request.user)


def _run_context(request: UserRequest, pk: int) -> dict[str, object]:
    found = _my_run(request, pk)
    steps = steps_of(found)
    is_final = found.is_over and all(step.is_over for step in steps)
    can_fetch = bool(found.error and found.posted_at)
    return {"run": found, "steps": steps, "is_final": is_final, "can_fetch": can_fetch}


@transaction.atomic
def _choose(experiment: Experiment, series: list[str]) -> None:
    experiment.quantities.filter(related_run=None).delete()
    for name in series:
        ObservableQuantity.objects.create(related_experiment=experiment, name=name)
