"""What is deleted when it is old: the task, the command, and what they keep."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.purging import purge
from django_q.contrib.user_tasks.storage import chosen_storage
from django_q.contrib.user_tasks.tasks import purge_old_user_tasks
from django_q.exceptions import InvalidValue
from django_q.models import Schedule
from django_q.tasks import schedule
from django_q.tasks.firing import run_now
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def make():
    user, made = followed.make_user(), []

    def make(age, state="Succeeded", **columns):
        made.append(None)
        created = timezone.now() - timedelta(days=age)
        columns = {"name": f"n{len(made)}", "task_id": f"t{len(made)}", "total_steps": 1} | columns
        return UserTaskStatus.objects.create(user=user, state=state, created=created, **columns)

    return make


def left():
    return list(UserTaskStatus.objects.order_by("pk").values_list("name", flat=True))


def test_only_what_is_older_than_the_age_and_has_ended_goes(make):
    for age in (29.99, 30.01):
        for state in ("Succeeded", "Failed", "Canceled", "Pending", "In Progress", "Retrying", "Exporting"):
            make(age, state)

    assert purge() == 3
    assert left() == ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n11", "n12", "n13", "n14"]


def test_a_chain_is_kept_while_one_of_its_tasks_runs_and_goes_as_a_whole(make):
    running, ended = make(40, "Failed", is_container=True), make(40, "Failed", is_container=True)
    make(40, "Failed", parent=running)
    make(40, "In Progress", parent=make(40, "Failed", parent=running, is_container=True))
    make(40, "Succeeded", parent=make(40, "Failed", parent=ended, is_container=True))

    assert purge() == 3
    assert left() == ["n1", "n3", "n4", "n5"]


def test_files_go_with_their_rows_and_others_stay(make, django_capture_on_commit_callbacks):
    files = [
        UserTaskArtifact.objects.create(status=make(age), file=ContentFile(b"text", name="a.txt")) for age in (40, 1)
    ]
    with django_capture_on_commit_callbacks(execute=True):
        assert purge() == 1

    assert [chosen_storage().exists(each.file.name) for each in files] == [False, True]
    assert UserTaskArtifact.objects.count() == 1


def test_the_settings_say_the_age_and_the_task_purges(make, settings):
    settings.USER_TASKS_MAX_AGE = timedelta(days=5)
    make(6), make(4)
    purge_old_user_tasks.delay()
    (run,) = run_all()

    assert run.result == 1 and left() == ["n2"]


def test_the_documented_schedule_purges(make):
    make(40)
    scheduled = schedule(
        "django_q.contrib.user_tasks.tasks.purge_old_user_tasks",
        name="purge user tasks",
        schedule_type="C",
        cron="30 3 * * *",
    )
    run_now(Schedule.objects.get(pk=scheduled.pk))
    run_all(raise_errors=True)

    assert left() == []


def test_many_rows_go_in_batches(make, monkeypatch):
    monkeypatch.setattr("django_q.contrib.user_tasks.purging._AT_ONCE", 3)
    for _ in range(8):
        make(40)

    assert purge(dry_run=True) == 8 and len(left()) == 8
    assert purge() == 8 and left() == []


def test_the_command_counts_or_deletes(make):
    make(10), make(3)

    def run(*options):
        output = StringIO()
        call_command("purge_user_tasks", *options, stdout=output)
        return output.getvalue()

    assert run("--dry-run", "--older-than", "7") == "1 user task would be deleted.\n"
    assert run("--older-than", "12h", "--dry-run") == "2 user tasks would be deleted.\n"
    assert run() == "0 user tasks were deleted.\n" and left() == ["n1", "n2"]
    assert run("--older-than", "7d") == "1 user task was deleted.\n" and left() == ["n2"]


@pytest.mark.parametrize("age", ["soon", "-1", "7w", ""])
def test_the_command_refuses_what_is_no_age(age):
    with pytest.raises(CommandError, match="--older-than"):
        call_command("purge_user_tasks", f"--older-than={age}")


@pytest.mark.parametrize("age", [7, "7", timedelta(days=-1)])
def test_purge_refuses_what_is_no_age(age):
    with pytest.raises(InvalidValue, match="older_than="):
        purge(age)
