"""Which files belong to the project, and which of them has changed; the looking is done by Django's autoreloader."""

import logging
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils import autoreload

from django_q.kernel import clock

logger = logging.getLogger("django_q.cluster")

# A project has fewer directories; whoever has more started the command in his home directory or in /.
_MOST_DIRECTORIES = 2000
_FOREIGN = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")


class Changes:
    """Calls ``changed`` with the path of each file that changes, from a thread of its own.

    Watched are all modules that this process has imported, the templates and translations that ``runserver`` watches,
    and every Python file of the project: tasks are often imported by workers only.
    """

    def __init__(self, changed: Callable[[Path], None]) -> None:
        self._changed = changed
        # Never Watchman: it gives up on large directories, and its errors would end the thread without a word.
        self._reloader = autoreload.StatReloader()
        self._files: set[Path] = set()
        self._is_over = False
        self._has_complained = False

    def start(self) -> None:
        """Take note of how the files are, and begin to look."""
        self._files = set(self._look_around())
        autoreload.autoreload_started.send(sender=self._reloader)
        autoreload.file_changed.connect(self._on_change, sender=self._reloader)
        Thread(target=self._watch, name="changes", daemon=True).start()

    def stop(self) -> None:
        """Say nothing any more."""
        self._is_over = True

    def _watch(self) -> None:
        while True:
            try:
                for _ in self._reloader.tick():
                    if self._is_over:
                        return
                    self._tell_what_is_new()
            except OSError as error:  # a directory that vanishes while it is read; the next look does without it
                logger.debug("A look at the files of the project failed: %s", error)
                clock.sleep(self._reloader.SLEEP_TIME)

    def _tell_what_is_new(self) -> None:
        """Tell of files that the autoreloader, which compares with what it saw before, takes no notice of."""
        files = set(self._look_around())
        for path in files - self._files:
            self._changed(path)
        self._files = files

    def _on_change(self, file_path: Path, **_: Any) -> bool:
        if not self._is_over:
            self._changed(Path(file_path))
        return True  # or the autoreloader would end this process

    def _look_around(self) -> Iterator[Path]:
        """Have each directory with Python files watched, and yield the files."""
        for number, (folder, names) in enumerate(_directories()):
            if number == _MOST_DIRECTORIES:
                self._complain(folder)
                return
            files = [folder / name for name in names if name.endswith(".py") and name[0] not in ".#"]
            if files:
                self._reloader.watch_dir(folder, "*.py")
            yield from files

    def _complain(self, folder: Path) -> None:
        if not self._has_complained:
            logger.warning("Changes from %s on are not seen: %d directories are watched.", folder, _MOST_DIRECTORIES)
        self._has_complained = True


def _directories() -> Iterator[tuple[Path, list[str]]]:
    """Yield the project's directories, each with the names of its files."""
    collections = _collections()
    for root in _roots():
        for place, folders, files in os.walk(root):
            folder = Path(place)
            folders[:] = [name for name in sorted(folders) if _may_hold_code(folder / name, collections)]
            yield folder, files


def _roots() -> list[Path]:
    """Return where the project's code lies, no directory twice: beside manage.py, and its applications."""
    places = [
        sys.path[0] or os.getcwd(),
        getattr(settings, "BASE_DIR", ""),
        *(app.path for app in apps.get_app_configs()),
    ]
    found = {Path(place).resolve() for place in places if place}
    own = sorted(place for place in found if place.is_dir() and not _is_installed(place))
    return [place for place in own if not any(other in place.parents for other in own)]


def _is_installed(place: Path) -> bool:
    """Does it belong to the interpreter or to a package that was installed?"""
    ours = [Path(sysconfig.get_path(name)).resolve() for name in _INSTALLED]
    return any(path in (place, *place.parents) for path in ours) or not _FOREIGN.isdisjoint(place.parts)


def _may_hold_code(folder: Path, collections: set[Path]) -> bool:
    if folder.name.startswith(".") or folder.name in _FOREIGN:
        return False
    return folder not in collections and not (folder / "pyvenv.cfg").exists()


def _collections() -> set[Path]:
    """Return the directories of uploaded and collected files, which may be very many."""
    named = (getattr(settings, name, "") for name in ("MEDIA_ROOT", "STATIC_ROOT"))
    return {Path(name).resolve() for name in named if name}
