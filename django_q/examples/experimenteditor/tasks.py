"""The tasks of an experiment: remind, post, collect the results, tell that they are there."""

from datetime import datetime
from typing import Any

import arrow
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation

from django_q.contrib.background import background
from django_q.examples.experimenteditor import notify, wire
from django_q.examples.experimenteditor.models import Booking, Experiment, RunResult, RunTask
from django_q.examples.experimenteditor.options import option, span
from django_q.models import OrmQ
from django_q.tasks import current_task

# Each of these can be set in settings.EXPERIMENTEDITOR, under the same name.
remindermessage = """\
Hello,

your experiment starts {start_humanized} and ends {end_humanized}.
"""
expfinishedmessage = """\
Hello,

your experiment {title} has finished. Its results are at

{link}
"""
ENGINEBEAGLEBONEIP = "http://127.0.0.1:8022/api/postexperiment/"
LOGGERIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/plotdata/axlebasedvehiclespeed/"
GOVIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/plotdata/govspeed/"
FULLLOGIP = "http://127.0.0.1:8022/log/api/getExperiment/{expname}/{chunkidx}/"


@background
def send_experiment_reminder(experimentid: int) -> str:
    """Remind the owner of an experiment by mail of the time it is booked for, unless the plan has changed."""
    booking = _booking_of(experimentid)
    if booking is None:
        return f"Experiment {experimentid} is not booked: no reminder."
    run, due, now = booking.run, booking.remind_at(), timezone.now()
    if due is None or now > run.start or now < due - span("REMINDER_TOLERANCE"):
        return f"{run} was planned anew: no reminder now."
    body = option("remindermessage", remindermessage).format(
        start_humanized=humanize(run.start), end_humanized=humanize(run.end)
    )
    return _mail(booking.related_experiment, "Experiment Reminder", body)


@background
def send_experiment_json(experimentid: int) -> str:
    """POST an experiment to the engine, once, and enqueue the collection of its results."""
    booking = _booking_of(experimentid)
    if booking is None:
        return f"Experiment {experimentid} is not booked: nothing was posted."
    run = booking.run
    if run.posted_at is None:
        try:
            wire.post_experiment(option("ENGINEBEAGLEBONEIP", ENGINEBEAGLEBONEIP), run)
        except wire.DeviceError as error:
            return _post_again_or_give_up(booking, error)
        # From here on, whatever happens, no other attempt posts.
        run.mark_posted()
    return _follow_up(run)


@background
def make_experiment_available(experimentid: int, runid: int) -> str:
    """GET the chosen data series and the log of an experiment that has run, and store them in the RunResult."""
    runs = RunResult.objects.select_related("experiment__created_by").defer("log")  # it can be large
    run = runs.filter(pk=runid, experiment=experimentid).first()
    if run is None:
        return f"Experiment {experimentid} has no run {runid}: nothing to collect."
    if run.is_complete:
        return f"The results of {run} are there already."
    try:
        # Reading the log destroys what the plots are made from, so that they come first.
        _fetch_plots(run)
        _fetch_log(run)
    except wire.DeviceError as error:
        return _fetch_again_or_give_up(run, error)
    return f"The results of {run} are stored."


@background
def send_complete_mail(experimentid: int, resultsurl: str) -> str:
    """Tell the owner by mail that an experiment has finished and where its results are."""
    experiment = Experiment.objects.select_related("created_by").filter(pk=experimentid).first()
    if experiment is None:
        return f"Experiment {experimentid} is gone: no mail."
    if _was_put_off():
        return f"A later task sends the mail about {str(experiment)!r}."
    late = _run_to_be_posted(experiment)  # asked first: a run is marked before its task leaves the queue
    if not experiment.runs.filter(end__lte=timezone.now(), posted_at__isnull=False).exists():
        if late is None:
            return f"{str(experiment)!r} has not run: no mail."
        due = timezone.now() + span("RETRY_DELAY")
        enqueue_for(late, send_complete_mail, experimentid, resultsurl, due=due)
        return f"{late} has not been posted yet: the mail will be later."
    link = resultsurl if "://" in resultsurl else f"http://{resultsurl}"
    body = option("expfinishedmessage", expfinishedmessage).format(title=experiment.experiment_title, link=link)
    return _mail(experiment, f"Results Available For {experiment.experiment_title}", body)


@transaction.atomic
def enqueue_for(run: RunResult, task: Any, *args: Any, due: datetime) -> None:
    """Enqueue a task and remember that it belongs to a run."""
    RunTask.objects.create(run=run, name=task.__name__, due=due, task_id=task(*args, schedule=due))


def humanize(moment: datetime) -> str:
    """Return a moment as people say it, in the current language if arrow knows it."""
    try:
        return arrow.get(moment).humanize(locale=translation.get_language() or "en")
    except ValueError:
        return arrow.get(moment).humanize()


# --- mail ----------------------------------------------------------------------------------------------------------


def _booking_of(experimentid: int) -> Booking | None:
    rows = Booking.objects.select_related("run__experiment", "related_experiment__created_by")
    return rows.filter(related_experiment=experimentid).first()


def _run_to_be_posted(experiment: Experiment) -> RunResult | None:
    """Return the booked run whose POST is late, as after an outage of all clusters, but still in the queue."""
    run = RunResult.objects.filter(booking__related_experiment=experiment, posted_at=None).first()
    posts = run.tasks.filter(name="send_experiment_json").values_list("task_id", flat=True) if run else []
    return run if OrmQ.objects.filter(pk__in=list(posts)).exists() else None


def _was_put_off() -> bool:
    """Has this task enqueued another one in its place before its worker died?"""
    task = current_task()
    own = RunTask.objects.filter(task_id=task.id).first() if task else None
    return own is not None and RunTask.objects.filter(run=own.run_id, name=own.name, pk__gt=own.pk).exists()


def _mail(experiment: Experiment, subject: str, body: str) -> str:
    owner = experiment.created_by
    if not owner.email:
        return f"{owner} has no address: no mail."
    # A title may hold a line break, a subject must not.
    send_mail(" ".join(subject.split()), body, None, [owner.email])
    return f"Mail to {owner.email}."


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
    verb = f"has been started and will be available at {timezone.localtime(due):%Y-%m-%d %H:%M:%S}"
    notify.send(run.experiment, recipient=run.experiment.created_by, verb=verb, action_object=run)
    return f"{run} was posted."


def _post_again_or_give_up(booking: Booking, error: wire.DeviceError) -> str:
    run, next_try = booking.run, timezone.now() + span("RETRY_DELAY")
    if error.may_recover and next_try < run.start:
        enqueue_for(run, send_experiment_json, run.experiment_id, due=next_try)
        return f"{error} Will be tried again."
    return _fail_to_start(booking, error)


@transaction.atomic
def _fail_to_start(booking: Booking, error: wire.DeviceError) -> str:
    """Tell the owner that the engine did not take the experiment, and free the slot."""
    run = booking.run
    RunResult.objects.filter(pk=run.pk).update(error=str(error))
    run.tasks.filter(name="send_complete_mail").delete()
    booking.release()
    notify.send(
        run.experiment,
        recipient=run.experiment.created_by,
        verb=f"failed to start. Please reschedule the experiment. {_code(error)}".rstrip(),
        action_object=run,
        level="error",
        description=str(error),
    )
    return f"{run} failed to start: {error}"


# --- collect -------------------------------------------------------------------------------------------------------


def _fetch_plots(run: RunResult) -> None:
    """Store every series that can be had; raise the first error afterwards."""
    errors = []
    for quantity in run.quantities.filter(fetched_at=None):
        try:
            quantity.store(*wire.get_plot(_series_url(quantity.name, run)))
        except wire.DeviceError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _series_url(series: str, run: RunResult) -> str:
    urls = {"axlebasedvehiclespeed": option("LOGGERIP", LOGGERIP), "govspeed": option("GOVIP", GOVIP)}
    return urls[series].format(expname=run.experiment.slugify_name())


def _fetch_log(run: RunResult) -> None:
    """Store the log part by part, from the part at which an earlier attempt stopped."""
    url, has_more = option("FULLLOGIP", FULLLOGIP), True
    while has_more:
        text, has_more = wire.get_log_chunk(url.format(expname=run.experiment.slugify_name(), chunkidx=run.next_chunk))
        with transaction.atomic():
            if not run.append_log(text, last=not has_more):
                return  # another process is at it
            if not has_more:
                _conclude(run)


def _conclude(run: RunResult) -> None:
    """End a run whose results are all stored, and tell its owner."""
    RunResult.objects.filter(pk=run.pk).update(error="")
    for booking in Booking.objects.filter(run=run):
        booking.release()
    notify.send(
        run.experiment,
        recipient=run.experiment.created_by,
        verb="is now available!",
        action_object=run,
        level="success",
    )


def _fetch_again_or_give_up(run: RunResult, error: wire.DeviceError) -> str:
    """Try again later, ever more rarely; tell the owner at the first error and at the last."""
    run.fetch_tries += 1
    is_last = run.fetch_tries >= option("FETCH_TRIES")
    with transaction.atomic():
        run.error = str(error) if is_last else ""
        run.save(update_fields=["fetch_tries", "error"])
        if not is_last:
            due = timezone.now() + span("RETRY_DELAY") * 2 ** (run.fetch_tries - 1)
            enqueue_for(run, make_experiment_available, run.experiment_id, run.pk, due=due)
        if is_last or run.fetch_tries == 1:
            _tell_about_missing_data(run, error, is_last=is_last)
    return f"{error} {'No more tries.' if is_last else 'Will be tried again.'}"


def _tell_about_missing_data(run: RunResult, error: wire.DeviceError, *, is_last: bool) -> None:
    notify.send(
        run.experiment,
        recipient=run.experiment.created_by,
        verb=f"had an error with plot data retrieval. {_code(error)}".rstrip(),
        action_object=run,
        level="error",
        description="Its page has a button to try again." if is_last else "It will be tried again.",
    )


def _code(error: wire.DeviceError) -> str:
    return f"(Error Code: {error.code})" if error.code else ""
