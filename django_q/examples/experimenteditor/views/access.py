"""Who may see what: users see what is theirs, with the times of their place."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from django_q.examples.experimenteditor.models import Booking, Experiment, RunResult
from django_q.examples.experimenteditor.words import times_for


class UserRequest(HttpRequest):
    """What ``login_required`` lets through."""

    user: User


def member(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let in who has logged in, and read and show all times in his time zone."""

    @login_required
    @wraps(view)
    def with_times(request: UserRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with times_for(request.user):
            return view(request, *args, **kwargs)

    return with_times


def my_experiment(request: UserRequest, exp_pk: int) -> Experiment:
    """Return an experiment of this user, or answer 404."""
    return get_object_or_404(Experiment, exp_pk=exp_pk, created_by=request.user)


def my_booking(request: UserRequest, exp_pk: int) -> Booking:
    """Return the booking of an experiment of this user, or answer 404."""
    rows = Booking.objects.select_related("related_experiment", "run__experiment__created_by")
    return get_object_or_404(rows, related_experiment=exp_pk, related_experiment__created_by=request.user)


def my_run(request: UserRequest, pk: int) -> RunResult:
    """Return a run of this user, or answer 404."""
    return get_object_or_404(RunResult.objects.select_related("experiment"), pk=pk, experiment__created_by=request.user)
