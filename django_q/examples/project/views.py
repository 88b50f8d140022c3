"""The home page: buttons that enqueue a call, and what became of the last ones."""

from collections.abc import Callable
from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from django_q.examples.experimenteditor.progress import Step, look
from django_q.tasks import async_task

REMEMBERED = 12

# The name of a button, what it says, and what it does.
BUTTONS: dict[str, tuple[str, Callable[[], str]]] = {
    "copysign": ("math.copysign(2, -2)", partial(async_task, "math.copysign", 2, -2)),
    "hook": ("math.modf(2.5), then a hook", partial(async_task, "math.modf", 2.5, hook="hooks.print_result")),
    "slow": ("time.sleep(5)", partial(async_task, "time.sleep", 5)),
    "failing": ("math.sqrt(-1)", partial(async_task, "math.sqrt", -1)),
}


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the buttons and the last tasks."""
    buttons = [(name, label) for name, (label, _) in BUTTONS.items()]
    return render(request, "project/home.html", {"buttons": buttons, "steps": _steps(request)})


@login_required
def task_states(request: HttpRequest) -> HttpResponse:
    """Return the part of the home page that changes."""
    return render(request, "experimenteditor/steps.html", {"steps": _steps(request)})


@require_POST
@login_required
def enqueue(request: HttpRequest, name: str) -> HttpResponse:
    """Do what a button says and remember the id of the task."""
    if name not in BUTTONS:
        raise Http404(f"There is no button {name!r}.")
    label, call = BUTTONS[name]
    request.session["tasks"] = [[call(), label], *request.session.get("tasks", [])][:REMEMBERED]
    return redirect("home")


def _steps(request: HttpRequest) -> list[Step]:
    return look([(task_id, label, None) for task_id, label in request.session.get("tasks", [])])
