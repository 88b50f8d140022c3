"""``process_tasks --dev``: background tasks run the code that is on the disk."""

import os
import signal
from importlib import invalidate_caches, reload

import pytest

from django_q.contrib.background.models import CompletedTask
from django_q_tests.support.eventually import eventually
from django_q_tests.support.terminals import PATIENCE, Started

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not os.path.exists("/proc/self/cwd"), reason="processes are counted in /proc"),
]

CODE = (
    "from django_q.contrib.background import background\n\n@background(queue='any')\ndef answer():\n    return {!r}\n"
)


@pytest.fixture
def project(tmp_path, own_database, monkeypatch):
    """A folder with background tasks, and what starts ``process_tasks --dev`` in it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "dev_jobs.py").write_text(CODE.format("first"))
    started = []

    def start(*options):
        started.append(Started(tmp_path, "django", "process_tasks", "--dev", *options, env=own_database.env_with()))
        started[-1].until_says("starts with 1 workers")
        return started[-1]

    yield start
    for one in started:
        one.kill_all()


def answer(cluster):
    task = __import__("dev_jobs").answer()
    completed = CompletedTask.objects.filter(pk=task.pk)
    return eventually(completed.first, within=PATIENCE, saying=lambda: cluster.text).record.result


def test_with_dev_the_code_on_the_disk_is_run(project, tmp_path):
    cluster = project()
    assert answer(cluster) == "first"

    (tmp_path / "dev_jobs.py").write_text(CODE.format("the second one"))
    cluster.until_says("dev_jobs.py has changed")
    cluster.until_says("starts with 1 workers", times=2)
    invalidate_caches()
    reload(__import__("dev_jobs"))

    assert answer(cluster) == "the second one"
    assert cluster.end(signal.SIGTERM) == 0 and cluster.processes() == {}


def test_with_dev_it_ends_at_the_key_that_would_suspend_it(project):
    cluster = project()

    assert cluster.end(signal.SIGTSTP) == 0
    assert cluster.processes() == {}


def test_with_dev_its_time_is_counted_from_the_first_start(project, tmp_path):
    cluster = project("--duration=12")
    (tmp_path / "dev_jobs.py").write_text(CODE.format("the second one"))
    cluster.until_says("starts with 1 workers", times=2)

    assert cluster.exit_code() == 0
    assert "stops: its time is over" in cluster.text
