"""``manage.py qmonitor`` and ``qmemory`` where there is no screen: what they print, and what they refuse."""

import io
import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from django_q.models import Incarnation
from django_q_tests.architecture.source import ROOT
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db


def call(*args):
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def cluster():
    id = factories.register(name="web", host="here", pid=4711)
    stats = {
        "state": "working",
        "workers": [{"pid": 11, "running": ["app.tasks.mail"], "tasks": ["1"], "given": 1}],
        "memory": {"4711": 30 * 1024, "11": 50 * 1024},
        "host_memory": {"total": 4096 * 1024, "available": 1024 * 1024},
        "backlog": 4,
    }
    Incarnation.objects.filter(pk=id).update(stats=json.dumps(stats))
    return id


@pytest.mark.parametrize("options", [(), ("--run-once",)])
def test_where_there_is_no_terminal_one_table_is_printed(options):
    id = cluster()
    factories.put_many([(1,)] * 3)

    head, row, counts = call("qmonitor", *options).splitlines()

    assert head.split()[:8] == ["Host", "Id", "State", "Pool", "TQ", "RQ", "RC", "Up"]
    assert row.split()[:7] == ["here", id[-8:], "working", "1", "4", "0", "0"]
    assert counts == "default  Queued 3 (0 claimed)  Success 0  Failures 0"


def test_with_nothing_there_it_says_what_to_start():
    assert call("qmonitor").startswith("no cluster runs; start manage.py qcluster\n")
    assert call("qmemory").startswith("no cluster runs; start manage.py qcluster\n")


@pytest.mark.parametrize("tab", ["clusters", "running", "queue", "schedules", "failures", "throughput"])
def test_each_tab_can_be_printed_as_text_and_as_an_object(tab):
    cluster()

    assert "Queued 0" in call("qmonitor", "--tab", tab)
    told = json.loads(call("qmonitor", "--tab", tab, "--json"))
    assert {"at", "database", "totals"} < set(told)


def test_the_object_holds_what_the_table_shows_and_more():
    id = cluster()

    (told,) = json.loads(call("qmonitor", "--json"))["living"]

    assert (told["id"], told["host"], told["backlog"], told["state"]) == (id, "here", 4, "working")
    assert told["workers"][0]["running"] == ["app.tasks.mail"]


def test_the_memory_of_each_cluster_is_printed():
    id = cluster()

    head, row, lowest = call("qmemory").splitlines()

    assert row.split()[:5] == ["here", id[-8:], "25.00", "1024.00", "4096.00"]
    assert row.split()[5:8] == ["30.00", "unknown", "50.00"]
    assert lowest == "Available lowest (MB): here 1024.00"


def test_the_memory_is_told_in_bytes_to_programs():
    cluster()

    told = json.loads(call("qmemory", "--json"))

    assert told["clusters"][0]["by_role"] == {"sentinel": 30 * 2**20, "worker": 50 * 2**20}
    assert told["clusters"][0]["workers"] == [{"pid": 11, "memory": 50 * 2**20}]
    assert told["lowest"] == {"here": 2**30}


def test_each_worker_gets_a_column_on_demand():
    cluster()

    assert "Worker 1 (MB)" in call("qmemory", "--workers")


@pytest.mark.parametrize("command", ["qmonitor", "qmemory"])
@pytest.mark.parametrize("interval", ["soon", "0", "-1", "nan", "inf", "0.01", "3601"])
def test_an_interval_that_is_none_is_refused(command, interval):
    with pytest.raises(CommandError, match="write a number of seconds from 0.1 to 3600"):
        call(command, f"--interval={interval}")


def test_a_tab_that_does_not_exist_is_refused():
    with pytest.raises(CommandError, match="invalid choice: 'cluster'"):
        call("qmonitor", "--tab", "cluster")


@pytest.mark.parametrize("command", ["qmonitor", "qmemory"])
def test_wrong_settings_are_told_in_one_sentence(command, settings):
    settings.Q_CLUSTER = {"workers": "many"}

    with pytest.raises(CommandError, match="workers") as refused:
        call(command)
    assert refused.value.returncode == 2


@pytest.mark.parametrize("command", ["qmonitor", "qmemory"])
def test_a_database_that_cannot_be_read_is_told_in_one_sentence(command, tmp_path):
    done = as_process(tmp_path / "empty.sqlite3", command, "--run-once")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "CommandError: the database 'default' of Q_CLUSTER['orm'] cannot be read: no such table"
    )


def as_process(file, *words):
    """Run a command in a project of its own, with the database in this file, through a pipe."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    code = (
        "from django.conf import settings;"
        f"settings.configure(SECRET_KEY='x', INSTALLED_APPS=['django_q'], DATABASES={{'default': {database!r}}});"
        f"from django.core.management import execute_from_command_line as run; run(['manage.py', *{words!r}])"
    )
    environment = {**os.environ, "TERM": "xterm"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment
    )
