"""The page of usual mistakes quotes what is really said, in a project that was started just now."""

import os
import re
import shutil
import subprocess
import sys
from textwrap import dedent

import pytest

from django_q_tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "reference" / "mistakes.rst"
INSTALLED = 'INSTALLED_APPS += ["django_q"]'
TASKS = '''
import os, signal

def send(order, *, copy=False):
    return order

def done(task):
    """Be a hook."""

def fail():
    raise ValueError("no stock")

def unstorable():
    return lambda: 1

def die():
    os.kill(os.getpid(), signal.SIGKILL)
'''
SHELL = "import tasks; from django_q import *; from django_q.tasks import *\n"


class Project:
    """A project as ``startproject`` makes it, with one line more."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
        self.environment |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default::UserWarning"}

    def manage(self, *words, more=INSTALLED):
        return self._run(sys.executable, "manage.py", *words, MORE_SETTINGS=more)

    def shell(self, code, more=INSTALLED):
        return self.manage("shell", "-v0", "-c", SHELL + dedent(code), more=more)

    def start(self):
        self._run(sys.executable, "-m", "django", "startproject", "shop", str(self.folder))
        settings = self.folder / "shop" / "settings.py"
        settings.write_text(f'{settings.read_text()}\nimport os\nexec(os.environ["MORE_SETTINGS"])\n')
        (self.folder / "tasks.py").write_text(TASKS)
        self.manage("migrate", "-v0")

    def without_tables(self):
        (self.folder / "db.sqlite3").unlink()
        return self

    def error_of(self, call, more=INSTALLED):
        """Enqueue something, let a cluster run it, and return the error that stands in the history."""
        name = f"task-{os.urandom(4).hex()}"
        self.shell(f"{call[:-1]}, task_name={name!r})")
        self.manage("qcluster", "--until-empty", "-w", "1", more=more)
        return self.shell(f"print(fetch({name!r}).error)")

    def _run(self, *command, **more):
        environment = self.environment | more
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr


def settings(**cluster):
    return f"{INSTALLED}; Q_CLUSTER = {cluster!r}"


LOCK = """
    import sqlite3
    from django.db import connection
    other = sqlite3.connect("db.sqlite3")
    other.execute("BEGIN IMMEDIATE")
    connection.ensure_connection()
    connection.connection.execute("PRAGMA busy_timeout = 10")
    async_task("tasks.send", 1)
"""
COROUTINE = """
    import asyncio
    async def view():
        async_task("tasks.send", 1)
    asyncio.run(view())
"""
MAILS = """
    from django_q.kernel import ids
    from django_q.models import Incarnation
    row = dict(name="m", host="h", pid=1, process_started="1", boot_id="b", version="0", queues='["mails"]')
    Incarnation.objects.register(id=ids.new_id(), lease=60, **row)
    print(why(async_task("tasks.send", 1, cluster="mials")))
"""
IN_TRANSACTION = """
    from django.db import transaction
    with transaction.atomic():
        result(async_task("tasks.send", 1), wait=10)
"""

# What happened, as the page calls it -> how to make it happen.
HAPPENINGS = {
    '``"django_q"`` is not in ``INSTALLED_APPS``': lambda p: p.shell("", more=""),
    "``manage.py qcluster`` before ``manage.py migrate``": lambda p: p.without_tables().manage("qcluster"),
    "``async_task()`` before ``manage.py migrate``": lambda p: p.without_tables().shell("async_task('tasks.send', 1)"),
    "a setting that does not exist": lambda p: p.manage("check", more=settings(worker=4)),
    "a setting of the wrong kind": lambda p: p.manage("check", more=settings(workers="4")),
    "a database that does not exist": lambda p: p.manage("check", more=settings(orm="other")),
    "a misspelt function, with ``DEBUG`` on": lambda p: p.shell("async_task('tasks.sned', 1)"),
    "a misspelt module, with ``DEBUG`` on": lambda p: p.shell("async_task('task.send', 1)"),
    "a function without its module": lambda p: p.shell("async_task('send', 1)"),
    "a function that was called instead of passed": lambda p: p.shell("async_task(tasks.send(1))"),
    "a missing argument": lambda p: p.shell("async_task('tasks.send')"),
    "a misspelt option": lambda p: p.shell("async_task('tasks.send', 1, timout=5)"),
    "a value that an option cannot have": lambda p: p.shell("async_task('tasks.send', 1, timeout=0)"),
    "a lambda": lambda p: p.shell("async_task(lambda: 1)"),
    "a function that was typed in a shell": lambda p: p.shell("def f(): pass\nasync_task(f)"),
    "an argument that cannot be pickled": lambda p: p.shell("async_task('tasks.send', open('manage.py'))"),
    "a hook that does not exist, with ``DEBUG`` on": lambda p: p.shell(
        "async_task('tasks.send', 1, hook='tasks.dnoe')"
    ),
    "``async_task()`` in a coroutine": lambda p: p.shell(COROUTINE),
    "a SQLite file that somebody else writes to": lambda p: p.shell(LOCK),
    "no cluster runs": lambda p: p.shell("result(async_task('tasks.send', 1), wait=10)"),
    "a misspelt queue": lambda p: p.shell(MAILS),
    "a result is awaited in the transaction that enqueued it": lambda p: p.shell(IN_TRANSACTION),
    "an id that does not exist": lambda p: p.shell("result('nobody', wait=10)"),
    "the workers do not have the function": lambda p: unknown_function(p),
    "something that is no id": lambda p: p.shell("result(5)"),
    "seconds as text": lambda p: p.shell("result('x', wait='5')"),
    "``result()`` of a task that failed": lambda p: failed_result(p),
    "the cluster has another ``SECRET_KEY``": lambda p: p.error_of(
        "async_task('tasks.send', 1)", more=f"{INSTALLED}; SECRET_KEY = 'another' * 10"
    ),
    "a result that cannot be pickled": lambda p: p.error_of("async_task('tasks.unstorable')"),
    "the worker's process was killed": lambda p: p.error_of("async_task('tasks.die')", more=settings(max_crashes=1)),
    "``qrun`` without a cluster, with ``DEBUG`` off": lambda p: p.manage(
        "qrun", "math.copysign", "2", "-2", more=f"{INSTALLED}; DEBUG = False"
    ),
}
# Needs another package beside ours: the check of the wheel installs it.
ELSEWHERE = {"two packages that are both called ``django_q``"}


def unknown_function(project):
    project.shell("async_task('nowhere.send', task_name='unknown')")
    project.manage("qcluster", "--until-empty", "-w", "1")
    return project.shell("print(why('unknown'))")


def failed_result(project):
    project.shell("async_task('tasks.fail', task_name='failed')")
    project.manage("qcluster", "--until-empty", "-w", "1")
    return project.shell("print(result('failed'))")


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    one = Project(tmp_path_factory.mktemp("project"))
    one.start()
    return one


@pytest.fixture
def project(started, tmp_path):
    shutil.copytree(started.folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


def lines_of_the_page():
    rows = re.findall(r"   \* - (.*)\n     - (.*)\n", PAGE.read_text())
    return {what: re.findall("``(.*?)``(?!`)", said) for what, said in rows if what != "What happened"}


@pytest.mark.parametrize("what", [what for what in lines_of_the_page() if what not in ELSEWHERE])
def test_what_is_said(what, project):
    output = " ".join(HAPPENINGS[what](project).split())

    for words in lines_of_the_page()[what]:
        assert words in output


def test_there_are_at_least_twenty():
    assert len(lines_of_the_page()) >= 20
    assert set(HAPPENINGS) | ELSEWHERE == set(lines_of_the_page())
