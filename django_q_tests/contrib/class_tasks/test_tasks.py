"""The tasks that look after the others, and how all are found."""

import sys

import pytest
from django.core.checks import run_checks

from django_q.contrib.class_tasks import Runner, client, get_task, start_task
from django_q.contrib.class_tasks.checks import check_settings, check_tasks
from django_q.contrib.class_tasks.exceptions import DuplicateTask
from django_q.contrib.class_tasks.registry import Registry, discovered, has_tasks
from django_q.contrib.class_tasks.tasks import Cleanup, Monitor
from django_q.exceptions import InvalidSettings, InvalidValue
from django_q_tests.support import class_tasks
from django_q_tests.support.eventually import eventually

pytestmark = pytest.mark.once


@pytest.fixture
def cleaned(monkeypatch):
    monkeypatch.setattr(class_tasks, "cleaned", [])
    return class_tasks


def cleaning(make, **data):
    runner = make()
    runner.start_local_task("pytask/cleanup", loop_interval=0.05, **data)
    return runner


def test_a_cleanup_hands_what_has_ended_to_its_handler_and_deletes_it(make, start, cleaned):
    start(cleaning(make, task_handler="django_q_tests.support.class_tasks:clean"))

    task_id = start_task("test/returns", value=1)
    kept = start_task("test/returns", value=2, cleanup=False)

    eventually(lambda: get_task(task_id) == {})
    ((id, data),) = cleaned.cleaned
    assert (id, data["state"], data["output"], data["data"]) == (task_id, "SUCCESS", 1, {"value": 1})
    eventually(lambda: get_task(kept, "state") == "SUCCESS")


@pytest.mark.databases
def test_what_its_handler_refuses_is_kept_and_handed_over_again(make, start, cleaned, caplog):
    start(cleaning(make, task_handler="django_q_tests.support.class_tasks:clean", retry=0.2))

    task_id = start_task("test/returns", value="refuse")

    eventually(lambda: get_task(task_id) == {})
    assert [id for id, _ in cleaned.cleaned] == [task_id, task_id]
    assert "is kept for another try" in caplog.text


def test_a_cleanup_without_a_handler_deletes_and_goes_on(make, start):
    start(cleaning(make))

    for _ in range(2):
        task_id = start_task("test/returns")
        eventually(lambda task_id=task_id: get_task(task_id) == {})


@pytest.mark.databases
def test_the_monitor_deletes_what_ended_long_ago(make, start, until, settings):
    settings.CLASS_TASKS = {"keep": 0}
    runner = make()
    runner.start_local_task("pytask/monitor", loop_interval=0.05)
    kept = start_task("test/returns", cleanup=False)
    start(runner)

    task_id = start_task("test/returns")

    eventually(lambda: get_task(task_id) == {})
    until(kept, "SUCCESS")


def test_the_settings_say_which_of_them_every_runner_starts(make, start):
    runner = make(cleanup=True)
    runner.start_usual_tasks()
    start(runner)

    def names():
        return sorted(get_task(task_id, "task") for task_id in client.get_active_task_ids())

    eventually(lambda: names() == ["pytask/cleanup", "pytask/monitor"])


def test_a_wrong_interval_is_refused():
    with pytest.raises(InvalidValue, match="loop_interval is 0; pass a number of seconds above 0"):
        Monitor(loop_interval=0)


# --- how they are found ---------------------------------------------------------------------------------------------


@pytest.fixture
def application(tmp_path, monkeypatch, settings):
    """An application with a module of tasks, installed by the path of its AppConfig."""

    def installed(code):
        folder = tmp_path / "found_app"
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "apps.py").write_text(
            "from django.apps import AppConfig\nclass Found(AppConfig):\n    name = 'found_app'\n"
        )
        (folder / "tasks.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "found_app.apps.Found"]

    yield installed
    for name in [name for name in sys.modules if name.split(".")[0] == "found_app"]:
        del sys.modules[name]


HEAD = "from django_q.contrib.class_tasks import Task\n"
ONE = f"{HEAD}class One(Task):\n    NAME = 'found/one'\n    def start(self): ...\n"


def test_classes_are_found_in_the_modules_tasks_of_applications(application):
    assert set(discovered()) == {Monitor, Cleanup} and not has_tasks()
    application(f"{ONE}class Base(Task):\n    def start(self): ...\nclass Sub(One):\n    pass\n")
    runner = Runner()

    runner.discover()

    assert runner._registry.names() == ["found/one", "pytask/cleanup", "pytask/monitor"] and has_tasks()


def test_a_module_that_cannot_be_imported_is_an_error_that_names_it(application):
    application("import nothing_of_this_name\n")

    with pytest.raises(ImportError, match="The tasks of the application 'found_app' cannot be imported from"):
        Registry().discover()
    assert has_tasks()  # a runner will say what is wrong
    assert [message.id for message in check_tasks()] == ["django_q_class_tasks.W002"]


def test_two_classes_of_one_name_are_an_error(application):
    application(f"{ONE}class Two(Task):\n    NAME = 'found/one'\n    def start(self): ...\n")

    with pytest.raises(DuplicateTask, match=r"found_app.tasks.Two and found_app.tasks.One have the same NAME"):
        Registry().discover()


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"concurency": 1}, "Did you mean 'concurrency'"),
        ({"concurrency": 0}, "Write a whole number from 1, or None for no limit"),
        ({"interval": 0}, "Write a number of seconds, 0.02 or more"),
        ({"task_timeout": 6}, "less than three times CLASS_TASKS['heartbeat']"),
        ({"keep": "long"}, "or None for ever"),
        ({"monitor": "yes"}, "Write True or False"),
        ({"cleanup": 1.5}, "the path of a function as 'module:function'"),
        ({"redis": 6379}, "Write a URL"),
        ([], "not a dict"),
    ],
)
def test_wrong_settings_are_said(settings, given, complaint):
    settings.CLASS_TASKS = given

    assert [complaint in message.msg for message in check_settings()] == [True]
    with pytest.raises((InvalidSettings, InvalidValue)):
        Runner()


def test_nothing_is_wrong_with_the_defaults():
    assert [message for message in run_checks(tags=["django_q"]) if "class_tasks" in str(message.id)] == []
