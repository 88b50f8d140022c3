"""A second database for one test, known by an alias."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from django.db import connections


@contextlib.contextmanager
def second_database(folder: Path, alias: str = "old") -> Iterator[str]:
    """Give an empty database this alias."""
    wanted = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / f"{alias}.sqlite3"), "OPTIONS": {}}
    connections.databases[alias] = {**connections.databases["default"], **wanted}
    try:
        connections[alias].connect()  # the alias came after the test had been allowed its own
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]
