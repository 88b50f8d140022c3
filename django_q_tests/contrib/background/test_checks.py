"""The system checks of background tasks, and what a project without content types is told."""

import subprocess
import sys

import pytest
from django.core import checks as django_checks
from django.test import override_settings

from django_q.contrib.background import checks
from django_q_tests.support.own_database import ROOT

# Django's own checks ask MySQL for its version.
pytestmark = pytest.mark.django_db


def found():
    """Return the messages of our checks by id."""
    every = django_checks.run_checks()
    return {message.id: message for message in every if (message.id or "").startswith(checks.LABEL)}


class Nowhere:
    """Keeps our table out of every database."""

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return False if app_label == checks.LABEL else None


def test_a_project_without_settings_has_no_issue():
    assert found() == {}


def test_settings_that_cannot_be_used_are_errors(settings):
    settings.Q_BACKGROUND = {"max_atempts": 3}

    message = found()["django_q_background.E001"]
    assert message.is_serious() and "Did you mean 'max_attempts'" in message.msg


def test_an_old_name_whose_value_cannot_be_used_is_an_error(settings):
    settings.MAX_ATTEMPTS = "many"

    assert "'many'" in found()["django_q_background.E001"].msg


@pytest.mark.parametrize("name", sorted(checks.REPLACED))
def test_a_setting_that_has_no_use_here_is_a_warning_that_names_what_has(settings, name):
    setattr(settings, name, 5)

    message = found()["django_q_background.W001"]
    assert message.msg.startswith(f"{name} has no effect. What replaces it: ") and not message.is_serious()


def test_django_background_tasks_beside_us_is_told(tmp_path, monkeypatch, settings):
    (tmp_path / "background_task").mkdir()
    (tmp_path / "background_task" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "background_task"]):
        message = found()["django_q_background.I001"]

    assert message.level == django_checks.INFO


def test_a_router_that_keeps_the_table_from_the_queue_is_an_error(settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.Nowhere"]

    assert "'default'" in found()["django_q_background.E002"].msg


def test_without_content_types_the_start_says_what_to_add():
    code = (
        "import django; from django.conf import settings; "
        "settings.configure(INSTALLED_APPS=['django_q', 'django_q.contrib.background'], "
        "DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}); django.setup()"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode and "Add 'django.contrib.contenttypes' to INSTALLED_APPS" in ran.stderr.splitlines()[-1]
