"""Pages about runs: how far one is, and what it brought."""

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from django_q.examples.experimenteditor import tasks
from django_q.examples.experimenteditor.models import RunResult
from django_q.examples.experimenteditor.plots import lines_of, plot_of, texts_of
from django_q.examples.experimenteditor.progress import stages_of, steps_of
from django_q.examples.experimenteditor.views.access import UserRequest, member, my_run


@member
def run(request: UserRequest, pk: int) -> HttpResponse:
    """Show where the tasks of a run are, as it goes on."""
    return render(request, "experimenteditor/run.html", _context(request, pk))


@member
def run_state(request: UserRequest, pk: int) -> HttpResponse:
    """Return the part of the run's page that changes."""
    return render(request, "experimenteditor/run_state.html", _context(request, pk))


@require_POST
@member
def fetch_again(request: UserRequest, pk: int) -> HttpResponse:
    """Ask once more for results that could not be had."""
    found = my_run(request, pk)
    with transaction.atomic():
        # Two clicks enqueue one task.
        if RunResult.objects.filter(pk=pk, posted_at__isnull=False).exclude(error="").update(error="", fetch_tries=0):
            tasks.enqueue_for(found, tasks.make_experiment_available, found.experiment_id, found.pk, due=timezone.now())
    return redirect(found)


@member
def results(request: UserRequest, pk: int) -> HttpResponse:
    """Show the data series and a page of the log of a run; no more than that is read from the database."""
    found = my_run(request, pk)
    series = [
        (quantity, plot_of(quantity), [] if quantity.plottable else texts_of(quantity))
        for quantity in found.quantities.all()
    ]
    number, last = _page_number(request, found), _last_page(found)
    page = found.pages.filter(number=min(number, last)).first()
    lines = lines_of(page.text) if page else []
    context = {"run": found, "series": series, "page": page, "lines": lines, "last": last}
    return render(request, "experimenteditor/results.html", context)


def _page_number(request: UserRequest, run: RunResult) -> int:
    text = request.GET.get("page", "1")
    if text == "last":
        return _last_page(run)
    if not text.isdecimal() or not 1 <= int(text) < 2**31:
        raise Http404(f"There is no page {text!r}.")
    return int(text)


def _last_page(run: RunResult) -> int:
    newest = run.pages.order_by("-number").values_list("number", flat=True).first()
    return newest or 0


def _context(request: UserRequest, pk: int) -> dict[str, object]:
    found = my_run(request, pk)
    steps = steps_of(found)
    return {
        "run": found,
        "steps": steps,
        "stages": stages_of(found),
        "is_final": found.is_over and all(step.is_over for step in steps),
        "can_fetch": bool(found.error and found.posted_at),
    }
