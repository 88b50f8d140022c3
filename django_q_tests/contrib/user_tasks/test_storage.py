"""Where the files of artifacts are kept, and when they go."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.storage import ALIAS, chosen_storage
from django_q_tests.contrib.user_tasks import followed

pytestmark = pytest.mark.once


class Elsewhere(FileSystemStorage):
    """A storage that a dotted path names."""


FILES = {"BACKEND": "django.core.files.storage.FileSystemStorage"}


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def row(db):
    return UserTaskStatus.objects.create(user=followed.make_user(), task_id="t", name="n", total_steps=1)


def test_the_alias_wins_over_the_path_and_the_path_over_the_default(settings):
    assert chosen_storage() is default_storage

    settings.USER_TASKS_ARTIFACT_STORAGE = f"{__name__}.Elsewhere"
    assert type(chosen_storage()).__name__ == "Elsewhere"

    settings.STORAGES = {**settings.STORAGES, ALIAS: {**FILES, "OPTIONS": {"location": "/elsewhere"}}}
    assert chosen_storage().location == "/elsewhere"


def test_the_settings_are_read_when_a_file_is_written(row, settings, tmp_path):
    for place in ("one", "two"):
        settings.STORAGES = {**settings.STORAGES, ALIAS: {**FILES, "OPTIONS": {"location": tmp_path / place}}}
        artifact = UserTaskArtifact.objects.create(status=row, file=ContentFile(b"text", name="a.txt"))
        assert (tmp_path / place / artifact.file.name).read_bytes() == b"text"
        assert artifact.file.name.startswith("user_tasks/")
        with UserTaskArtifact.objects.get(pk=artifact.pk).file.open() as file:
            assert file.read() == b"text"


@pytest.mark.django_db
def test_another_storage_makes_no_migration(settings):
    settings.STORAGES = {**settings.STORAGES, ALIAS: FILES}
    settings.USER_TASKS_ARTIFACT_STORAGE = f"{__name__}.Elsewhere"

    call_command("makemigrations", "django_q_user_tasks", check=True, dry_run=True, verbosity=0)


def test_a_file_goes_with_its_row_when_that_is_committed(row, django_capture_on_commit_callbacks):
    artifact = UserTaskArtifact.objects.create(status=row, file=ContentFile(b"text", name="a.txt"))
    name = artifact.file.name
    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
        assert chosen_storage().exists(name)

    assert not chosen_storage().exists(name)


def test_a_long_address_can_be_stored(row):
    url = "https://files.example/" + "x" * 2000

    UserTaskArtifact.objects.create(status=row, url=url).full_clean()

    assert UserTaskArtifact.objects.get().url == url
