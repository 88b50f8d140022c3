"""Without Django REST Framework there is no REST API, and everything else."""

import configparser
import os
import subprocess
import sys

import pytest

from django_q_tests.support.own_database import ROOT

pytestmark = pytest.mark.once

PROGRAM = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("rest_framework", "django_filters", "drf_spectacular", "rules"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import django
django.setup()
from django.core.management import call_command
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)

from django.contrib import admin
from django.contrib.auth import get_user_model
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.permissions import may, visible_to
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks.followed import bare

ann = get_user_model().objects.create_user("ann")
bare.delay(ann.pk)
run_all()
[row] = visible_to(ann, UserTaskStatus.objects.all())
print(row.state, row.artifacts.get().text, may(ann, "cancel", row), admin.site.is_registered(UserTaskStatus))
for name in ("views", "serializers", "filters", "urls", "parameters", "rules"):
    try:
        importlib.import_module(f"django_q.contrib.user_tasks.{name}")
    except ImportError as error:
        print(error)
"""


def test_everything_but_the_api_works_and_that_says_what_to_install():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "django_q_tests.settings.sqlite"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.stdout.splitlines()[1:] == [
        "Succeeded nothing True True",
        *["The REST API of user tasks needs Django REST Framework. Run: pip install 'django-q-cluster[rest]'"] * 5,
        "The rules of user tasks need django-rules. Run: pip install rules",
    ], done.stderr


def test_what_is_to_be_installed_is_there():
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg")

    assert setup["metadata"]["name"] == "django-q-cluster"
    assert "djangorestframework" in setup["options.extras_require"]["rest"]
