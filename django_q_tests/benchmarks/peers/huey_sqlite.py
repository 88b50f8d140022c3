"""Huey with an SQLite file."""

import time
from pathlib import Path

import workload
from huey import SqliteHuey
from workload import Program, asked

huey = SqliteHuey("benchmark", filename=str(Path(asked()["folder"]) / "huey.sqlite3"))
noop = huey.task(name="noop")(workload.noop)
stamp = huey.task(name="stamp")(workload.stamp)


class HueySqlite(Program):
    """One consumer."""

    packages = ("huey",)

    def worker(self) -> None:
        huey.create_consumer(workers=asked()["workers"], worker_type="process").run()

    def put(self, number: int) -> None:
        noop(number, 2)

    def put_stamp(self, path: str) -> None:
        stamp(path, time.monotonic_ns())


PROGRAM = HueySqlite()
