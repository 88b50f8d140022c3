"""``qmigrate_from user_tasks``: what it refuses, and how it says what it did."""

import io
import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connections

from django_q_tests.contrib.user_tasks.moving import old
from django_q_tests.contrib.user_tasks.test_users import SETTINGS
from django_q_tests.support.own_database import ROOT


def qmigrate_from(*words):
    output = io.StringIO()
    call_command("qmigrate_from", "user_tasks", *words, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("words", [["--trust-pickles"], ["--name", "old"]])
def test_options_that_mean_nothing_are_refused(words):
    with pytest.raises(CommandError, match=f"{words[0]} means nothing to user_tasks: nothing in its rows"):
        qmigrate_from(*words)


def test_a_database_without_the_old_tables_is_told(another_database):
    missing = "'old' has no table user_tasks_usertaskstatus and no table user_tasks_usertaskartifact: django-user-tasks"
    with pytest.raises(CommandError, match=missing):
        qmigrate_from("--database", another_database)


def test_tables_of_something_else_are_told_by_the_columns_that_they_lack(tables_elsewhere):
    with connections[tables_elsewhere].cursor() as cursor:
        cursor.execute("ALTER TABLE user_tasks_usertaskstatus DROP COLUMN attempts")

    lacking = "user_tasks_usertaskstatus is not that of django-user-tasks: it has no column attempts"
    with pytest.raises(CommandError, match=lacking):
        qmigrate_from("--database", tables_elsewhere)


@pytest.mark.django_db
def test_the_report_is_lines_for_people(old_tables, settings):
    old.artifact(old.status())

    lines = qmigrate_from("--dry-run").splitlines()

    assert lines == [
        "What a move would do (nothing was written): django-user-tasks, tables in the database 'default'",
        "User tasks: 1 found, 1 moved, 0 moved before, 0 not moved",
        "Artifacts: 1 found, 1 moved, 0 moved before, 0 not moved",
        "The old rows stay as they are, untouched, until you drop their tables.",
        "1 user tasks were created longer ago than USER_TASKS_MAX_AGE (30 days): the next purge_user_tasks deletes "
        "them here, with their files.",
    ]


def test_rights_on_the_old_rows_are_told_and_given_to_nobody(move):
    kind = ContentType.objects.create(app_label="user_tasks", model="usertaskstatus")
    right = Permission.objects.create(content_type=kind, codename="view_usertaskstatus", name="view")
    for name in ("helpers", "bosses"):
        Group.objects.create(name=name).permissions.add(right)
    User.objects.create(username="ann").user_permissions.add(right)

    [_, remark] = move()["remarks"]

    assert remark.startswith("2 groups ('bosses', 'helpers') and 1 users have permissions of user_tasks.")
    assert not Group.objects.filter(permissions__content_type__app_label="django_q_user_tasks").exists()


PROGRAM = """
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.contrib.auth import get_user_model
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.moving.tables import OldArtifact, OldStatus
from django_q_tests.contrib.user_tasks.moving import old

call_command("migrate", run_syncdb=True, verbosity=0)
with connection.schema_editor() as editor:
    editor.create_model(OldStatus); editor.create_model(OldArtifact)
user = get_user_model().objects.create(username="ann")
old.status(user=user)
call_command("qmigrate_from", "user_tasks")
print(UserTaskStatus.objects.get().user == user)
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

    assert done.stdout.endswith("True\n"), done.stderr
