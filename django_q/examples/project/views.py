"""The page of buttons: each enqueues a call; what became of it, and what else goes on."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from django_q.examples.experimenteditor.progress import Step, look
from django_q.kernel.states import TaskKind
from django_q.models import OrmQ, Task
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
def buttons(request: HttpRequest) -> HttpResponse:
    """Show the buttons and the last tasks."""
    labels = [(name, label) for name, (label, _) in BUTTONS.items()]
    return render(request, "project/buttons.html", {"buttons": labels, **_tasks(request)})


@login_required
def task_states(request: HttpRequest) -> HttpResponse:
    """Return the part of the page of buttons that changes."""
    return render(request, "project/tasks.html", _tasks(request))


@require_POST
@login_required
def enqueue(request: HttpRequest, name: str) -> HttpResponse:
    """Do what a button says and remember the id of the task."""
    if name not in BUTTONS:
        raise Http404(f"There is no button {name!r}.")
    label, call = BUTTONS[name]
    request.session["tasks"] = [[call(), label], *request.session.get("tasks", [])][:REMEMBERED]
    return redirect("buttons")


def _tasks(request: HttpRequest) -> dict[str, list[Step]]:
    own = [(task_id, label, None) for task_id, label in request.session.get("tasks", [])]
    return {"steps": look(own), "latest": look(_latest(without={task_id for task_id, _, _ in own}))}


def _latest(without: set[str]) -> list[tuple[str, str, datetime | None]]:
    """Return the newest tasks of all, queued or ended: ids grow with the time at which they were enqueued."""
    queued = OrmQ.objects.filter(kind=TaskKind.TASK).order_by("-pk").values_list("pk", "func", "run_after")
    ended = Task.objects.order_by("-pk").values_list("pk", "func")
    found: dict[str, tuple[str, datetime | None]] = {pk: (func, None) for pk, func in ended[: 2 * REMEMBERED]}
    found |= {pk: (func, due) for pk, func, due in queued[: 2 * REMEMBERED]}
    newest = sorted(found.keys() - without, reverse=True)[:REMEMBERED]
    return [(pk, *found[pk]) for pk in newest]
