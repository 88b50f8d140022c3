"""Pages about what is to be tried out: the experiments, their commands, what their results will show."""

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render

from django_q.examples.experimenteditor.forms import Commands, ExperimentForm, VisualizeForm
from django_q.examples.experimenteditor.models import Booking, Experiment, ObservableQuantity
from django_q.examples.experimenteditor.views.access import UserRequest, member, my_experiment


class TooLong(Exception):
    """The commands do not fit into the slot that is booked for them."""


@member
def experiments(request: UserRequest) -> HttpResponse:
    """List the user's experiments."""
    mine = Experiment.objects.filter(created_by=request.user).select_related("booking__run")
    return render(request, "experimenteditor/experiments.html", {"experiments": mine})


@member
def edit(request: UserRequest, exp_pk: int | None = None) -> HttpResponse:
    """Write an experiment: its title and its commands of all kinds."""
    experiment = my_experiment(request, exp_pk) if exp_pk else Experiment(created_by=request.user)
    title = experiment.experiment_title
    form = ExperimentForm(request.POST or None, instance=experiment)
    commands = Commands(request.POST or None, experiment)
    # Not `and`: what is wrong with the title is shown beside what is wrong with the commands.
    if request.method == "POST" and all([form.is_valid(), commands.is_valid()]):
        try:
            _save(form, commands, experiment)
            return redirect(experiment)
        except TooLong as error:
            form.add_error(None, str(error))
    context = {"form": form, "commands": commands, "experiment": experiment, "title": title, "exp_pk": exp_pk}
    return render(request, "experimenteditor/edit.html", context)


@member
def experiment(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Show an experiment: what it does, what it will show, and its runs."""
    found = my_experiment(request, exp_pk)
    context = {
        "experiment": found,
        "commands": found.get_all_commands_list(),
        "booking": Booking.objects.filter(related_experiment=found).select_related("run").first(),
        "chosen": found.quantities.filter(related_run=None),
        "runs": found.runs.all()[:20],
    }
    return render(request, "experimenteditor/experiment.html", context)


@member
def visualize(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Choose the data series that the results will show."""
    found = my_experiment(request, exp_pk)
    chosen = list(found.quantities.filter(related_run=None).values_list("name", flat=True))
    form = VisualizeForm(request.POST or None, initial={"series": chosen})
    if request.method == "POST" and form.is_valid():
        _choose(found, form.cleaned_data["series"])
        return redirect(found)
    return render(request, "experimenteditor/visualize.html", {"experiment": found, "form": form})


@member
def delete(request: UserRequest, exp_pk: int) -> HttpResponse:
    """Ask, and delete an experiment with its booking, its tasks and its results."""
    found = my_experiment(request, exp_pk)
    if request.method == "POST":
        found.delete()
        return redirect("experimenteditor:experiments")
    return render(request, "experimenteditor/delete.html", {"experiment": found, "runs": found.runs.count()})


@transaction.atomic
def _save(form: ExperimentForm, commands: Commands, experiment: Experiment) -> None:
    is_new = experiment.pk is None
    form.save()
    commands.save()
    if is_new:
        _choose(experiment, ["axlebasedvehiclespeed"])
    booking = Booking.objects.filter(related_experiment=experiment, run__posted_at=None).select_related("run").first()
    if booking and experiment.length() > booking.run.end - booking.run.start:
        length = experiment.length().total_seconds()
        raise TooLong(f"The commands take {length:g} seconds, which is longer than the slot. Move the booking first.")


@transaction.atomic
def _choose(experiment: Experiment, series: list[str]) -> None:
    experiment.quantities.filter(related_run=None).delete()
    for name in series:
        ObservableQuantity.objects.create(related_experiment=experiment, name=name)
