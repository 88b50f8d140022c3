"""What can be imported, at what price, and on which systems."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from django_q_tests.architecture.source import PACKAGE, ROOT, sources

# The import lines that the documentation promises. Each is tested from the day on which its module exists.
PROMISED = {
    "django_q": "async_task async_ result fetch schedule Task Success Failure Schedule shared_task",
    "django_q.tasks": "async_task result",
    "django_q.contrib.user_tasks": "user_task_stopped",
    "django_q.contrib.user_tasks.tasks": "UserTask UserTaskMixin purge_old_user_tasks",
    "django_q.contrib.user_tasks.models": "UserTaskStatus UserTaskArtifact",
    "django_q.contrib.user_tasks.views": "ArtifactViewSet StatusViewSet",
    "django_q.contrib.user_tasks.urls": "urlpatterns",
    "django_q.contrib.publish": "publish CommunicationBasePublisher RemoteScreen",
    "django_q.contrib.publish.routing": "websocket_urlpatterns",
    "django_q.contrib.class_tasks": "Task spawn",
    "django_q.contrib.class_tasks.tasks": "Monitor Cleanup",
    "django_q.contrib.background": "background",
    "django_q.contrib.background.models": "Task CompletedTask",
    "django_q.examples.experimenteditor.tasks": "send_experiment_reminder",
}
# Import modules where there is no fork.
ELSEWHERE = """
import importlib, sys, django
from django_q_tests.support import bare_system

bare_system.take_away()
django.setup()
for name in sys.argv[1:]:
    importlib.import_module(name)
"""

# Each in a process of its own, in which Django is set up and nothing else has been imported.
EACH_FIRST = """
import os, sys, django

django.setup()
for line in sys.argv[1:]:
    child = os.fork()
    if not child:
        exec(line)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(line)
"""


def promised_names():
    return [(module, name) for module, names in PROMISED.items() for name in names.split()]


def test_each_promised_name_can_be_imported_first():
    names = promised_names()

    done = run(EACH_FIRST, *(f"from {module} import {name}" for module, name in names if exists(module)))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ""


def test_the_keyword_async_is_reached_by_getattr():
    if not exists("django_q.tasks"):
        pytest.skip("django_q.tasks is not written yet")

    done = run(
        "import django; django.setup(); import django_q, django_q.tasks as tasks;"
        "assert getattr(django_q, 'async') is getattr(tasks, 'async') is tasks.async_task is django_q.async_"
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("heavy", ["django.db", "django.conf", "multiprocessing"])
def test_importing_the_package_costs_nothing(heavy):
    done = run(f"import sys, django_q; assert {heavy!r} not in sys.modules")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("heavy", ["multiprocessing", "django_q.cluster"])
def test_a_web_process_that_enqueues_does_not_load_the_cluster(heavy):
    if not exists("django_q.tasks"):
        pytest.skip("django_q.tasks is not written yet")
    # Django itself may load multiprocessing; the question is whether django_q adds it.
    done = run(
        "import sys, django; from django.conf import settings;"
        "settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.startswith('django_q')];"
        "django.setup(); before = set(sys.modules);"
        "from django.apps import apps; apps.set_installed_apps([*settings.INSTALLED_APPS, 'django_q']);"
        f"import django_q.tasks; assert {heavy!r} not in set(sys.modules) - before"
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", ["import django_q.models", "from django_q import async_task"])
def test_a_project_that_forgot_to_install_the_app_is_told_what_to_add(line):
    settings = "from django.conf import settings; settings.configure(INSTALLED_APPS=[])"

    done = run(f"{settings}; import django; django.setup(); {line}")

    assert done.stderr.splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: django_q is used, but it is not installed in this project. "
        'Add "django_q" to INSTALLED_APPS, and run: manage.py migrate'
    )


def test_everything_imports_where_there_is_no_fork():
    """Web processes on Windows enqueue and read results; the whole package must at least import there."""
    done = run(ELSEWHERE, *(module for module in modules() if can_be_imported(module)))

    assert done.returncode == 0, done.stderr


def modules():
    for source in sources():
        parts = source.path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        # Settings and entry points of the example project do things when they are imported: that is their job.
        # The application of the course export has another name, under which its models are known.
        if not name.startswith(("django_q.examples.project", "django_q.examples.courses.")):
            yield name


def can_be_imported(module):
    """An application that the test settings do not install cannot be imported: its models have no label."""
    parts = module.split(".")[:3]
    return not ROOT.joinpath(*parts, "apps.py").exists() or ".".join(parts) in settings.INSTALLED_APPS


def exists(module):
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def run(code, *arguments):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "django_q_tests.settings.sqlite", "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
