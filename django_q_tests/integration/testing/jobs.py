"""Functions that the tests of this folder enqueue."""

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from django_q.contrib.background import background
from django_q.exceptions import TaskStopped
from django_q.tasks import async_task, current_task, shared_task

calls = []


@shared_task
def shared(number):
    return number


@background
def in_the_background(number):
    return number


def add(first, second=0):
    return first + second


def fail(text="no"):
    raise ValueError(text)


def fail_until(attempt):
    """Fail in every attempt before this one."""
    if current_task().attempt < attempt:
        raise ValueError(f"attempt {current_task().attempt}")
    return current_task().attempt


def write_user(name):
    User.objects.create(username=name)


async def write_user_later(name):
    """Write in a coroutine, through the thread in which Django's asynchronous methods run."""
    await User.objects.acreate(username=name)
    return await User.objects.acount()


def note(value):
    calls.append(value)


def hook(task):
    calls.append((task.id, task.success, task.result))


def broken_hook(task):
    raise RuntimeError("hook")


def enqueue_another(count):
    """Enqueue as many tasks as counted down, one by the other."""
    if count:
        async_task(enqueue_another, count - 1)
    return count


def for_ever():
    async_task(for_ever)


def enqueue_after_commit():
    with transaction.atomic():
        transaction.on_commit(lambda: async_task(note, "after commit"))


def enqueue_after_rollback():
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: async_task(note, "never"))
            raise ValueError
    except ValueError:
        async_task(note, "after rollback")


def fail_after_commit():
    with transaction.atomic():
        transaction.on_commit(lambda: fail("in a callback"))


async def enqueue_after_commit_later():
    await sync_to_async(enqueue_after_commit)()


def break_the_transaction():
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM there_is_no_such_table")


def break_a_block_and_go_on():
    try:
        with transaction.atomic():
            break_the_transaction()
    except DatabaseError:
        return "went on"


def break_the_transaction_and_go_on():
    try:
        break_the_transaction()
    except DatabaseError:
        return "went on"


def is_stopped():
    raise TaskStopped


def interrupt():
    raise KeyboardInterrupt
