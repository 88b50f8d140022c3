"""What ``qcluster`` and ``qdev`` refuse before anything starts; that they work is seen in the tests of processes."""

import pytest
from django.core.management import CommandError, call_command

from django_q.exceptions import ClusterError
from django_q.management import preconditions

pytestmark = pytest.mark.django_db


def refusal(*words):
    with pytest.raises(CommandError) as caught:
        call_command(*words)
    assert caught.value.returncode == 2
    return str(caught.value)


def test_what_runs_until_it_is_stopped_cannot_run_until_the_queue_is_empty():
    text = refusal("qcluster", "--reload", "--until-empty")

    assert text == "--reload runs until it is stopped: leave out --until-empty, or --reload."


@pytest.mark.parametrize("command", ["qcluster", "qdev"])
def test_wrong_settings_are_named(settings, command):
    settings.Q_CLUSTER = {"workers": "many"}

    assert "'many'" in refusal(command)


@pytest.mark.parametrize("command", ["qcluster", "qdev"])
def test_a_system_without_clusters_is_told(monkeypatch, command):
    def refuse():
        raise ClusterError("Clusters run elsewhere.")

    monkeypatch.setattr(preconditions, "require_a_system_that_can_run_clusters", refuse)

    assert refusal(command) == "Clusters run elsewhere."


@pytest.mark.parametrize("command", ["qcluster", "qdev"])
@pytest.mark.parametrize("workers", ["0", "-1", "many"])
def test_a_number_of_workers_is_one_or_more(command, workers):
    with pytest.raises(CommandError, match="is not a number of workers; write 1 or more"):
        call_command(command, f"--workers={workers}")
