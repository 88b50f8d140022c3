"""Functions that the tests of this folder enqueue."""

from django.contrib.auth.models import User
from django.db import connection

from django_q.models import Task
from django_q.tasks import current_task

calls = []


def add(first, second=0):
    return first + second


def fail(text="no"):
    raise ValueError(text)


def fail_until(attempt):
    """Fail in every attempt before this one."""
    if current_task().attempt < attempt:
        raise ValueError(current_task().attempt)
    return current_task().attempt


def seen(task):
    """A hook: remember how the task stands in the history."""
    calls.append((task.id, task.success, Task.objects.filter(pk=task.id).exists()))


def broken_hook(task):
    raise RuntimeError("hook")


def ended_before():
    """Return how many tasks of the group are in the history."""
    return Task.objects.filter(group=current_task().group).count()


def interrupt():
    raise KeyboardInterrupt


def break_the_transaction():
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM there_is_no_such_table")


def write_and_fail():
    User.objects.create(username="written")
    raise ValueError("no")


def is_atomic():
    return connection.in_atomic_block


async def add_later(first, second):
    return first + second


class Counter:
    def __init__(self, start):
        self.start = start

    def plus(self, number):
        return self.start + number

    def __call__(self, number):
        return self.start - number

    def hook(self, task):
        calls.append((self.start, task.result))


def totals(results, *more):
    """The final call of a chord."""
    return [results, *more]
