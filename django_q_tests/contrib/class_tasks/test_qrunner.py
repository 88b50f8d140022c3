"""What ``manage.py qrunner`` refuses, and what other commands start beside a cluster."""

import pytest
from django.core.management import CommandError, call_command

from django_q.management import beside
from django_q.management.beside import FINAL, REPLACE, Member, Together

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("given", "complaint"), [({"concurency": 1}, "Did you mean 'concurrency'"), ({"keep": "long"}, "or None for ever")]
)
def test_wrong_settings_are_refused(own_database, settings, given, complaint):
    settings.CLASS_TASKS = given

    with pytest.raises(CommandError, match=complaint) as refused:
        call_command("qrunner", "--alone")

    assert refused.value.returncode == 2


@pytest.mark.parametrize("count", ["0", "many", "-1"])
def test_what_is_no_number_of_tasks_is_refused(count):
    with pytest.raises(CommandError, match="is not a number of tasks; write 1 or more, or 'unlimited'"):
        call_command("qrunner", f"--concurrency={count}")


def test_a_runner_is_registered_and_is_wanted_where_there_are_tasks(settings, monkeypatch):
    (runner,) = beside.companions()
    assert (runner.name, runner.command, beside.wanted()) == ("runner", "qrunner", [])

    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_q_tests.support.class_app"]

    assert beside.wanted() == [runner]
    options = {"name": "x", "log_level": None, "json_logs": True, "reload": True, "workers": 3}
    assert beside.words_of(runner, options)[-5:] == ["qrunner", "--name=x", "--json-logs", "--reload", "--skip-checks"]


@pytest.mark.parametrize("code", FINAL)
def test_what_runs_together_ends_with_the_first_that_ends_for_good(code):
    kept = Member("kept", ["sleep", "60"], is_kept=True)

    assert Together([Member("first", ["sh", "-c", f"exit {code}"], is_kept=True), kept]).run() == code

    assert kept.child.exit_code < 0


def test_what_asks_to_be_replaced_is_started_again(tmp_path):
    once = f"test -e {tmp_path}/mark || {{ touch {tmp_path}/mark; exit {REPLACE}; }}"
    member = Member("kept", ["sh", "-c", once], is_kept=True)

    assert Together([member]).run() == 0 and member.deaths == 1
