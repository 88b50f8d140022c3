"""What an editor and a type checker see of the public names."""

import re
import subprocess
import sys

import pytest

from django_q_tests.architecture.source import PACKAGE, ROOT

pytest.importorskip("mypy", reason="mypy is installed in lane A only")

# Each line, and what mypy has to say about it: the type it reveals, or the error it finds.
CALLS = """
from datetime import datetime, timedelta
from math import copysign
from django_q import Failure, Success, Task, aasync_task, afetch, aresult, async_task, current_task, fetch, result
from django_q import shared_task
from django_q.tasks import cancel, change_priority, delete, duplicate, queue_size, requeue, why

def hook(task: Task) -> None: ...
def success_hook(task: Success) -> None: ...
def no_hook(number: int) -> None: ...

@shared_task
def add(left: int, right: int = 0) -> int: return left + right
@shared_task(timeout=5)
def limited(number: int) -> str: return ""
@shared_task(bind=True)
def bound(self: object, number: int) -> str: return ""

async def coroutine() -> None:
    reveal_type(await aasync_task("math.copysign", 2, -2))  #: str
    reveal_type(await aresult("id", wait=5))  #: Any
    reveal_type(await afetch("id"))  #: django_q.models.task.Task | None

reveal_type(async_task("math.copysign", 2, -2))  #: str
reveal_type(async_task(copysign, 2, -2, hook=hook, timeout=5, group="g", run_after=timedelta(hours=1)))  #: str
reveal_type(async_task(copysign, 2, -2, hook="shop.hooks.done", priority=5, anything=object()))  #: str
async_task(copysign, 2, -2, hook=no_hook)  #: error: Argument "hook" .* has incompatible type
async_task(copysign, 2, -2, timeout="5")  #: error: Argument "timeout" .* expected "float | None"
async_task(copysign, 2, -2, save="no")  #: error: Argument "save" .* expected "bool | None"
async_task(5)  #: error: Argument 1 .* has incompatible type "int"
reveal_type(result("id", wait=200))  #: Any
reveal_type(fetch("id"))  #: django_q.models.task.Task | None
fetch(5)  #: error: Argument 1 to "fetch" has incompatible type "int"
reveal_type(cancel("id"))  #: bool
reveal_type(delete("id"))  #: bool
reveal_type(change_priority("id", 5))  #: bool
reveal_type(requeue("id"))  #: str
reveal_type(duplicate("id"))  #: str
reveal_type(queue_size())  #: int
reveal_type(why("id"))  #: str
reveal_type(current_task())  #: django_q.engine.context.RunningTask | None
reveal_type(add(1, 2))  #: int
reveal_type(add.delay(1))  #: django_q.tasks.handles.TaskHandle
reveal_type(add.apply_async((1,), countdown=5))  #: django_q.tasks.handles.TaskHandle
reveal_type(limited.delay)  #: def (number: int) -> django_q.tasks.handles.TaskHandle
reveal_type(bound.delay)  #: def (number: int) -> django_q.tasks.handles.TaskHandle
add.delay("1")  #: error: Argument 1 to "delay" .* has incompatible type "str"; expected "int"
bound.delay()  #: error: Missing positional argument "number" in call to "delay"
task = fetch("id")
task.result  #: error: Item "None" of "Task | None" has no attribute "result"
if task is not None:
    reveal_type(task.result)  #: Any
    reveal_type(task.success)  #: bool
    reveal_type(task.started)  #: datetime.datetime
    reveal_type(task.time_taken())  #: float
"""


@pytest.fixture(scope="module")
def remarks(tmp_path_factory):
    """What mypy says, by line."""
    file = tmp_path_factory.mktemp("types") / "users_code.py"
    file.write_text(CALLS)
    cache = tmp_path_factory.mktemp("cache")
    command = ("-m", "mypy", "--config-file", "setup.cfg", "--no-error-summary", "--cache-dir", str(cache), str(file))
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(rf"{re.escape(str(file))}:(\d+): (error|note): (.*)", line)
        if match and "defined in" not in match[3]:
            found.setdefault(int(match[1]), []).append(f"{match[2]}: {match[3]}")
    assert found, done.stderr
    return found


def expected():
    return [(number, *line.split("  #: ")) for number, line in enumerate(CALLS.splitlines(), 1) if "  #: " in line]


@pytest.mark.parametrize(("number", "code", "remark"), expected())
def test_a_call_is_seen_as(number, code, remark, remarks):
    said = " ".join(remarks.get(number, ["nothing"]))

    if remark.startswith("error: "):
        assert re.search(remark, said), said
    else:
        assert f'note: Revealed type is "{remark}"' in said


def test_nothing_else_is_said(remarks):
    assert set(remarks) <= {number for number, *_ in expected()}


def test_the_stub_of_the_package_has_its_lazy_names_and_no_others():
    stub = (PACKAGE / "__init__.pyi").read_text()
    lazy = (PACKAGE / "__init__.py").read_text()

    names = set(re.findall(r"import (\w+) as \1\n", stub))

    assert names == set(re.findall(r'^    "(\w+)": "django_q', lazy, re.MULTILINE)) - {"async"}
