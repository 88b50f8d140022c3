"""What a package keeps of tasks that have ended, asked from outside, and what its server spends on it."""

import sqlite3
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import processes
from django_q_tests.benchmarks.systems import System


class Stored:
    """A connection of our own to the place of a package."""

    def __init__(self, database: dict[str, Any] | None, folder: Path, system: System) -> None:
        self.question = system.stored
        self.file: Path | None = None
        self.connection: Any = None
        if system.place == "postgres" and database:
            import psycopg

            self.connection = psycopg.connect(
                host=database["HOST"], port=database["PORT"] or None, user=database["USER"],
                password=database["PASSWORD"] or None, dbname=database["NAME"], autocommit=True,
            )  # fmt: skip
        elif system.place != "redis":
            self.file = Path(database["NAME"]) if database else folder / "huey.sqlite3"
            self.connection = sqlite3.connect(self.file, timeout=20, isolation_level=None)

    def count(self) -> int:
        """Return how many tasks have ended; 0 where the package does not keep that."""
        if not self.question:
            return 0
        return int(self.connection.execute(self.question).fetchone()[0])

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def server_cpu(self) -> float:
        """Return the seconds of CPU that PostgreSQL's processes for this database have used; ours is not counted."""
        if self.file is not None or self.connection is None:
            return 0.0
        info = self.connection.info
        return sum(map(processes.cpu_of, processes.server_processes(info.dbname, but=info.backend_pid))) / 1e9
