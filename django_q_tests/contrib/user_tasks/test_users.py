"""Users of another model, whose keys are no numbers."""

import os
import subprocess
import sys

import pytest

from django_q_tests.support.own_database import ROOT

SETTINGS = "django_q_tests.support.uuid_users.settings"

PROGRAM = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)

from uuid import uuid4
from django.contrib.auth import get_user_model
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks.followed import counts

user = get_user_model().objects.create(username="ann")
counts.delay(user.pk, steps=2)
counts.delay(user_id=str(user.pk), steps=2)
for wrong in (uuid4(), 1, "ann"):
    try:
        counts.delay(wrong)
    except TypeError as error:
        print(str(error).startswith("Invalid user_id"))
run_all()
print(list(UserTaskStatus.objects.filter(user=user).values_list("state", "completed_steps")))
"""


@pytest.mark.once
def test_the_key_of_a_user_may_be_a_uuid():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.stdout.splitlines() == ["True"] * 3 + ["[('Succeeded', 2), ('Succeeded', 2)]"], done.stderr
