"""The plugin of pytest, in projects of its own: what pytest does there is seen from outside."""

import os
import subprocess
import sys

import pytest

from django_q_tests.support.plugins import WITHOUT_OTHERS

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.once

SETTINGS = """
SECRET_KEY = "of a project"
INSTALLED_APPS = ["django_q"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "TEST": {test}}}}}
USE_TZ = True
Q_CLUSTER = {{"name": "shop", "timeout": 60}}
"""
TASKS = """
import os

def add(left, right):
    return left + right

def where():
    return os.getpid()
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with tasks, and settings that lead to a database in memory; returns what writes its settings."""
    for name in ("DJANGO_SETTINGS_MODULE", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", WITHOUT_OTHERS)
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)
    pytester.makeini("[pytest]\nDJANGO_SETTINGS_MODULE = shop_settings\npythonpath = .\naddopts = --strict-markers\n")
    pytester.makepyfile(shop_tasks=TASKS, shop_settings=SETTINGS.format(test={}))
    return pytester


def run(project, *arguments):
    return project.runpytest_subprocess("-W", "error", *arguments, timeout=180)


# --- who does not use it -------------------------------------------------------------------------------------------


def test_a_project_without_django_is_not_disturbed(project):
    project.makeini("[pytest]\n")
    project.makepyfile(
        """
        import sys

        def test_nothing_of_django_is_loaded():
            assert "django_q.testing.plugin" in sys.modules
            assert [name for name in sys.modules if name.partition(".")[0] == "django"] == []
        """
    )

    run(project, "-p", "no:django").assert_outcomes(passed=1)


def test_a_project_without_settings_is_not_disturbed(project):
    project.makeini("[pytest]\n")
    project.makepyfile("def test_it_runs():\n    assert True\n")

    run(project).assert_outcomes(passed=1)


def test_importing_the_plugin_loads_neither_django_nor_our_models():
    code = "import sys, django_q.testing.plugin; print([m for m in sys.modules if m.partition('.')[0] == 'django'])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_package_names_what_it_holds_and_loads_it_when_it_is_used():
    code = (
        "import django_q.testing as testing, sys\n"
        "assert set(testing.__all__) <= set(dir(testing))\n"
        "assert 'django.conf' not in sys.modules\n"
        "try: testing.run_al\n"
        "except AttributeError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )

    assert done.stdout == "module 'django_q.testing' has no attribute 'run_al'\n", done.stderr


# --- q_eager -------------------------------------------------------------------------------------------------------


def test_tasks_run_at_once_in_the_tests_that_ask_for_it_only(project):
    project.makepyfile(
        """
        import pytest
        from django_q import async_task, conf, result

        pytestmark = pytest.mark.django_db

        def test_it_runs_at_once(q_eager):
            assert result(async_task("shop_tasks.add", 1, 2)) == 3
            assert (conf.current().name, conf.current().timeout) == ("shop", 60)

        def test_it_waits():
            assert result(async_task("shop_tasks.add", 1, 2)) is None
        """
    )

    run(project).assert_outcomes(passed=2)


def test_a_test_without_a_database_is_told_so_by_pytest_django(project):
    project.makepyfile(
        """
        from django_q import async_task

        def test_it_has_no_database(q_eager):
            async_task("shop_tasks.add", 1, 2)
        """
    )

    outcome = run(project)

    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*Database access not allowed*django_db*"])


# --- q_cluster -----------------------------------------------------------------------------------------------------

LIVE = """
import os
import pytest
from django_q import async_task, result
from shop_tasks import where

@pytest.mark.q_cluster(workers=1)
def test_it_runs_elsewhere(q_cluster):
    assert result(async_task(where), wait=60000) not in (None, os.getpid())

def test_it_runs_elsewhere_again(q_cluster):
    assert result(async_task("shop_tasks.add", 1, 2), wait=60000) == 3
"""


def test_a_database_in_memory_is_refused_with_the_remedy(project):
    project.makepyfile(LIVE)

    outcome = run(project)

    outcome.assert_outcomes(errors=2)
    shown = outcome.stdout.str()
    assert "DATABASES['default'] is SQLite in memory while tests run" in shown
    assert "DATABASES['default']['TEST'] = {'NAME': BASE_DIR / 'test.sqlite3'}" in shown
    assert "Traceback" not in shown and "live.py" not in shown


def test_a_project_with_its_database_in_a_file_gets_a_cluster(project):
    project.makepyfile(LIVE, shop_settings=SETTINGS.format(test={"NAME": str(project.path / "test.sqlite3")}))

    run(project).assert_outcomes(passed=2)


def test_each_process_of_a_divided_run_gets_its_own(project):
    pytest.importorskip("xdist")
    project.makepyfile(LIVE, shop_settings=SETTINGS.format(test={"NAME": str(project.path / "test.sqlite3")}))

    run(project, "-n2").assert_outcomes(passed=2)


def test_a_test_that_fails_shows_what_the_cluster_logged(project):
    project.makepyfile(
        """
        def test_it_fails(q_cluster):
            assert False
        """,
        shop_settings=SETTINGS.format(test={"NAME": str(project.path / "test.sqlite3")}),
    )

    outcome = run(project)

    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*Captured stdout teardown*", "*INFO*"])


def test_without_pytest_django_there_is_no_database_to_share(project):
    project.makeini("[pytest]\n")
    project.makepyfile("def test_it(q_cluster):\n    pass\n")

    outcome = run(project, "-p", "no:django")

    outcome.assert_outcomes(errors=1)
    outcome.stdout.fnmatch_lines(["*fixture 'transactional_db' not found*"])


def test_the_fixtures_and_the_marker_are_listed_with_what_they_do(project):
    shown = run(project, "--fixtures", "--markers").stdout.str() + run(project, "--fixtures").stdout.str()

    assert "@pytest.mark.q_cluster(**settings): keys of Q_CLUSTER" in shown
    assert "Run a real cluster on the database of the test" in shown
    assert "Let tasks run at once" in shown
