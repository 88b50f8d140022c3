"""A cluster that another program starts and stops."""

import json
import re
import subprocess
import sys

import pytest
from django.core.management import call_command

from django_q.brokers import get_broker
from django_q.cluster import Cluster
from django_q.exceptions import ClusterError
from django_q_tests.support.own_database import ROOT, OwnDatabase

pytestmark = pytest.mark.once


def run(database: OwnDatabase, *code: str, **cluster) -> subprocess.CompletedProcess:
    env = database.env_with(workers=1, **cluster)
    return subprocess.run([sys.executable, *code], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_a_program_starts_and_stops_a_cluster(own_database, start_method):
    ended = run(own_database, "-m", "django_q_tests.support.embedding", start_method=start_method)

    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["unstarted"] == [None, False, False, False]
    assert "A transaction is open on the database 'default'" in seen["in_transaction"]
    assert seen["started"] == [True, False, False, True]
    assert seen["stat"] in ("Idle", "Working", "Starting")
    assert seen["again"] and seen["known"]
    assert seen["named"] == ["default", True]
    assert seen["result"] == -2.0
    assert seen["stopped"] == [True, False, False, True, "Stopped"]
    assert (seen["before"], seen["alive"], seen["restarted"]) == (0, 0, True)


START = "import django; django.setup(); from django_q.cluster import Cluster; Cluster().start()"


def test_a_cluster_that_cannot_start_says_so_where_it_was_started(own_database):
    call_command("migrate", "django_q", "zero", verbosity=0)

    ended = run(own_database, "-c", START)

    assert ended.returncode == 1
    assert re.search(
        r"ClusterNotStarted: The cluster cannot be seen to start, and was stopped: .*_incarnation", ended.stderr
    )


def test_a_cluster_that_ends_at_once_says_so_where_it_was_started(own_database):
    ended = run(own_database, "-c", START, broker_class="django_q_tests.nowhere.Broker")

    assert ended.returncode == 1
    assert re.search(r"ClusterNotStarted: The cluster ended with exit code \d before it had started", ended.stderr)


def test_the_broker_of_another_queue_is_refused(settings):
    assert Cluster(get_broker()).name == "default"
    with pytest.raises(ClusterError, match="serves 'default', not 'mails'"):
        Cluster(get_broker("mails"))
