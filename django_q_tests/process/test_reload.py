"""``qcluster --reload``: the cluster runs the code that is on the disk."""

import os
import signal

import pytest

from django_q.kernel.states import TaskState
from django_q.models import Incarnation, OrmQ, Task
from django_q.tasks import async_task
from django_q_tests.support.eventually import eventually
from django_q_tests.support.terminals import PATIENCE, Started

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not os.path.exists("/proc/self/cwd"), reason="processes are counted in /proc"),
]

SETTINGS = "from django_q_tests.settings.process import *\n"
ANEW = "starts anew"
WAITS = "it starts again when a file changes"


class Project:
    """A directory with settings and tasks of its own, and a cluster that watches it."""

    def __init__(self, folder, database):
        self.folder = folder
        self.database = database
        self.write("site_settings", SETTINGS)
        self.write("jobs_here", answer("first"))

    def write(self, module, text):
        (self.folder / f"{module}.py").write_text(text)

    def start(self, *options, **cluster):
        cluster = {"workers": 1, "grace": 60, "kill_after": 0.5, "poll": 0.2, **cluster}
        env = self.database.env_with(**cluster) | {"DJANGO_SETTINGS_MODULE": "site_settings"}
        self.cluster = Started(self.folder, "django", "qcluster", "--reload", *options, env=env)
        return self.cluster

    def start_and_wait(self, *options, **cluster):
        self.start(*options, **cluster)
        self.until_up()
        return self.cluster

    def until_up(self, times=1):
        self.cluster.until_says("starts with 1 workers", times=times)

    def sentinels(self):
        return self.cluster.pids("qcluster default sentinel")

    def until(self, predicate):
        return eventually(predicate, within=PATIENCE, saying=lambda: self.cluster.text)

    def result_of(self, path):
        task = async_task(path)
        self.until(lambda: Task.objects.filter(pk=task).exists())
        ended = Task.objects.get(pk=task)
        assert ended.success, ended.traceback
        return ended.result


def answer(text):
    return f"def answer():\n    return {text!r}\n"


@pytest.fixture
def project(tmp_path, own_database):
    one = Project(tmp_path, own_database)
    yield one
    one.cluster.kill_all()


def test_a_task_enqueued_after_a_change_runs_the_new_code(project):
    project.start_and_wait()
    assert project.result_of("jobs_here.answer") == "first"

    project.write("jobs_here", answer("the second one"))
    project.cluster.until_says(f"jobs_here.py has changed: cluster default {ANEW}")
    project.until_up(times=2)

    assert project.result_of("jobs_here.answer") == "the second one"


def test_a_module_that_is_new_is_noticed(project):
    project.start_and_wait()

    (project.folder / "shop").mkdir()
    project.write("shop/__init__", "")
    project.write("shop/parcels", answer("sent"))

    project.cluster.until_says(ANEW)
    assert project.result_of("shop.parcels.answer") == "sent"


def test_a_task_that_runs_during_a_change_is_given_back_after_a_moment(project):
    job = "import time\n\ndef answer():\n    open('ran', 'a').write('x')\n    time.sleep({})\n    return 'done'\n"
    project.write("jobs_here", job.format(600))
    project.start_and_wait()
    task = async_task("jobs_here.answer")
    project.until(lambda: (project.folder / "ran").exists())

    project.write("jobs_here", job.format("0.0"))

    project.until(lambda: Task.objects.filter(pk=task).exists())
    ended = Task.objects.get(pk=task)
    assert (ended.result, ended.attempt_count, ended.crashes) == ("done", 1, 0)
    assert (project.folder / "ran").read_text() == "xx"


def test_a_syntax_error_waits_for_the_next_change(project):
    project.start_and_wait()

    project.write("site_settings", SETTINGS + "this is no Python\n")
    project.cluster.until_says(WAITS)
    assert "SyntaxError" in project.cluster.text
    assert project.sentinels() == []
    project.write("site_settings", SETTINGS + "THIS_IS = 'Python again'\n")

    assert project.result_of("jobs_here.answer") == "first"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_its_cluster(project, number):
    project.start_and_wait()

    assert project.cluster.end(number) == 0

    assert project.cluster.processes() == {}
    assert "Cluster default has stopped" in project.cluster.text


def test_a_signal_to_the_whole_group_is_one_signal(project):
    project.start_and_wait()

    os.killpg(project.cluster.pid, signal.SIGINT)

    assert project.cluster.exit_code() == 0
    assert project.cluster.processes() == {}


def test_a_second_signal_ends_the_grace(project):
    project.write("jobs_here", "import time\n\ndef answer():\n    open('ran', 'w')\n    time.sleep(600)\n")
    project.start_and_wait()
    task = async_task("jobs_here.answer")
    project.until(lambda: (project.folder / "ran").exists())

    project.cluster.process.send_signal(signal.SIGINT)
    project.cluster.until_says("default stops")

    assert project.cluster.end(signal.SIGINT) == 0
    project.cluster.until_gone()
    assert OrmQ.objects.get(pk=task).state == TaskState.READY


def test_it_can_be_ended_while_it_waits_for_a_change(project):
    project.start_and_wait()
    project.write("site_settings", SETTINGS + "this is no Python\n")
    project.cluster.until_says(WAITS)

    assert project.cluster.end() == 0

    assert project.cluster.processes() == {}


def test_a_sentinel_that_is_killed_is_said_and_started_with_the_next_change(project):
    project.start_and_wait()
    sentinel = project.until(project.sentinels)[0]  # what it forks bears its title for a moment

    os.kill(sentinel, signal.SIGKILL)
    project.cluster.until_says(f"was killed by SIGKILL; {WAITS}")
    project.write("jobs_here", answer("the second one"))

    project.cluster.until_says(ANEW)
    assert project.result_of("jobs_here.answer") == "the second one"


def test_its_own_death_is_the_end_of_the_cluster(project):
    project.start_and_wait()

    project.cluster.process.kill()

    project.cluster.exit_code()
    project.cluster.until_gone()


def test_a_cluster_that_is_asked_to_end_in_the_database_stays_ended(project):
    project.start_and_wait()
    project.until(lambda: Incarnation.objects.living().exists())

    assert Incarnation.objects.request_stop() == 1

    assert project.cluster.exit_code() == 0
    assert project.cluster.processes() == {}


def test_options_reach_the_cluster(project):
    project.start("--name", "parcels", "--workers", "2", "--log-level", "debug", "--json-logs")

    project.cluster.until_says('"message": "Cluster parcels starts with 2 workers."')
