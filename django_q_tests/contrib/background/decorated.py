"""Functions under @background, in the ways in which one writes it."""

from django_q.contrib.background import background
from django_q.contrib.background.exceptions import InvalidTaskError
from django_q.tasks import current_task, shared_task


@background
def bare(left, right):
    """Add two numbers."""
    return left + right


@background()
def called():
    return "called"


@background(schedule=60)
def delayed():
    return "delayed"


@background(name="n", queue="q")
def named():
    return "named"


@background
def again(rounds):
    """Enqueue the next round, if there is one."""
    return again(rounds - 1) if rounds else None


@background
def caller():
    return bare(2, 3)


@background
async def waits(number):
    return number * 2


@background
def fails(message="out of order"):
    raise ValueError(message)


@background
def never_succeeds():
    raise InvalidTaskError("no such order")


@background
def leaves():
    raise SystemExit(3)


@background
@shared_task
def stacked(left, right):
    return left * right


def undecorated(number):
    """What a worker finds when a decorated function was replaced by a plain one."""
    return number


@background
def echo(*args):
    return args


@background
def fails_once():
    if current_task().attempt == 1:
        raise ValueError("the first time")
    return "the second time"
