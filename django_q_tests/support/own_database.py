"""A database for one test alone, which the test and the processes that it starts share."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from django_q_tests.support import databases

ROOT = Path(__file__).resolve().parent.parent.parent


class OwnDatabase:
    """A fresh, migrated database; the alias means it while the test runs, in every thread."""

    def __init__(self, *, server: str, name: str, alias: str = "default") -> None:
        self.alias = alias
        self.name = name
        self.server = server
        self._database = connections.settings[alias]

    @property
    def url(self) -> str:
        return databases.to_url({**self._database, "NAME": self.name})

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that works on this database."""
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "django_q_tests.settings.process",
            "DJANGO_Q_TEST_DATABASE_URL": self.url,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONUNBUFFERED": "1",
        }

    def env_with(self, **cluster: Any) -> dict[str, str]:
        """The same, with these values in Q_CLUSTER."""
        return self.env | {"DJANGO_Q_TEST_CLUSTER": json.dumps(cluster)}

    def popen(self, *arguments: str, cluster: dict[str, Any] | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start `manage.py …arguments` on this database; the caller ends it."""
        command = [sys.executable, "-m", "django", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": ROOT} | options
        return subprocess.Popen(command, env=self.env_with(**(cluster or {})), **options)

    def drop(self) -> None:
        """Remove the database, whoever is still connected to it."""
        connections[self.alias].close()
        if self.server:
            databases.drop(self.server, self.name)
            return
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(self.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def pointed_at(name: str, *, alias: str = "default") -> Iterator[None]:
    """Let alias mean the database name. All threads read the same dictionary, so all of them follow."""
    connection = connections[alias]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


class Template:
    """A migrated database to copy from, made once per test process when the first test asks."""

    def __init__(self, folder: Path) -> None:
        database = connections.settings["default"]
        self.vendor = databases.vendor_of(database)
        self.server = "" if self.vendor == "sqlite" else databases.to_url({**database, "NAME": ""})
        self.folder = folder
        self.name = ""

    def copy(self, folder: Path) -> OwnDatabase:
        """Make a database that holds the migrated tables and nothing else."""
        if self.vendor == "sqlite":
            name = str(folder / "own.sqlite3")
            shutil.copyfile(self.migrated(), name)
        else:
            name = self.new_name()
            source = self.migrated() if self.vendor == "postgres" else ""
            self.create(name, source)
        return OwnDatabase(server=self.server, name=name)

    def empty(self, folder: Path) -> OwnDatabase:
        """Make a database without any table, for what was here before us."""
        if not self.server:
            return OwnDatabase(server="", name=str(folder / "empty.sqlite3"))
        name = self.new_name()
        databases.execute(self.server, self.creation_of(name))
        return OwnDatabase(server=self.server, name=name)

    def creation_of(self, name: str) -> str:
        quoted = f'"{name}"' if self.vendor == "postgres" else f"`{name}` CHARACTER SET utf8mb4"
        return f"CREATE DATABASE {quoted}"

    def migrated(self) -> str:
        if not self.name:
            self.name = str(self.folder / "template.sqlite3") if self.vendor == "sqlite" else self.new_name()
            if self.server:
                self.create(self.name)
            else:
                migrate(self.name)
        return self.name

    def create(self, name: str, source: str = "") -> None:
        if source:
            databases.execute(self.server, f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
            return
        databases.execute(self.server, self.creation_of(name))
        migrate(name)

    def new_name(self) -> str:
        return f"{databases.PREFIX}{os.getpid()}_{uuid.uuid4().hex[:8]}"

    def drop(self) -> None:
        if self.name and self.server:
            databases.drop(self.server, self.name)


def migrate(name: str) -> None:
    with pointed_at(name):
        call_command("migrate", verbosity=0)
