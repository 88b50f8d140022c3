"""Procrastinate, which works on PostgreSQL only."""

import os
import time
from typing import Any

import workload
from procrastinate import App, PsycopgConnector
from workload import Program, asked

_BATCH = 5000

app = App(connector=PsycopgConnector(kwargs=asked()["connection"]))


# It has no positional arguments.
@app.task(name="noop")
def noop(left: int, right: int) -> int:
    return workload.noop(left, right)


@app.task(name="stamp")
def stamp(path: str, before: int) -> int:
    return workload.stamp(path, before)


class ProcrastinatePG(Program):
    """As many workers as there are to be processes."""

    packages = ("procrastinate", "psycopg")

    def prepare(self) -> dict[str, str]:
        with app.open():
            app.schema_manager.apply_schema()
        return super().prepare()

    def worker(self) -> None:
        for _ in range(asked()["workers"] - 1):
            if not os.fork():
                break
        app.run_worker(**asked()["worker_options"])

    def enqueue(self, count: int) -> dict[str, float]:
        with app.open():
            return super().enqueue(count)

    def fill(self, count: int) -> dict[str, float]:
        with app.open():
            return super().fill(count)

    def latency(self, count: int, seconds: int) -> dict[str, Any]:
        with app.open():
            return super().latency(count, seconds)

    def put(self, number: int) -> None:
        noop.defer(left=number, right=2)

    def put_stamp(self, path: str) -> None:
        stamp.defer(path=path, before=time.monotonic_ns())

    def put_many(self, count: int) -> None:
        for start in range(0, count, _BATCH):
            numbers = range(start, min(start + _BATCH, count))
            noop.batch_defer(*({"left": number, "right": 2} for number in numbers))


PROGRAM = ProcrastinatePG()
