"""The database, the clusters and the waiting. Nothing here may know whose django_q it is."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import django
import pytest

PATIENCE = 45.0
FOLDER = Path(os.environ["ACCEPTANCE_FOLDER"])


def pytest_configure(config):
    config.addinivalue_line("markers", "statement(*names): which statements a test shows")
    os.environ["DJANGO_SETTINGS_MODULE"] = "acceptance_settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


_results = {}


def pytest_runtest_makereport(item, call):
    """Keep how each test ended, with the statements that it shows."""
    names = [name for mark in item.iter_markers("statement") for name in mark.args]
    told = _results.setdefault(item.nodeid, {"statements": names, "outcome": "passed"})
    if call.excinfo is not None:
        told["outcome"] = "failed"


def pytest_sessionfinish():
    (FOLDER / "results.json").write_text(json.dumps(_results))


class Cluster:
    """``qcluster`` under a name of ALT_CLUSTERS, or under none."""

    def __init__(self, name=None, *options):
        env = {**os.environ, **({"Q_CLUSTER_NAME": name} if name else {})}
        self.log = open(FOLDER / f"cluster-{name or 'default'}.log", "ab")
        command = [sys.executable, "-m", "django", "qcluster", *options]
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log, start_new_session=True)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        finally:
            # Whoever is left of the session must not disturb the next test.
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.log.close()


@pytest.fixture
def start():
    """Start clusters by name; they end with the test."""
    started = []

    def start(name, *options):
        started.append(Cluster(name, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="session")
def schedules():
    """The schedules of the last tests, stored before the cluster starts: Django Q2 looks at them twice a minute."""
    from datetime import timedelta

    from django.utils import timezone

    from django_q.models import Schedule
    from django_q.tasks import schedule

    now = timezone.now()
    past = now - timedelta(seconds=150)
    day = timezone.datetime(now.year, now.month, now.day, 6, 30, tzinfo=now.tzinfo) - timedelta(days=1)
    made = {
        "once": schedule("acceptance_jobs.echo", 1, "two", name="once", next_run=past, three=3.5),
        "kept": schedule("acceptance_jobs.first", 7, name="kept", next_run=past, repeats=1),
        "daily": schedule(
            "acceptance_jobs.first", 1, name="daily", schedule_type=Schedule.DAILY, next_run=day, repeats=5
        ),
        "minutes": schedule(
            "acceptance_jobs.first", 1, name="minutes", schedule_type=Schedule.MINUTES, minutes=1, next_run=past
        ),
        "paused": schedule(
            "acceptance_jobs.first", 1, name="paused", schedule_type=Schedule.HOURLY, next_run=past, repeats=0
        ),
        "intended": schedule(
            "acceptance_jobs.moment", name="intended", next_run=past, intended_date_kwarg="due", repeats=1
        ),
        "other": schedule("acceptance_jobs.first", 1, name="other", next_run=past, cluster="elsewhere", repeats=1),
        "optioned": schedule(
            "acceptance_jobs.first", 1, name="optioned", next_run=past, repeats=1, q_options={"group": "chosen"},
            hook="acceptance_jobs.hook",
        ),
        "fails": schedule("acceptance_jobs.fail", name="fails", next_run=past, repeats=1),
        "literal": Schedule.objects.create(
            name="literal", func="acceptance_jobs.echo", args="1, 2, 'x'", kwargs="a=1", next_run=past, repeats=1,
        ),
        "dict": Schedule.objects.create(
            name="dict", func="acceptance_jobs.echo", args="5", kwargs="{'b': 2}", next_run=past, repeats=1,
        ),
    }  # fmt: skip
    return {name: (row.pk, row.next_run) for name, row in made.items()}


@pytest.fixture(scope="session")
def cluster(schedules):
    """One cluster that most tests share."""
    one = Cluster()
    yield one
    one.stop()


@pytest.fixture
def ended(cluster):
    """Wait for tasks and return the first as it stands in the history."""
    from django_q.tasks import fetch

    def ended(*ids):
        return [until(lambda id=id: fetch(id)) for id in ids][0]

    return ended


def until(look, within=PATIENCE):
    """Look until there is something, and return it."""
    end = time.monotonic() + within
    while True:
        found = look()
        if found or time.monotonic() > end:
            assert found, f"not within {within} s"
            return found
        time.sleep(0.05)


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture
def lines():
    def lines(name):
        file = FOLDER / name
        return file.read_text().splitlines() if file.exists() else []

    return lines
