"""An experiment, and devices that run as a process of their own."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.models import (
    Experiment,
    Notification,
    ObservableQuantity,
    OneTimeSSSCommand,
    RunResult,
)
from django_q_tests.support.own_database import ROOT

COMMANDS = [
    ("0", "SetThrottle(1)", "80"),
    ("2", "SetThrottle(1)", "0"),
    ("2", "SetBrakePressure(2)", "50, 50"),
    ("4", "EndExperiment(0)", ""),
]
BY_HAND = timedelta(seconds=85)  # so far ahead that nothing happens by itself, so near that tasks do not wonder
AHEAD = 3600  # seconds by which the clock of the devices goes before, so that all runs are over for them


@dataclass
class Devices:
    """The device server, seen from a test."""

    url: str
    process: subprocess.Popen[str]

    def break_down(self, on: str, **fault: Any) -> None:
        requests.post(f"{self.url}control/faults/", json={"on": on, **fault}, timeout=5).raise_for_status()

    def repair(self) -> None:
        requests.delete(f"{self.url}control/faults/", timeout=5).raise_for_status()

    def post(self, body: Any, **headers: str) -> requests.Response:
        return requests.post(f"{self.url}api/postexperiment/", json=body, headers=headers, timeout=5)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}log/api/getExperiment/{path}", timeout=5)

    @property
    def posts(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.url}control/", timeout=5).json()["posts"]

    @property
    def requests(self) -> list[str]:
        return requests.get(f"{self.url}control/", timeout=5).json()["requests"]


@pytest.fixture(autouse=True)
def pages_of_the_example(settings) -> None:
    """Notifications and mails hold addresses of pages."""
    settings.ROOT_URLCONF = "django_q.examples.project.urls"


@pytest.fixture
def start_devices() -> Iterator[Callable[..., Devices]]:
    """Start device servers with the arguments of the command line; they end with the test."""
    processes = []

    def start(*arguments: str) -> Devices:
        command = [sys.executable, "-m", "django_q.examples.experimenteditor.devices", "--port", "0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        processes.append(process)
        line = process.stdout.readline()
        return Devices(re.search(r"http://\S+", line)[0], process)

    yield start
    for process in processes:
        process.kill()  # how they end otherwise is asked by tests of their own
        process.wait()
        process.stdout.close()


@pytest.fixture
def devices(start_devices, settings) -> Devices:
    """A device server, known to the application; a part of a log has ten lines. What it gets is over at once."""
    devices = start_devices("--chunk-lines", "10", "--quiet", "--clock-ahead", str(AHEAD))
    use(settings, devices.url)
    return devices


def use(settings: Any, url: str, **more: Any) -> None:
    settings.EXPERIMENTEDITOR = {
        "ENGINEBEAGLEBONEIP": f"{url}api/postexperiment/",
        "LOGGERIP": f"{url}log/api/getExperiment/{{expname}}/plotdata/axlebasedvehiclespeed/",
        "GOVIP": f"{url}log/api/getExperiment/{{expname}}/plotdata/govspeed/",
        "VINIP": f"{url}log/api/getExperiment/{{expname}}/plotdata/vin/",
        "FULLLOGIP": f"{url}log/api/getExperiment/{{expname}}/{{chunkidx}}/",
        "HTTP_TIMEOUT": 2,
        **more,
    }


@pytest.fixture
def user(db) -> Any:
    return get_user_model().objects.create_user("ada", "ada@example.com", "secret")


@pytest.fixture
def experiment(user) -> Experiment:
    return write_experiment(user, "my first-test")


def write_experiment(user: Any, title: str) -> Experiment:
    """Write an experiment of four seconds with both data series."""
    experiment = Experiment.objects.create(created_by=user, experiment_title=title)
    for delay, name, numbers in COMMANDS:
        OneTimeSSSCommand.objects.create(
            parent_experiment=experiment, delay=delay, commandchoice=name, quantity=numbers
        )
    for series in ("axlebasedvehiclespeed", "govspeed"):
        ObservableQuantity.objects.create(related_experiment=experiment, name=series)
    return experiment


@pytest.fixture
def run(experiment) -> RunResult:
    """A run that was booked, with the slot still ahead."""
    start = timezone.now() + BY_HAND
    return bookings.book(experiment, start, start + experiment.length())


@pytest.fixture
def due(run) -> RunResult:
    """The same right before its slot: there is no time for a second try to post it."""
    run.start, run.end = timezone.now() + timedelta(seconds=1), timezone.now() + timedelta(seconds=20)
    run.save()
    return run


@pytest.fixture
def over(run) -> RunResult:
    """The same with the slot behind us."""
    run.start, run.end = timezone.now() - timedelta(seconds=10), timezone.now() - timedelta(seconds=5)
    run.save()
    return run


def post(run: RunResult) -> str:
    """Run the task that posts a run, here and now."""
    return tasks.send_experiment_json.now(run.experiment_id)


def collect(run: RunResult) -> str:
    """Run the task that collects the results of a run, here and now."""
    return tasks.make_experiment_available.now(run.experiment_id, run.pk)


def told(level: str) -> list[str]:
    """Return what users were told on a level, the oldest first."""
    return list(Notification.objects.filter(level=level).order_by("pk").values_list("verb", flat=True))


@pytest.fixture
def posted(devices, due) -> RunResult:
    """A run that the engine has."""
    post(due)
    return RunResult.objects.get(pk=due.pk)


@pytest.fixture
def page(client, user):
    """Get a page as its user, or send a form to it; return the text."""
    client.force_login(user)

    def get(path, data=None):
        answer = client.post(path, data, follow=True) if data is not None else client.get(path)
        assert answer.status_code == 200
        return answer.content.decode()

    return get
