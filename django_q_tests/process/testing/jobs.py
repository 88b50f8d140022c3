"""Functions that the clusters of these tests run."""

import os
import time

from django.conf import settings
from django.db import connection

from django_q.tasks import async_task, current_task
from django_q_tests.support.eventually import eventually


def add(left, right):
    return left + right


def fail_once():
    if current_task().attempt == 1:
        raise ValueError("first")
    return "second"


def enqueue_another(count):
    if count:
        async_task(enqueue_another, count - 1)
    return count


def look_around():
    """Tell what this process thinks of itself."""
    return {
        "database": str(connection.settings_dict["NAME"]),
        "mail": getattr(settings, "MAILERS", {}).get("default", {}).get("BACKEND") or settings.EMAIL_BACKEND,
        "hosts": settings.ALLOWED_HOSTS,
        "shop": getattr(settings, "SHOP", None),
        "pid": os.getpid(),
    }


def work_until(path):
    """Work until there is such a file, and end a moment after it."""
    eventually(lambda: os.path.exists(path), within=60)
    time.sleep(0.3)
    return "ended"


def end_with_the_cluster():
    os.kill(os.getppid(), 9)
