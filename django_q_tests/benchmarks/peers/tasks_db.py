"""django-tasks-db: the tasks of Django itself, or their backport, kept in the database."""

import os
import subprocess
import sys
import time

import django
import workload
from django.core.management import call_command
from django.db import transaction
from workload import Program, asked

django.setup()

if django.VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task


@task()
def noop(left: int, right: int) -> int:
    return workload.noop(left, right)


@task()
def stamp(path: str, before: int) -> int:
    return workload.stamp(path, before)


class TasksDB(Program):
    """As many ``db_worker``s as there are to be processes."""

    packages = ("django-tasks-db", "django")

    def prepare(self) -> dict[str, str]:
        call_command("migrate", verbosity=0)
        return super().prepare()

    def worker(self) -> None:
        command = [sys.executable, "-m", "django", "db_worker", *asked()["arguments"]]
        # One takes the place of this process; the driving side ends all of the session.
        for _ in range(asked()["workers"] - 1):
            subprocess.Popen(command)
        os.execv(sys.executable, command)

    def put(self, number: int) -> None:
        noop.enqueue(number, 2)

    def put_stamp(self, path: str) -> None:
        stamp.enqueue(path, time.monotonic_ns())

    def put_many(self, count: int) -> None:
        with transaction.atomic():
            super().put_many(count)


PROGRAM = TasksDB()
