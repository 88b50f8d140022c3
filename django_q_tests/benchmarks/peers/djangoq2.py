"""Django Q2 with its ORM broker."""

import os
import sys
import time

import django
from django.core.management import call_command
from django.db import transaction
from workload import Program

django.setup()

from django_q.tasks import async_task  # noqa: E402 (its models need the settings)


class DjangoQ2(Program):
    """One ``qcluster``."""

    packages = ("django-q2", "django")

    def prepare(self) -> dict[str, str]:
        call_command("migrate", verbosity=0)
        return super().prepare()

    def worker(self) -> None:
        os.execv(sys.executable, [sys.executable, "-m", "django", "qcluster"])

    def put(self, number: int) -> None:
        async_task("workload.noop", number, 2)

    def put_stamp(self, path: str) -> None:
        async_task("workload.stamp", path, time.monotonic_ns())

    def put_many(self, count: int) -> None:
        with transaction.atomic():
            super().put_many(count)


PROGRAM = DjangoQ2()
