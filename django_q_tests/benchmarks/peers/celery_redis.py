"""Celery with Redis as its broker, processes, and no results."""

import time

import workload
from celery import Celery
from workload import Program, asked

app = Celery("benchmark", broker=asked()["redis"])
app.conf.update(asked()["celery"], broker_connection_retry_on_startup=True)
noop = app.task(name="noop")(workload.noop)
stamp = app.task(name="stamp")(workload.stamp)


class CeleryRedis(Program):
    """One ``celery worker``."""

    packages = ("celery", "kombu", "redis")

    def worker(self) -> None:
        app.worker_main(["worker", f"--concurrency={asked()['workers']}", *asked()["arguments"]])

    def put(self, number: int) -> None:
        noop.delay(number, 2)

    def put_stamp(self, path: str) -> None:
        stamp.delay(path, time.monotonic_ns())


PROGRAM = CeleryRedis()
