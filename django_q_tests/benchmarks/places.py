"""Databases for one run: made empty, dropped after it, with the connection settings that Django has by default."""

import atexit
import json
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_q_tests.support import databases
from django_q_tests.support.servers import NoServer, PrivatePostgres

VARIANTS = ("sqlite", "sqlite-wal", "postgres", "mysql")


class DurablePostgres(PrivatePostgres):
    """A server of our own that keeps what it was told to keep, as one does where figures matter."""

    def command(self) -> list[str]:
        return [*super().command(), "-c", "fsync=on", "-c", "full_page_writes=on"]


def start_durable_servers() -> None:
    """Start a PostgreSQL server that syncs, if none answers: the tests' own does not. All of this run then use it."""
    variable = databases.VARIABLES["postgres"]
    if os.environ.get(variable) or any(not databases.refusal_of(url) for url in databases.default_urls("postgres")):
        return
    try:
        server = DurablePostgres()
        atexit.register(server.remove)
        os.environ[variable] = server.start().url
    except NoServer:
        return  # whoever asks for it is told why


@dataclass(frozen=True)
class Place:
    """One database."""

    variant: str
    server: str  # empty for SQLite
    settings: dict[str, Any]  # a value of DATABASES

    @classmethod
    def create(cls, variant: str, folder: Path) -> "Place":
        """Make an empty database. Raises NoServer if there is no server for it."""
        vendor = variant.partition("-")[0]
        if vendor == "sqlite":
            name = str(folder / "benchmark.sqlite3")
            if variant == "sqlite-wal":
                # A property of the file: no setting of the project says it.
                with sqlite3.connect(name) as connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                connection.close()
            return cls(variant, "", {"ENGINE": databases.ENGINES["sqlite"], "NAME": name})
        databases.require_driver(vendor)
        server = databases.provide(vendor)
        name = f"{databases.PREFIX}{os.getpid()}_{uuid.uuid4().hex[:8]}"
        quoted = f'"{name}"' if vendor == "postgres" else f"`{name}` CHARACTER SET utf8mb4"
        databases.execute(server, f"CREATE DATABASE {quoted}")
        return cls(variant, server, databases.from_url(server) | {"NAME": name})

    @property
    def name(self) -> str:
        return str(self.settings["NAME"])

    def env(self, **cluster: Any) -> dict[str, str]:
        """The environment of a process that works here."""
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "django_q_tests.benchmarks.settings",
            "DJANGO_Q_BENCHMARK_DATABASE": json.dumps(self.settings),
            "DJANGO_Q_BENCHMARK_CLUSTER": json.dumps(cluster),
            "PYTHONPATH": path,
        }

    def drop(self) -> None:
        if self.server:
            databases.drop(self.server, self.name)


@contextmanager
def fresh(variant: str) -> Iterator[tuple[Place, Path]]:
    """Make an empty database and a folder, and remove both at the end. Raises NoServer if there is no server for it."""
    folder = Path(tempfile.mkdtemp(prefix="dq-benchmark-"))
    try:
        place = Place.create(variant, folder)
        try:
            yield place, folder
        finally:
            place.drop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
