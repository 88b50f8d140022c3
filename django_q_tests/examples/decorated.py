"""Functions under @background, in the ways in which one writes it."""

from django_q.contrib.background import background


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
