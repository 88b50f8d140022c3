"""Error reporters, as packages offer them by an entry point."""

import sys
from importlib.metadata import EntryPoint

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_q import checks
from django_q.engine import reporters
from django_q.models import Task
from django_q.tasks import async_task
from django_q.testing import run_all
from django_q_tests.integration.tasks.functions import add, fail

pytestmark = pytest.mark.django_db(transaction=True)

reported = []


class Plain:
    """As those of Django Q are."""

    def __init__(self, dsn, level="error"):
        self.dsn, self.level = dsn, level

    def report(self):
        reported.append((self.dsn, self.level, sys.exc_info()[1]))


class Knowing:
    def report(self, task):
        reported.append((task.id, task.func, sys.exc_info()[1]))


class Broken:
    def report(self):
        raise RuntimeError("the reporter is down")


class Unusable:
    def __init__(self):
        raise RuntimeError("no licence")


@pytest.fixture(autouse=True)
def offered(monkeypatch):
    """Let an installed package offer these reporters."""
    reported.clear()
    reporters._made.cache_clear()
    points = [
        EntryPoint(name, f"{__name__}:{name.capitalize()}", reporters.GROUP)
        for name in ("plain", "knowing", "broken", "unusable")
    ]
    monkeypatch.setattr(reporters, "entry_points", lambda group: points if group == reporters.GROUP else [])
    yield
    reporters._made.cache_clear()


def run(func, **options):
    """Run a task that fails."""
    with pytest.raises(ValueError):
        async_task(func, sync=True, **options)


def configure(settings, **wanted):
    settings.Q_CLUSTER = {"error_reporter": wanted}


def test_a_reporter_is_made_with_its_keywords_and_told_of_each_failed_attempt(settings):
    configure(settings, plain={"dsn": "x", "level": "fatal"})

    run(fail, max_attempts=2)

    assert [(dsn, level, str(error)) for dsn, level, error in reported] == [("x", "fatal", "no")] * 2


def test_a_reporter_that_asks_for_it_is_told_of_the_task(settings):
    configure(settings, knowing=None)

    run(fail)

    assert [(id, type(error)) for id, _, error in reported] == [(Task.objects.get().pk, ValueError)]


def test_a_success_is_not_reported(settings):
    configure(settings, knowing={})

    async_task(add, 1, sync=True)

    assert reported == []


def test_the_failures_of_a_test_are_not_reported(settings):
    configure(settings, knowing={})
    async_task(fail)

    run_all()

    assert reported == []


def test_a_reporter_that_fails_harms_neither_the_others_nor_the_task(settings, caplog):
    configure(settings, broken={}, unusable={}, knowing={})

    run(fail)

    assert (Task.objects.get().error, len(reported)) == ("ValueError: no", 1)
    assert "The error reporter 'broken' failed." in caplog.text
    assert "The error reporter 'unusable' cannot be used." in caplog.text


def test_a_reporter_that_nobody_offers_is_a_warning_of_the_checks(settings):
    configure(settings, sentri={})

    [warning] = checks.check_reporters()

    assert warning.id == "django_q.W002"
    assert "'sentri'" in warning.msg


def test_without_reporters_nothing_is_looked_for(settings, monkeypatch):
    monkeypatch.setattr(reporters, "entry_points", lambda group: pytest.fail("looked for"))

    run(fail)


@pytest.mark.parametrize("written", ["sentry", {"sentry": "dsn"}, {1: {}}])
def test_what_are_no_reporters_is_refused(settings, written):
    settings.Q_CLUSTER = {"error_reporter": written}

    with pytest.raises(SystemCheckError, match="dict of dicts"):
        call_command("check")
