"""Where there is no fork, no SIGKILL and no SIGALRM: tasks are enqueued, read and run at once, and clusters refuse."""

import subprocess
import sys

import pytest

from django_q.models import OrmQ, Task
from django_q_tests.support import bare_system
from django_q_tests.support.own_database import ROOT, OwnDatabase

LACKING = "Clusters run on Linux and macOS. This system can enqueue tasks, read results and run them with sync=True."
WORK = """
from django_q import async_task, fetch, result

queued = async_task("math.copysign", 2, -2)
assert result(queued) is None

done = async_task("math.copysign", 2, -2, sync=True, timeout=5, hook="builtins.repr")
assert result(done) == -2.0 and fetch(done).success
print(queued, done)
"""


def elsewhere(database: OwnDatabase, code: str) -> subprocess.CompletedProcess[str]:
    """Run code on such a system, Django being set up."""
    start = "import django; from django_q_tests.support import bare_system; bare_system.take_away(); django.setup()\n"
    return subprocess.run(
        [sys.executable, "-c", start + code], env=database.env, cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def command(database: OwnDatabase, *words: str) -> subprocess.CompletedProcess[str]:
    line = ["manage.py", *words]
    return elsewhere(
        database,
        f"import sys; sys.argv = {line!r}\n"
        f"from django.core.management import execute_from_command_line; execute_from_command_line({line!r})",
    )


@pytest.mark.parametrize("words", [("qcluster",), ("qcluster", "--reload"), ("qdev",)], ids=" ".join)
def test_a_cluster_refuses_with_one_sentence_and_exit_code_two(own_database, words):
    done = command(own_database, *words)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"CommandError: {LACKING}\n")


def test_tasks_are_enqueued_run_at_once_and_read(own_database):
    done = elsewhere(own_database, WORK)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    queued, ended = done.stdout.split()
    assert list(OrmQ.objects.values_list("pk", flat=True)) == [queued]
    assert Task.objects.get(pk=ended).result == -2.0


def test_the_commands_that_look_work(own_database):
    told, checked = command(own_database, "qinfo"), command(own_database, "qcheck", "--verbosity", "0")

    assert told.returncode == 0, told.stderr
    assert "no cluster serves" in told.stdout
    assert checked.returncode == 2 and checked.stderr == ""
    assert f"warning  processes      {LACKING[:-1]}; run the clusters on another machine\n" in checked.stdout
    assert "error    clusters" in checked.stdout


def test_what_is_taken_away_is_what_such_systems_lack():
    names = " ".join(bare_system.ATTRIBUTES.values()).split()

    assert {"fork", "killpg", "SIGKILL", "SIGALRM", "AF_UNIX"} <= set(names)
    assert {"fcntl", "resource"} <= bare_system.MODULES
