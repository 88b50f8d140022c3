"""Which files are watched, and which changes are told."""

import os
import sysconfig
from pathlib import Path
from queue import SimpleQueue

import pytest
from django.apps import apps
from django.utils import autoreload

from django_q.management import changes
from django_q.management.changes import Changes
from django_q_tests.support.eventually import eventually

PATIENCE = 10


@pytest.fixture
def root(tmp_path, monkeypatch, settings):
    """A project: the directory in which manage.py would be."""
    root = tmp_path / "project"
    write(root / "shop" / "tasks.py")
    monkeypatch.syspath_prepend(root)
    settings.BASE_DIR = root
    monkeypatch.setattr(apps, "get_app_configs", list)
    return root


@pytest.fixture
def told(root, monkeypatch):
    """What is told of changes, from now on."""
    monkeypatch.setattr(autoreload.StatReloader, "SLEEP_TIME", 0.02)
    queue = SimpleQueue()
    watch = Changes(queue.put)
    watch.start()
    yield queue
    watch.stop()


def write(path, text="x = 1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def touch(path):
    """Save a file later than it was saved before, whatever the clock of the file system shows."""
    moment = path.stat().st_mtime + 10
    os.utime(path, (moment, moment))


def watched():
    return {folder for folder, _ in changes._directories()}


def test_a_file_that_changes_is_told(root, told):
    known = root / "shop" / "tasks.py"

    # Once may be too early: the autoreloader begins in a thread.
    eventually(lambda: touch(known) or not told.empty(), within=PATIENCE)

    assert told.get() == known


def test_a_new_file_is_told_also_in_a_new_directory(root, told):
    new = write(root / "parcels" / "deep" / "tasks.py")

    assert told.get(timeout=PATIENCE) == new


def test_a_directory_that_vanishes_while_it_is_read_does_not_end_the_watching(root, monkeypatch, told):
    look, failures = autoreload.StatReloader.snapshot_files, []

    def fail_once(self):
        if not failures:
            failures.append(1)
            raise FileNotFoundError(2, "No such file or directory", "shop")
        return look(self)

    monkeypatch.setattr(autoreload.StatReloader, "snapshot_files", fail_once)
    eventually(lambda: failures, within=PATIENCE)

    new = write(root / "shop" / "later.py")

    assert told.get(timeout=PATIENCE) == new


def test_what_editors_write_beside_a_file_is_not_told(root, told):
    for name in (".#tasks.py", "#tasks.py#", ".tasks.py.swp", "tasks.py~", "notes.txt"):
        write(root / "shop" / name)
    real = write(root / "shop" / "later.py")

    assert told.get(timeout=PATIENCE) == real
    assert told.empty()


def test_after_its_end_nothing_is_told(root):
    told = []
    watch = Changes(told.append)
    watch.start()
    watch.stop()

    autoreload.file_changed.send(sender=watch._reloader, file_path=root / "shop" / "tasks.py")

    assert told == []


def test_what_another_reloader_sees_is_not_told(root, told):
    autoreload.file_changed.send(sender=autoreload.StatReloader(), file_path=root / "shop" / "tasks.py")

    assert told.empty()


@pytest.mark.parametrize("name", [".git", ".venv", "node_modules", "__pycache__", "lib/site-packages"])
def test_what_is_not_of_the_project_is_not_watched(root, name):
    write(root / name / "some" / "module.py")

    assert watched() <= {root, root / "shop", root / "lib"}


def test_a_virtual_environment_is_not_watched_whatever_its_name(root):
    write(root / "env" / "pyvenv.cfg")
    write(root / "env" / "bin" / "tool.py")

    assert watched() == {root, root / "shop"}


def test_uploaded_and_collected_files_are_not_watched(root, settings):
    settings.MEDIA_ROOT, settings.STATIC_ROOT = str(root / "media"), root / "static"
    for name in ("media/1/2/x.py", "static/x.py"):
        write(root / name)

    assert watched() == {root, root / "shop"}


def test_an_application_elsewhere_is_watched_and_an_installed_one_is_not(root, tmp_path, monkeypatch):
    class Application:
        def __init__(self, path):
            self.path = str(path)

    write(tmp_path / "elsewhere" / "parcels" / "models.py")
    installed = Path(sysconfig.get_path("purelib")) / "django"
    ours = [Application(tmp_path / "elsewhere" / "parcels"), Application(root / "shop"), Application(installed)]
    monkeypatch.setattr(apps, "get_app_configs", lambda: ours)

    assert watched() == {root, root / "shop", tmp_path / "elsewhere" / "parcels"}


def test_the_directory_of_django_admin_is_not_watched(root, monkeypatch):
    monkeypatch.syspath_prepend(sysconfig.get_path("scripts"))

    assert watched() == {root, root / "shop"}


def test_a_home_directory_is_watched_in_part_and_said_once(root, monkeypatch, caplog):
    monkeypatch.setattr(changes, "_MOST_DIRECTORIES", 2)
    write(root / "z" / "tasks.py")
    watch = Changes(print)

    files = [set(watch._look_around()) for _ in range(2)]

    assert files == [{root / "shop" / "tasks.py"}] * 2
    assert [record.getMessage() for record in caplog.records] == [
        f"Changes from {root / 'z'} on are not seen: 2 directories are watched."
    ]
