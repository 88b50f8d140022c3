"""The tasks of an experiment: remind, post, collect the results, tell that they are there.

Each may run more than once: a worker can be killed after a task has done its work and before that was recorded, and
then another worker runs it again. So each notes what it has done in a statement of its own, right after doing it, and
looks there first. What is left is the moment between the deed and the note; what that means is said at each task.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from django_q import current_task
from django_q.contrib.background import background
from django_q.examples.experimenteditor import owners, wire
from django_q.examples.experimenteditor.models import SERIES, Booking, Experiment, RunResult, RunTask
from django_q.examples.experimenteditor.options import option, span
from django_q.models import OrmQ

# Each of these can be set in settings.EXPERIMENTEDITOR, under the same name; the texts are looked up in catalogues.
remindermessage = gettext_noop("""\
Hello,

your experiment {title} starts {start_humanized} and ends {end_humanized}.

Start: {start}
End: {end}
""")
expfinishedmessage = gettext_noop("""\
Hello,

your experiment {title} has finished. Its results are at

{link}
""")
ENGINEBEAGLEBONEIP = "http://127.0.0.1:8022/api/postexperiment/"
LOGGERIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/plotdata/axlebasedvehiclespeed/"
GOVIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/plotdata/govspeed/"
VINIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/plotdata/vin/"
FULLLOGIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/{chunkidx}/"

_STARTED = gettext_noop("has been started and will be available at %(when)s")
_NOT_STARTED = gettext_noop("failed to start. Please reschedule the experiment. %(code)s")
_INCOMPLETE = gettext_noop("had an error with plot data retrieval. %(code)s")
_AVAILABLE = gettext_noop("is now available!")
_AGAIN = gettext_noop("It will be tried again. %(error)s")
_NO_MORE = gettext_noop("What could be had is stored. Its page has a button to try again. %(error)s")


class Overtaken(Exception):
    """Another process is at the same work."""


@background
def send_experiment_reminder(experimentid: int) -> str:
    """Remind the owner of an experiment by mail of the time it is booked for, unless the plan has changed.

    At least once: who is killed between the mail server's consent and the note about it sends the mail again, with the
    same Message-ID.
    """
    booking = _booking_of(experimentid)
    if booking is None:
        return f"Experiment {experimentid} is not booked: no reminder."
    run, due, now = booking.run, booking.remind_at(), timezone.now()
    if due is None or now > run.start or now < due - span("CLOCK_TOLERANCE"):
        return f"{run} was planned anew: no reminder now."
    if run.reminded_of == run.start:
        return f"The reminder of {run} was sent before."
    text, key = option("remindermessage", remindermessage), f"reminder {run.pk} {run.start.timestamp()}"
    subject = gettext_noop("Experiment Reminder")
    said = owners.mail(run.experiment, subject, text, key=key, start=run.start, end=run.end)
    RunResult.objects.filter(pk=run.pk).update(reminded_of=run.start)
    return said


@background
def send_experiment_json(experimentid: int) -> str:
    """POST an experiment to the engine, once, and enqueue the collection of its results.

    An answer that was lost, or a worker that was killed before it noted the answer, leaves open whether the engine has
    the experiment. Then the POST is repeated with the same Idempotency-Key, and the engine must take it for the first
    one. For an engine that knows no keys set ENGINE_KNOWS_KEYS to False: then it is not repeated, and the owner is told
    that nobody knows. A clear no (a status of 5xx, no connection) is tried again until the slot begins, in any case.
    """
    booking = _booking_of(experimentid)
    if booking is None:
        return f"Experiment {experimentid} is not booked: nothing was posted."
    run, now = booking.run, timezone.now()
    if run.posted_at is not None:
        return _follow_up(run)
    if now >= run.end and run.post_began_at is not None:
        # Whoever posted was killed before the answer came. It is too late to ask the engine: the logger will know.
        run.mark_posted()
        return _follow_up(run)
    if now >= run.end:
        return _fail_to_start(booking, wire.DeviceError("The slot was over before it was posted.", may_recover=False))
    if now < run.post_at() - span("CLOCK_TOLERANCE"):
        return f"{run} was planned anew: nothing was posted now."
    if run.post_began_at is not None and not option("ENGINE_KNOWS_KEYS"):
        return _fail_to_start(booking, _nobody_knows())
    if not run.begin_post():
        return f"{run} was planned anew: nothing was posted."
    try:
        wire.post_experiment(option("ENGINEBEAGLEBONEIP", ENGINEBEAGLEBONEIP), run)
    except wire.DeviceError as error:
        return _post_again_or_give_up(booking, error)
    # From here on, whatever happens, no other attempt posts.
    run.mark_posted()
    return _follow_up(run)


@background
def make_experiment_available(experimentid: int, runid: int) -> str:
    """GET the chosen data series and the log of an experiment that has run, and store them with the RunResult.

    The log is read part by part, and each part is stored before the next one is asked for; an attempt goes on where the
    one before it stopped. A logger destroys what it hands out, and a worker may be killed between the answer and the
    commit, so this relies on one thing: the part that was handed out last is handed out again. A logger that answers
    with an error instead makes the run end, when the tries are over, with that error and with all parts before. One
    that would answer with the next part, so that lines were lost unseen, needs LOGGER_REPEATS = False: then a part is
    never asked for twice, and the run ends at once, with all parts before. No logger keeps this going for ever: an
    empty part that promises another ends it, and so do more than MOST_PARTS.
    """
    run = RunResult.objects.select_related("experiment__created_by").filter(pk=runid, experiment=experimentid).first()
    if run is None:
        return f"Experiment {experimentid} has no run {runid}: nothing to collect."
    if run.is_complete:
        return f"The results of {run} are there already."
    errors: list[wire.DeviceError] = _fetch_plots(run)
    try:
        # Reading the log destroys what the plots are made from: first it is tried to have all of them.
        if not _is_worth_a_try(run, errors):
            _fetch_log(run)
    except wire.DeviceError as error:
        errors.append(error)
    except Overtaken:
        return f"Another process collects the results of {run}."
    return _fetch_again_or_give_up(run, errors) if errors else _conclude(run)


@background
def send_complete_mail(experimentid: int, resultsurl: str) -> str:
    """Tell the owner by mail that an experiment has finished and where its results are.

    At least once, as the reminder: no mail server takes a mail and our note about it in one transaction.
    """
    experiment = Experiment.objects.select_related("created_by").filter(pk=experimentid).first()
    if experiment is None:
        return f"Experiment {experimentid} is gone: no mail."
    late = _run_to_be_posted(experiment)  # asked first: a run is marked before its task leaves the queue
    ended = experiment.runs.filter(end__lte=timezone.now() + span("CLOCK_TOLERANCE"), posted_at__isnull=False)
    run = ended.order_by("-start").first()
    if run is None and late is not None:
        due = timezone.now() + span("RETRY_DELAY")
        enqueue_for(late, send_complete_mail, experimentid, resultsurl, due=due)
        return f"It is not known yet whether {late} was posted: the mail will be later."
    if run is None:
        return f"{str(experiment)!r} has not run: no mail."
    if run.told_at is not None:
        return f"The mail about {run} was sent before."
    link = resultsurl if "://" in resultsurl else f"http://{resultsurl}"
    subject = gettext_noop("Results Available For {title}")
    text = option("expfinishedmessage", expfinishedmessage)
    said = owners.mail(experiment, subject, text, key=f"end {run.pk}", link=link, start=run.start, end=run.end)
    RunResult.objects.filter(pk=run.pk).update(told_at=timezone.now())
    return said


@transaction.atomic
def enqueue_for(run: RunResult, task: Any, *args: Any, due: datetime) -> None:
    """Enqueue a task and remember that it belongs to a run."""
    RunTask.objects.create(run=run, name=task.__name__, due=due, task_id=task(*args, schedule=due).pk)


def _run_to_be_posted(experiment: Experiment) -> RunResult | None:
    """Return the booked run whose POST is late, as after an outage of all clusters, but still in the queue."""
    run = RunResult.objects.filter(booking__related_experiment=experiment, posted_at=None).first()
    posts = run.tasks.filter(name="send_experiment_json").values_list("task_id", flat=True) if run else []
    return run if OrmQ.objects.filter(pk__in=list(posts)).exists() else None


def _booking_of(experimentid: int) -> Booking | None:
    rows = Booking.objects.select_related("run__experiment__created_by")
    return rows.filter(related_experiment=experimentid).first()


# --- post ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def _follow_up(run: RunResult) -> str:
    """Enqueue the collection of the results, unless an earlier attempt did."""
    # Other attempts wait here. It is a write, since SQLite refuses one to a transaction that began with an old read.
    RunResult.objects.filter(pk=run.pk).update(posted_at=F("posted_at"))
    if run.tasks.filter(name="make_experiment_available").exists():
        return f"{run} was posted before."
    due = run.end + span("FETCH_DELAY")
    enqueue_for(run, make_experiment_available, run.experiment_id, run.pk, due=due)
    owners.tell(run, _STARTED, places={"when": due})
    return f"{run} was posted."


def _nobody_knows() -> wire.DeviceError:
    said = "It is not known whether the engine took the experiment, and it must not get it twice."
    return wire.DeviceError(said, may_recover=False, may_have_arrived=True)


def _post_again_or_give_up(booking: Booking, error: wire.DeviceError) -> str:
    run, next_try = booking.run, timezone.now() + span("RETRY_DELAY")
    if not error.may_have_arrived:
        run.take_post_back()
    elif not option("ENGINE_KNOWS_KEYS"):
        error = _nobody_knows()
    if not error.may_recover or next_try >= run.start:
        return _fail_to_start(booking, error)
    running = current_task()
    others = run.tasks.filter(name="send_experiment_json", due__gt=timezone.now()).exclude(
        task_id=running.id if running else ""
    )
    # Who was killed right here, and is run again, may have enqueued the next try before.
    if not others.exists():
        enqueue_for(run, send_experiment_json, run.experiment_id, due=next_try)
    return f"{error} Will be tried again."


@transaction.atomic
def _fail_to_start(booking: Booking, error: wire.DeviceError) -> str:
    """Tell the owner, once, that the engine did not take the experiment, and free the slot."""
    run = booking.run
    if RunResult.objects.filter(pk=run.pk, error="").update(error=str(error)):
        run.tasks.filter(name="send_complete_mail").delete()
        booking.delete()
        places = {"code": _code(error), "error": str(error)}
        owners.tell(run, _NOT_STARTED, places=places, level="error", description="%(error)s")
    return f"{run} failed to start: {error}"


# --- collect -------------------------------------------------------------------------------------------------------


def _fetch_plots(run: RunResult) -> list[wire.DeviceError]:
    """Store every series that can be had; return what went wrong with the others."""
    errors = []
    for quantity in run.quantities.filter(fetched_at=None):
        get = wire.get_plot if quantity.plottable else wire.get_texts
        try:
            quantity.store(*get(_series_url(quantity.name, run)))
        except wire.DeviceError as error:
            errors.append(error)
    return errors


def _series_url(series: str, run: RunResult) -> str:
    key = SERIES[series].address
    usual = {"LOGGERIP": LOGGERIP, "GOVIP": GOVIP, "VINIP": VINIP}
    return str(option(key, usual[key])).format(expname=wire.name_of(run))


def _fetch_log(run: RunResult) -> None:
    """Store the log part by part, from the part at which an earlier attempt stopped."""
    url = option("FULLLOGIP", FULLLOGIP)
    while not run.log_is_complete:
        _check_part(run)
        run.ask_for_part()
        lines, has_more = wire.get_log_chunk(url.format(expname=wire.name_of(run), chunkidx=run.next_chunk))
        if not run.store_part(lines, last=not has_more):
            raise Overtaken


def _check_part(run: RunResult) -> None:
    """Raise DeviceError if the next part of the log cannot be asked for."""
    if run.next_chunk > option("MOST_PARTS"):
        said = f"The log has more than {option('MOST_PARTS')} parts; the rest was not read."
        raise wire.DeviceError(said, may_recover=False)
    if run.asked_chunk == run.next_chunk and not option("LOGGER_REPEATS"):
        said = f"Part {run.next_chunk} of the log was read but not stored, and the logger hands it out only once."
        raise wire.DeviceError(said, may_recover=False)


@transaction.atomic
def _conclude(run: RunResult) -> str:
    """End a run whose results are all stored, free its slot, and tell its owner, once."""
    if RunResult.objects.filter(pk=run.pk, is_complete=False).update(is_complete=True, error=""):
        for booking in Booking.objects.filter(run=run):
            booking.delete()
        owners.tell(run, _AVAILABLE, level="success")
    return f"The results of {run} are stored."


def _is_worth_a_try(run: RunResult, errors: Sequence[wire.DeviceError]) -> bool:
    """Decide whether what is missing may come with another try, and whether one is left."""
    return any(error.may_recover for error in errors) and run.fetch_tries + 1 < option("FETCH_TRIES")


def _fetch_again_or_give_up(run: RunResult, errors: Sequence[wire.DeviceError]) -> str:
    """Try again later, ever more rarely; tell the owner at the first error and at the last."""
    error, is_last = errors[0], not _is_worth_a_try(run, errors)
    run.fetch_tries += 1
    with transaction.atomic():
        RunResult.objects.filter(pk=run.pk).update(fetch_tries=run.fetch_tries, error=str(error) if is_last else "")
        if not is_last:
            due = timezone.now() + span("RETRY_DELAY") * 2 ** (run.fetch_tries - 1)
            enqueue_for(run, make_experiment_available, run.experiment_id, run.pk, due=due)
        if is_last or run.fetch_tries == 1:
            places = {"code": _code(error), "error": str(error)}
            owners.tell(run, _INCOMPLETE, places=places, level="error", description=_NO_MORE if is_last else _AGAIN)
    return f"{error} {'No more tries.' if is_last else 'Will be tried again.'}"


def _code(error: wire.DeviceError) -> str:
    return f"(Error Code: {error.code})" if error.code else ""
