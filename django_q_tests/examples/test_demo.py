"""The demonstration as a process: it shows, it checks, and it leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT

HAS_ITS_OWN = connection.vendor != "sqlite" or os.environ.get("DJANGO_Q_TEST_START_METHOD", "fork") != "fork"

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        HAS_ITS_OWN, reason="the demonstration chooses its database and start method itself; once is enough"
    ),
    pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="what is left behind can be seen on Linux only"),
]


class Demo:
    """A running demonstration whose data lie under a directory of the test."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.output = folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "django_q.examples.demo", *arguments],
                env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self):
        return self.output.read_text()

    def wait_until_open(self):
        eventually(lambda: "Ctrl-C stops everything" in self.text, within=60, saying=lambda: self.text)

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(40)

    def left_behind(self):
        """Processes and directories that are still there."""
        return [*self.processes(), *self.folder.glob("django-q-demo-*")]

    def processes(self):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                # Not by their environment: processes that set their title write over it.
                if (folder / "cwd").resolve() == self.folder and is_alive(folder):
                    yield folder.name, (folder / "cmdline").read_text()
            except OSError:
                continue


def is_alive(folder):
    return (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture
def start(tmp_path):
    demos = []

    def start(*arguments):
        demos.append(Demo(tmp_path, *arguments))
        return demos[-1]

    yield start
    for demo in demos:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(40)


def test_the_check_sees_everything_and_leaves_nothing_behind(start):
    demo = start("--check")

    assert demo.process.wait(110) == 0, demo.text

    assert demo.text.splitlines()[-1] == "Everything worked."
    for seen in (
        "one POST",
        "the results are stored",
        "Experiment Reminder",
        "the admin shows",
        "the data are deleted",
    ):
        assert seen in demo.text
    assert demo.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(start, number):
    demo = start()
    demo.wait_until_open()
    eventually(lambda: len(list(demo.processes())) > 5, within=20)

    assert demo.end(number) == 0

    assert demo.left_behind() == []
    assert re.search(r"^cluster \| .* has stopped", demo.text, re.MULTILINE)


def test_a_signal_during_the_preparation_stops_everything(start):
    demo = start()
    eventually(lambda: "Preparing" in demo.text, within=20)

    assert demo.end(signal.SIGTERM) == 0
    assert demo.left_behind() == []


def test_an_interrupted_check_has_not_passed(start):
    demo = start("--check")
    eventually(lambda: "lets 'demo' in" in demo.text, within=60, saying=lambda: demo.text)

    assert demo.end(signal.SIGTERM) != 0
    assert demo.left_behind() == []


def test_the_death_of_a_part_is_the_end_of_the_whole(start):
    demo = start()
    demo.wait_until_open()
    (pid,) = [pid for pid, command in demo.processes() if "experimenteditor.devices" in command]

    os.kill(int(pid), signal.SIGKILL)

    assert demo.process.wait(40) == 1
    assert "'devices' ended by itself" in demo.text
    assert demo.left_behind() == []


def test_data_can_be_kept(start, tmp_path):
    demo = start("--data", "kept")
    demo.wait_until_open()
    demo.end(signal.SIGINT)

    again = start("--data", "kept")
    again.wait_until_open()
    again.end(signal.SIGINT)

    assert (tmp_path / "kept" / "demo.sqlite3").exists()
    assert list(again.processes()) == []


def test_a_port_that_is_taken_is_said(start):
    demo = start()
    demo.wait_until_open()
    port = re.search(r"http://127.0.0.1:(\d+)/\n", demo.text)[1]

    other = subprocess.run(
        [sys.executable, "-m", "django_q.examples.demo", "--port", port],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert other.returncode == 1 and f"Port {port} is taken" in other.stdout
