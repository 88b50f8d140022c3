"""``qdev``: the site and the cluster in one terminal."""

import os
import re
import signal
import socket

import pytest
import requests

from django_q.models import Task
from django_q.tasks import async_task
from django_q_tests.support.eventually import eventually
from django_q_tests.support.terminals import PATIENCE, Started, free_port

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not os.path.exists("/proc/self/cwd"), reason="processes are counted in /proc"),
]

SETTINGS = """
from django_q_tests.settings.process import *
DEBUG = True
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = [*INSTALLED_APPS, "parcels"]
"""
URLS = """
from django.http import HttpResponse
from django.urls import path
from django_q import async_task

def enqueue(request):
    return HttpResponse(async_task("jobs_here.answer"), headers={{"X-Version": "{}"}})

urlpatterns = [path("enqueue/", enqueue)]
"""
READY = "Ctrl-C ends both."


class Project:
    """A directory with a site of one view, and qdev in it."""

    def __init__(self, folder, database):
        self.folder = folder
        self.database = database
        self.port = free_port()
        self.started = []
        self.write("site_settings", SETTINGS)
        self.write("site_urls", URLS.format("first"))
        self.write("parcels/__init__", "")
        self.write("parcels/models", "WEIGHT = 1\n")
        self.write("jobs_here", answer("first"))

    def write(self, module, text):
        path = self.folder / f"{module}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def save_until(self, predicate, module, text):
        """Save a file until it has an effect: runserver does not see what changes while it looks for the first time."""

        def save_and_look():
            self.write(module, text)
            return predicate()

        eventually(save_and_look, within=PATIENCE, every=4, saying=lambda: self.qdev.text)

    def start(self, *options, address=None, **env):
        cluster = {"workers": 1, "grace": 60, "kill_after": 0.5, "poll": 0.2}
        env = self.database.env_with(**cluster) | {"DJANGO_SETTINGS_MODULE": "site_settings"} | env
        words = ["django", "qdev", address or str(self.port), *options]
        self.qdev = Started(self.folder, *words, env=env, name=f"output-{len(self.started)}.txt")
        self.started.append(self.qdev)
        return self.qdev

    def start_and_wait(self, *options):
        self.start(*options)
        self.qdev.until_says(READY)
        self.qdev.until_says("starts with 1 workers")
        return self.qdev

    def get(self):
        answer = requests.get(f"http://127.0.0.1:{self.port}/enqueue/", timeout=10)
        answer.raise_for_status()
        return answer

    def version(self):
        try:
            return self.get().headers["X-Version"]
        except requests.ConnectionError:
            return ""

    def result_of(self, task):
        eventually(lambda: Task.objects.filter(pk=task).exists(), within=PATIENCE, saying=lambda: self.qdev.text)
        return Task.objects.get(pk=task).result

    def is_open(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def answer(text):
    return f"def answer():\n    print('working')\n    return {text!r}\n"


@pytest.fixture
def project(tmp_path, own_database):
    one = Project(tmp_path, own_database)
    yield one
    for started in one.started:
        started.kill_all()


def test_the_site_enqueues_and_the_cluster_runs(project):
    project.start_and_wait()

    assert project.result_of(project.get().text) == "first"

    project.qdev.until_says("cluster | working")
    lines = project.qdev.text.splitlines()
    url = f"http://127.0.0.1:{project.port}/"
    assert f"qdev    | The site is at {url}; its tasks run in the cluster 'default' with 1 worker." in lines
    assert f"qdev    | Both start anew when a file changes. {READY}" in lines
    assert {line.partition("|")[0] for line in lines} == {"site    ", "cluster ", "qdev    "}
    assert "\x1b" not in project.qdev.text
    assert "WARNING" not in project.qdev.text


def test_both_run_the_code_that_is_on_the_disk(project):
    project.start_and_wait()
    assert project.version() == "first"

    project.write("jobs_here", answer("the second one"))
    project.qdev.until_says("starts with 1 workers", times=2)

    project.save_until(lambda: project.version() == "the second one", "site_urls", URLS.format("the second one"))
    assert project.result_of(project.get().text) == "the second one"


def test_a_syntax_error_stops_neither_for_good(project):
    project.start_and_wait()

    def site_fails():
        return "site    | SyntaxError" in project.qdev.text

    project.save_until(site_fails, "parcels/models", "this is no Python\n")
    project.qdev.until_says("cluster | SyntaxError")
    project.qdev.until_says("it starts again when a file changes")
    assert not project.is_open()

    project.save_until(project.version, "parcels/models", "WEIGHT = 'Python again'\n")
    assert project.result_of(project.get().text) == "first"


def test_without_reload_nothing_happens_when_a_file_changes(project):
    project.start_and_wait("--no-reload")

    assert f"qdev    | {READY}" in project.qdev.text
    assert [title for title in project.qdev.processes().values() if "--reload" in title] == []
    assert len(project.qdev.pids("runserver")) == 1
    assert project.qdev.end() == 0
    assert project.qdev.processes() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_both_and_leaves_nothing(project, number):
    project.start_and_wait()

    assert project.qdev.end(number) == 0

    assert project.qdev.processes() == {}
    assert not project.is_open()
    assert re.search(r"^cluster \| .* has stopped", project.qdev.text, re.MULTILINE)


def test_a_signal_right_after_the_start_leaves_nothing(project):
    project.start()
    eventually(lambda: project.qdev.pids("runserver"), within=PATIENCE)

    assert project.qdev.end(signal.SIGTERM) == 0
    assert project.qdev.processes() == {}


def test_what_a_task_started_ends_too(project):
    project.write("jobs_here", "import subprocess\n\ndef answer():\n    subprocess.run(['sleep', '600'])\n")
    project.start_and_wait()
    async_task("jobs_here.answer")
    eventually(lambda: project.qdev.pids("sleep 600"), within=PATIENCE, saying=lambda: project.qdev.text)

    assert project.qdev.end() == 0

    project.qdev.until_gone()


def test_its_own_death_leaves_nothing(project):
    project.start_and_wait()

    project.qdev.process.kill()

    project.qdev.exit_code()
    project.qdev.until_gone()


@pytest.mark.parametrize("options", [[], ["--no-reload"]], ids=["reload", "no-reload"])
def test_the_death_of_the_site_is_the_end_of_both(project, options):
    project.start_and_wait(*options)

    os.kill(project.qdev.pids("runserver")[0], signal.SIGKILL)

    assert project.qdev.exit_code() == 1
    assert "qdev    | The site was killed by SIGKILL, so the cluster ends too." in project.qdev.text
    assert project.qdev.processes() == {}
    assert not project.is_open()


def test_the_end_of_the_cluster_is_said_and_the_site_goes_on(project):
    project.start_and_wait("--no-reload")
    cluster = eventually(lambda: project.qdev.pids("qcluster", "sentinel"), within=PATIENCE)[0]

    os.kill(cluster, signal.SIGTERM)
    project.qdev.until_says("qdev    | The cluster ended with exit code 0; the site goes on, and tasks stay queued.")

    assert project.get().status_code == 200
    assert project.qdev.end() == 0


def test_a_site_that_may_not_start_says_why(project):
    project.write("site_settings", SETTINGS + "DEBUG = False\nALLOWED_HOSTS = []\n")
    project.start()

    assert project.qdev.exit_code() == 1

    text = project.qdev.text
    assert "site    | CommandError: You must set settings.ALLOWED_HOSTS if DEBUG is False." in text
    assert "qdev    | The site ended with exit code 1, so the cluster ends too." in text
    assert project.qdev.processes() == {}


def test_a_port_that_is_taken_is_said_before_anything_starts(project):
    project.start_and_wait()

    other = project.start()

    assert other.exit_code() == 2
    assert other.text.splitlines() == [
        f"CommandError: The site cannot listen at http://127.0.0.1:{project.port}/: something listens there already; "
        f"choose another port: manage.py qdev {project.port + 1}"
    ]


@pytest.mark.parametrize("command", [["qdev"], ["qcluster", "--reload"]])
def test_without_tables_nothing_starts(project, tmp_path, command):
    env = project.database.env | {
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "DJANGO_Q_TEST_DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
    }
    project.started.append(started := Started(tmp_path, "django", *command, env=env))

    assert started.exit_code() == 2
    assert started.text.splitlines() == [
        "CommandError: The tables of django_q are missing in 'default'. Run: manage.py migrate"
    ]
