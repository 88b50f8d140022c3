"""What pages are told of user tasks."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.utils import timezone, translation

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.snapshots import left_text, look_at, snapshot
from django_q.models import OrmQ
from django_q_tests.contrib.user_tasks.followed import counts

pytestmark = pytest.mark.django_db


class Nowhere(Storage):
    """Files without an address."""

    def _save(self, name, content):
        return name

    def exists(self, name):
        return False


@pytest.fixture
def row():
    return make()


def make(**columns):
    columns = {"task_id": str(uuid4()), "name": "Export", "total_steps": 4} | columns
    user, _ = User.objects.get_or_create(username="ann")
    return UserTaskStatus.objects.create(user=user, **columns)


def facts_of(row):
    return look_at([row.uuid])[row.uuid]


def told(row, **rights):
    return snapshot(facts_of(row), **{"may_cancel": True, "sees_artifacts": True, **rights})


def artifacts(row):
    return [(each["name"], each["url"], each["text"]) for each in told(row)["artifacts"]]


def test_a_snapshot_says_all_that_a_page_shows(row):
    row.start()
    row.increment_completed_steps(1)

    assert told(row) == {
        "uuid": str(row.uuid),
        "name": "Export",
        "state": "In Progress",
        "state_text": "In Progress",
        "completed_steps": 1,
        "total_steps": 4,
        "percent": 25,
        "percent_text": "25 %",
        "seconds_left": None,
        "left_text": "",
        "is_final": False,
        "attempts": 1,
        "error": "",
        "artifacts": [],
        "may_cancel": True,
    }


def test_it_speaks_the_language_of_the_reader(row):
    with translation.override("de"):
        assert told(row)["state_text"] == "Wartet" and told(row)["state"] == "Pending"


def test_what_has_ended_cannot_be_canceled(row):
    row.fail("The disk is full.")

    found = told(row)
    assert (found["is_final"], found["may_cancel"], found["error"]) == (True, False, "The disk is full.")
    assert found["artifacts"] == [], "the error is told once"


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 3, 0), (2, 3, 66), (299, 300, 99), (3, 3, 100), (4, 3, 100), (0, 0, None)]
)
def test_only_what_is_done_is_100_percent(done, total, percent):
    assert facts_of(make(completed_steps=done, total_steps=total)).percent == percent


def test_without_steps_success_is_all():
    assert facts_of(make(total_steps=0, state="Succeeded")).percent == 100


def test_artifacts_are_told_in_their_order_and_bounded(row):
    for number in range(25):
        UserTaskArtifact.objects.create(status=row, name=str(number), text="x" * (499 + number))

    found = artifacts(row)

    assert [name for name, _, _ in found] == [str(number) for number in range(20)]
    assert [len(text) for _, _, text in found[:4]] == [499, 500, 501, 501] and found[2][2].endswith("…")
    assert told(row, sees_artifacts=False)["artifacts"] == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", " javascript:x"])
def test_an_address_that_runs_a_script_is_no_link(row, url):
    UserTaskArtifact.objects.create(status=row, url=url)

    assert artifacts(row) == [("Output", "", "")]


def test_addresses_and_files_are_links(row, settings, tmp_path):
    settings.MEDIA_ROOT, settings.MEDIA_URL = tmp_path, "/media/"
    UserTaskArtifact.objects.create(status=row, url="https://example.com/export")
    UserTaskArtifact.objects.create(status=row, file=ContentFile(b"text", name="export.txt"))

    (_, url, _), (_, file, _) = artifacts(row)

    assert url == "https://example.com/export"
    assert file.startswith("/media/user_tasks/") and file.endswith("export.txt")


def test_a_file_without_an_address_is_told_by_its_name(row, settings):
    settings.USER_TASKS_ARTIFACT_STORAGE = f"{__name__}.Nowhere"
    UserTaskArtifact.objects.create(status=row, name="Archive", file=ContentFile(b"text", name="export.txt"))

    assert artifacts(row) == [("Archive", "", "")]


def test_the_time_left_is_guessed_from_the_work_done(row):
    task = counts.delay(row.user.pk, steps=4)
    own = UserTaskStatus.objects.get(task_id=task)
    own.start()
    assert facts_of(own).seconds_left is None
    own.increment_completed_steps(1)
    assert facts_of(own).seconds_left is None, "nobody knows when it began"

    OrmQ.objects.filter(pk=task).update(running_since=timezone.now() - timedelta(seconds=40))

    assert facts_of(own).seconds_left in (119, 120, 121)
    own.retry()
    assert facts_of(own).seconds_left is None, "some of it was done by the attempt before"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds left"),
        (11, "about 10 seconds left"),
        (89, "about 90 seconds left"),
        (120, "about 2 minutes left"),
        (5000, "about 83 minutes left"),
        (7200, "about 2 hours left"),
    ],
)
def test_the_time_left_is_told_roughly(seconds, text):
    assert left_text(seconds) == text


@pytest.mark.parametrize("count", [1, 10])
def test_all_that_is_watched_is_read_at_once(django_assert_num_queries, count):
    rows = [make(state="In Progress", completed_steps=1) for _ in range(count)]
    with django_assert_num_queries(1):
        look_at([row.uuid for row in rows])
    for row in rows:
        UserTaskArtifact.objects.create(status=row, text="Text")

    with django_assert_num_queries(2):
        found = look_at([row.uuid for row in rows])
    assert all(found[row.uuid].artifacts[0].text == "Text" for row in rows)


def test_what_is_the_same_has_the_same_version(row):
    before = facts_of(row)
    UserTaskStatus.objects.filter(pk=row.pk).update(modified=timezone.now())
    assert facts_of(row) == before and facts_of(row).version == before.version

    row.set_state("Exporting")

    assert facts_of(row) != before and facts_of(row).version != before.version
    assert look_at([uuid4()]) == {}
