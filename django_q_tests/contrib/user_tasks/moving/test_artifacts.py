"""What tasks made under django-user-tasks, in our table, and where its files are."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from django_q.contrib.user_tasks.models import UserTaskArtifact
from django_q.contrib.user_tasks.moving.artifacts import NO_FILE, STRANGE_FILE
from django_q.contrib.user_tasks.moving.move import FILES, OTHER_STORAGE
from django_q.contrib.user_tasks.storage import ALIAS
from django_q_tests.contrib.user_tasks.moving import old

pytestmark = pytest.mark.django_db
SAME = ("uuid", "name", "url", "text", "created", "modified")
PLACE = {"BACKEND": "django.core.files.storage.FileSystemStorage"}


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.mark.parametrize("content", [
    {}, {"text": "ü" * 5000}, {"url": f"https://example.com/{'x' * 600}"}, {"name": "Error", "text": "out of ink"},
])  # fmt: skip
def test_what_a_task_made_is_the_same_here(move, content):
    before = old.artifact(old.status(), **content)

    report = move()

    artifact = UserTaskArtifact.objects.get()
    assert (report["artifacts"]["moved"], report["left"], report["artifacts"]["notes"]) == (1, 0, [])
    assert {name: getattr(artifact, name) for name in SAME} == {name: getattr(before, name) for name in SAME}
    assert (artifact.status.uuid, bool(artifact.file)) == (before.status.uuid, False)


def test_a_file_stays_where_it_is(move):
    name = default_storage.save("user_tasks/2024/02/29/latin.txt", ContentFile(b"salve"))
    old.artifact(old.status(), file=name)

    report = move()

    artifact = UserTaskArtifact.objects.get()
    with artifact.file as file:
        assert (file.name, file.read()) == (name, b"salve")
    assert report["artifacts"]["notes"] == []
    assert FILES in report["remarks"] and OTHER_STORAGE not in report["remarks"]


@pytest.mark.parametrize(("name", "said"), [("user_tasks/gone.txt", NO_FILE), ("../secret", STRANGE_FILE)])
def test_a_file_that_is_not_there_is_told(move, name, said):
    number = old.artifact(old.status(), file=name).pk

    [note] = move("--dry-run")["artifacts"]["notes"]

    assert (note["text"], note["examples"]) == (said, [f"{name} ({number})"])


def test_another_storage_is_told_and_looked_into(move, settings, tmp_path):
    name = default_storage.save("latin.txt", ContentFile(b"salve"))
    old.artifact(old.status(), file=name)
    settings.STORAGES = {**settings.STORAGES, ALIAS: {**PLACE, "OPTIONS": {"location": str(tmp_path / "new")}}}

    report = move()

    assert OTHER_STORAGE in report["remarks"]
    assert [note["text"] for note in report["artifacts"]["notes"]] == [NO_FILE]
