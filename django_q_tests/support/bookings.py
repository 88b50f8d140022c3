"""An experiment that is booked, posted, run and collected by real clusters, and what must be true when it is over."""

import json
import signal
import time
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from django_q.brokers import current_broker
from django_q.examples.experimenteditor import bookings
from django_q.examples.experimenteditor.models import (
    Booking,
    Experiment,
    Notification,
    ObservableQuantity,
    OneTimeSSSCommand,
    RunResult,
    RunTask,
)
from django_q.models import OrmQ, Task
from django_q_tests.support.clusters import ClusterProcess, Drill, send
from django_q_tests.support.gates import Gate
from django_q_tests.support.held import HeldLaboratory
from django_q_tests.support.smtp_sink import Sink
from django_q_tests.support.steps import Step

POST, COLLECT = "send_experiment_json", "make_experiment_available"
MAIL, REMIND = "send_complete_mail", "send_experiment_reminder"
ABOUT_THE_END = "Results Available For my first-test"
COMMANDS = [(0, "SetThrottle(1)", "80"), (0.2, "SetThrottle(1)", "0"), (0.4, "EndExperiment(0)", "")]
LENGTH = 0.5  # seconds in which the vehicle obeys them, and a little
SLOT = timedelta(seconds=60)  # more than any test takes: see end_slot()
LEAD = timedelta(seconds=10)
# Seconds.
WAITS = {
    "LEAD": LEAD.total_seconds(),
    "MARGIN": 0,
    "MAIL_DELAY": 0,
    "FETCH_DELAY": 0,
    "RETRY_DELAY": 0.2,
    "HTTP_TIMEOUT": 10,
}
NEWS = ["was just scheduled for", "has been started and will be available at", "is now available!"]


def options_for(url: str) -> dict[str, Any]:
    """Return settings.EXPERIMENTEDITOR for devices at an address, and an application in a hurry."""
    return {**addresses_at(url), "LEAD": LEAD.total_seconds(), **WAITS}


def addresses_at(url: str) -> dict[str, str]:
    """Return the settings that say where the devices are."""
    log = f"{url}log/api/getExperiment/{{expname}}/"
    return {
        "ENGINEBEAGLEBONEIP": f"{url}api/postexperiment/",
        "LOGGERIP": f"{log}plotdata/axlebasedvehiclespeed/",
        "GOVIP": f"{log}plotdata/govspeed/",
        "VINIP": f"{log}plotdata/vin/",
        "FULLLOGIP": f"{log}{{chunkidx}}/",
    }


def env_for(options: dict[str, Any], sink: Sink) -> dict[str, str]:
    """Return the environment of a cluster that runs experiments with these options."""
    return {
        "DJANGO_SETTINGS_MODULE": "django_q_tests.settings.laboratory",
        "DJANGO_Q_TEST_EXPERIMENTEDITOR": json.dumps(options),
        "DJANGO_Q_TEST_SMTP_PORT": str(sink.port),
    }


class Scene:
    """An experiment, its laboratory, its mail server, and the clusters that work for it."""

    def __init__(self, drill: Drill, laboratory: HeldLaboratory, sink: Sink, options: dict[str, Any]) -> None:
        self.drill = drill
        self.laboratory = laboratory
        self.sink = sink
        self.env = env_for(options, sink)
        self.experiment = write_experiment("ada")
        self.run: RunResult | None = None

    # Arrange ---------------------------------------------------------------------------------------------------------

    def start(self, step: Step | None = None, *, env: dict[str, str] | None = None, **cluster: Any) -> ClusterProcess:
        """Start a cluster, in which a task dies at a step if one is given."""
        return self.drill.start(env=self.env | (step.env() if step else {}) | (env or {}), **cluster)

    def book(
        self, *, ahead: timedelta = timedelta(0), lead: timedelta = LEAD, slot: timedelta = SLOT, **options: Any
    ) -> RunResult:
        """Book a slot whose experiment is to be posted now, or some time ahead."""
        start = timezone.now() + lead + ahead
        options["absolute"] = lambda path: f"http://testserver{path}"
        self.run = bookings.book(self.experiment, start, start + slot, **options)
        self.remember_tasks()
        return self.run

    # Act -------------------------------------------------------------------------------------------------------------

    def end_slot(self) -> None:
        """Let the slot end as soon as the vehicle has done everything, and what follows be due: no test waits."""
        self.drill.until(lambda: self.run.tasks.filter(name=COLLECT).exists())
        self.drill.until(self.has_driven)
        now = timezone.now()
        RunResult.objects.filter(pk=self.run.pk).update(start=now - timedelta(seconds=1), end=now)
        due = self.run.tasks.filter(name__in=[COLLECT, MAIL])
        OrmQ.objects.filter(pk__in=list(due.values_list("task_id", flat=True))).update(run_after=now)
        OrmQ.objects.promote()
        current_broker().announce(["default"])

    def kill_worker_of(self, task: str, *, at: Gate) -> None:
        """Kill the process in which a task runs when it stands at a gate."""
        at.until_somebody_waits()
        send(int(self.drill.lines(task)[-1]), signal.SIGKILL)
        at.open()

    def kill_cluster(self, *, at: Gate) -> None:
        """Kill the cluster, all its processes at once, when a task stands at a gate."""
        at.until_somebody_waits()
        self.drill.clusters[-1].kill_everything()
        at.open()

    # Watch -----------------------------------------------------------------------------------------------------------

    def attempts(self, task: str) -> int:
        return len(self.drill.lines(task))

    @property
    def deaths(self) -> list[str]:
        """The steps at which workers died."""
        return self.drill.lines("deaths")

    @property
    def paths(self) -> list[str]:
        """The ends of the paths that the devices were asked for, in their order."""
        return [line.split("/")[-2] for line in self.laboratory.requests]

    def until_over(self) -> None:
        """Wait for the end of everything that was enqueued for the run."""
        self.drill.until_empty()
        self.remember_tasks()

    def remember_tasks(self) -> None:
        """Let the drill know of all tasks of which the application knows; there may be no others."""
        self.drill.ids = list({*self.drill.ids, *RunTask.objects.values_list("task_id", flat=True)})

    # Judge -----------------------------------------------------------------------------------------------------------

    def went_right(self, *, mails: int = 1) -> None:
        """See that the experiment ran once, and that everything about it is there once."""
        self.until_over()
        (post,) = self.laboratory.posts
        assert post["Info"]["ExperimentName"] == self.experiment.slugify_name()
        run = RunResult.objects.get(pk=self.run.pk)
        assert (run.is_complete, run.error) == (True, "")
        assert log_of(run) == self.recorded_log()
        assert {each.name: (each.xdata, each.ydata) for each in run.quantities.all()} == self.recorded_series()
        assert not Booking.objects.exists()
        assert not Experiment.objects.get().is_scheduled
        self.was_told(NEWS)
        assert self.sink.subjects == [ABOUT_THE_END] * mails
        assert Task.objects.filter(success=False).count() == 0, self.drill.state()

    def was_told(self, verbs: list[str]) -> None:
        told = list(Notification.objects.order_by("pk").values_list("verb", flat=True))
        assert len(told) == len(verbs) and all(map(str.startswith, told, verbs)), told

    def has_driven(self) -> bool:
        """Has the vehicle obeyed its last command?"""
        began = self.laboratory.taken_at
        return began is not None and time.monotonic() > began + LENGTH

    def recorded_log(self) -> list[str]:
        """Return the lines that the logger handed out, from the first command to the last."""
        parts = self.laboratory.parts
        assert sorted(parts) == [1, 2, 3], parts
        lines = [f"{moment:.3f} {message.rstrip()}" for index in (1, 2, 3) for moment, message in parts[index]]
        assert "SetThrottle(80)" in lines[0] and "EndExperiment" in lines[-2], lines
        return lines

    def recorded_series(self) -> dict[str, tuple[list[float], list[float]]]:
        """Return the plots that the logger handed out."""
        series = self.laboratory.series.items()
        return {name: (list(map(float, one["x_values"])), one["y_values"]) for name, one in series}


def log_of(run: RunResult) -> list[str]:
    """Return the lines that the application stored."""
    return run.log.splitlines()


def write_experiment(owner: str) -> Experiment:
    """Write a short experiment with both data series, and its owner."""
    user = get_user_model().objects.create_user(owner, f"{owner}@example.com", "secret")
    experiment = Experiment.objects.create(created_by=user, experiment_title="my first-test")
    for delay, name, numbers in COMMANDS:
        OneTimeSSSCommand.objects.create(
            parent_experiment=experiment, delay=str(delay), commandchoice=name, quantity=numbers
        )
    for series in ("axlebasedvehiclespeed", "govspeed"):
        ObservableQuantity.objects.create(related_experiment=experiment, name=series)
    return experiment
