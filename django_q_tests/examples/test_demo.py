"""The demonstration as a process: it shows, it checks, and it leaves nothing behind."""

import os
import re
import signal
import stat
import sys

import pytest
import requests

from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT
from django_q_tests.support.terminals import Started

pytestmark = [
    pytest.mark.process,
    pytest.mark.once,  # it chooses its database and start method itself
    pytest.mark.skipif(not os.path.exists("/proc/self/cwd"), reason="what is left behind can be seen on Linux only"),
]


class Demo(Started):
    """A running demonstration whose data lie under a directory of the test."""

    def __init__(self, folder, *arguments, name="output.txt", **env):
        inherited = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
        env = {**inherited, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), **env}
        super().__init__(folder, "django_q", "demo", *arguments, env=env, name=name)

    def wait_until_open(self):
        self.until_says("Ctrl-C stops everything")

    @property
    def link(self):
        return re.search(r"http://127.0.0.1:\d+/enter/\S+", self.text)[0]

    @property
    def port(self):
        return re.search(r"http://127.0.0.1:(\d+)/enter/", self.text)[1]

    def left_behind(self):
        """Processes and directories that are still there: data, and what clusters are woken through."""
        return [*self.processes().values(), *self.folder.glob("django-q-demo-*"), *self.folder.glob("django_q-*")]


@pytest.fixture
def start(tmp_path):
    demos = []

    def start(*arguments, **env):
        demos.append(Demo(tmp_path, *arguments, name=f"output-{len(demos)}.txt", **env))
        return demos[-1]

    yield start
    for demo in demos:
        if demo.process.poll() is None:
            demo.end(signal.SIGTERM)
        demo.kill_all()


def test_the_check_sees_everything_and_leaves_nothing_behind(start):
    demo = start("--check")

    assert demo.process.wait(110) == 0, demo.text

    assert demo.text.splitlines()[-1] == "Everything worked."
    for seen in (
        "the link logs in, once",
        "one POST",
        "the results are stored",
        "Experiment Reminder",
        "the admin shows",
        "retried: succeeded",
        "timed out: timeout",
        "whose worker is killed: succeeded",
        "the data are deleted",
    ):
        assert seen in demo.text
    assert demo.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(start, number):
    demo = start()
    demo.wait_until_open()
    eventually(lambda: len(demo.pids("qcluster demo")) > 4, within=20)

    assert demo.end(number) == 0

    assert demo.left_behind() == []
    assert re.search(r"^cluster \| .* has stopped", demo.text, re.MULTILINE)


def test_a_signal_during_the_preparation_stops_everything(start):
    demo = start()
    demo.until_says("Preparing")

    assert demo.end(signal.SIGTERM) == 0
    assert demo.left_behind() == []


def test_an_interrupted_check_has_not_passed(start):
    demo = start("--check")
    demo.until_says("lets 'demo' in")

    assert demo.end(signal.SIGTERM) != 0
    assert demo.left_behind() == []


def test_the_death_of_a_part_is_the_end_of_the_whole(start):
    demo = start()
    demo.wait_until_open()
    (pid,) = demo.pids("experimenteditor.devices")

    os.kill(pid, signal.SIGKILL)

    assert demo.exit_code() == 1
    assert "The process 'devices' ended by itself: it was killed by SIGKILL." in demo.text
    assert demo.left_behind() == []


def test_a_demonstration_that_is_killed_leaves_no_process(start):
    demo = start()
    demo.wait_until_open()

    demo.process.kill()

    demo.exit_code()
    demo.until_gone()


def test_who_follows_the_link_sees_tasks_of_every_kind(start):
    demo = start()
    demo.wait_until_open()
    visitor, stranger = requests.Session(), requests.Session()

    entrance = visitor.get(demo.link, timeout=10)
    assert entrance.url.endswith("/editor/") and "Log out demo" in entrance.text
    assert "full stop from 30 km/h" in entrance.text
    assert stranger.get(demo.link, timeout=10).status_code == 410
    demo.until_says("hook: greet returned 'Hello, hook!'")

    page = visitor.get(f"http://127.0.0.1:{demo.port}/tasks/", timeout=10).text
    assert "django_q.examples.demo.work.greet" in page and 'data-state="succeeded"' in page
    assert demo.end() == 0
    assert demo.left_behind() == []


def test_the_link_can_be_opened_in_a_browser(start, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'opened')!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(stat.S_IRWXU)

    demo = start("--open", "--no-load", BROWSER=f"{browser} %s")
    demo.wait_until_open()

    eventually((tmp_path / "opened").exists, within=20)
    eventually(lambda: (tmp_path / "opened").read_text() == demo.link, within=20)


def test_data_can_be_kept(start, tmp_path):
    demo = start("--data", "kept")
    demo.wait_until_open()
    demo.end(signal.SIGINT)

    again = start("--data", "kept")
    again.wait_until_open()
    again.end(signal.SIGINT)

    assert (tmp_path / "kept" / "demo.sqlite3").exists()
    assert again.processes() == {}


def test_a_port_that_is_taken_is_said(start):
    demo = start("--no-load")
    demo.wait_until_open()

    other = start("--port", demo.port)

    assert other.exit_code() == 1
    assert f"Port {demo.port} is taken" in other.text
