"""``manage.py qcheck`` beside real clusters: what they say of themselves is compared with what this process has."""

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from django_q_tests.support.clusters import ALERT, Drill
from django_q_tests.support.own_database import ROOT

pytestmark = pytest.mark.databases

# On SQLite a rollback journal is for the desk, hence for DEBUG.
DESK = connection.vendor == "sqlite"


def keyed(*keys: str, debug: bool = DESK) -> dict[str, str]:
    """Return the environment of a process with these keys, the signing one first."""
    return {
        "DJANGO_SETTINGS_MODULE": "django_q_tests.support.keyed",
        "DJANGO_Q_TEST_KEYS": json.dumps(keys),
        "DJANGO_Q_TEST_DEBUG": "1" if debug else "",
    }


def qcheck(drill: Drill, env: dict[str, str]) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code and the findings by what was looked at."""
    command = [sys.executable, "-m", "django", "qcheck", "--json"]
    env = {**os.environ, **drill.database.env_with(), **env}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, {each["check"]: each for each in json.loads(done.stdout)}


def test_beside_a_cluster_with_the_same_settings_everything_is_well(drill: Drill):
    drill.start(env=keyed("one"))

    code, found = qcheck(drill, keyed("one"))

    assert code == 0, found
    assert "and serves default" in found["clusters"]["seen"]
    assert found["key"]["seen"] == "this process and the clusters can read what the other signs"


def test_a_cluster_with_another_secret_key_is_found_before_a_task_fails(drill: Drill):
    drill.start(env=keyed("one"))

    code, found = qcheck(drill, keyed("another"))

    assert code == 2
    assert found["key"]["level"] == "error"
    assert "it cannot run what is enqueued here, and its results cannot be read here" in found["key"]["seen"]
    assert "SECRET_KEY_FALLBACKS" in found["key"]["fix"]


def test_a_key_is_changed_as_the_documentation_says_and_nothing_is_wrong_in_between(drill: Drill):
    cluster = drill.start(env=keyed("old", "new"))

    assert qcheck(drill, keyed("old", "new"))[0] == 0
    assert qcheck(drill, keyed("new", "old"))[0] == 0

    cluster.stop()
    drill.start(env=keyed("new", "old"))

    assert qcheck(drill, keyed("old", "new"))[0] == 0
    assert qcheck(drill, keyed("old"))[1]["key"]["seen"].endswith(": its results cannot be read here")


def test_debug_in_a_running_cluster_is_seen_from_outside(drill: Drill):
    drill.start(env=keyed("one", debug=True))

    _, found = qcheck(drill, keyed("one", debug=False))

    assert found["debug"]["level"] == "warning"
    assert "set DEBUG = False" in found["debug"]["fix"]


def test_a_cluster_that_has_stopped_is_missed_at_once(drill: Drill):
    drill.start(env=keyed("one")).stop()

    code, found = qcheck(drill, keyed("one"))

    assert code == 2
    assert (found["clusters"]["seen"], found["clusters"]["fix"]) == (
        'no cluster serves "default"',
        "start manage.py qcluster",
    )


def test_what_a_dead_cluster_holds_is_told_until_another_one_takes_it(drill: Drill):
    lost = drill.start(**ALERT)
    drill.hold()
    lost.kill_everything()

    def told() -> bool:
        return "claims" in qcheck(drill, keyed("only for tests"))[1]

    drill.until(told)
    drill.start(**ALERT)
    drill.open_gate()
    drill.until(lambda: not told())
