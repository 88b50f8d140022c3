"""The tasks of a shop, before the move and after it: what changes is where ``background`` is imported from."""

from pathlib import Path

try:
    from background_task import background
    from background_task.exceptions import InvalidTaskError
except ImportError:
    from django_q.contrib.background import background
    from django_q.contrib.background.exceptions import InvalidTaskError


@background
def add(left, right=0):
    return left + right


@background(name="shop: post a letter", queue="letters")
def post(address, *, copies=1):
    return [address] * copies


@background
def note(folder, word):
    """Append a word to a file, so that one sees who came first."""
    with (Path(folder) / "words").open("a") as file:
        file.write(f"{word}\n")


@background
def fail(message):
    raise ValueError(message)


@background
def give_up():
    raise InvalidTaskError("no such order")


@background
def fail_once(folder):
    """Fail where no file says that this was tried before."""
    tried = Path(folder) / "tried"
    if not tried.exists():
        tried.touch()
        raise ValueError("the first time")
