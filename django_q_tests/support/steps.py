"""The death of a worker at an exact step of a task, of which the code that runs knows nothing.

What a task does shows from outside: it connects to somebody, sends a statement to the database, or ends.
``INSTALLED_APPS`` of django_q_tests/settings/laboratory.py loads this; DJANGO_Q_TEST_STEP names the step.
"""

import json
import os
import re
import sys
import zlib
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from django.db.backends.signals import connection_created

from django_q import signals
from django_q.engine.context import current_task
from django_q_tests.support.jobs import touch
from django_q_tests.support.mishaps import die, first_time

CONNECTS, BEFORE, AFTER, RETURNED, EACH = "connects", "before", "after", "returned", "each"


@dataclass(frozen=True)
class Step:
    """When to die: as a task connects, before or after a statement (a regular expression), or when it has returned.

    EACH dies at the first step, the next attempt dies at the first one at which none has died, and so on.
    """

    task: str
    moment: str
    statement: str = ""

    def env(self) -> dict[str, str]:
        return {"DJANGO_Q_TEST_STEP": json.dumps(asdict(self))}


def watch() -> None:
    """Watch the tasks of this process and of those that it forks."""
    signals.pre_execute.connect(begin)
    connection_created.connect(watch_statements)
    sys.addaudithook(watch_connections)


def begin(task: dict[str, Any], **kwargs: Any) -> None:
    """Leave the process id in a file that bears the name of the task, a line for each attempt."""
    leave(short(task["func"]), str(os.getpid()))
    _passed.clear()
    sys.setprofile(watch_returns)


def watch_returns(frame: FrameType, event: str, argument: Any) -> None:
    """See the function of the task return; nobody has been told of its outcome yet."""
    task = current_task()
    if event == "return" and task is not None and frame.f_code.co_name == short(task.func) and argument is not None:
        sys.setprofile(None)
        reach(RETURNED, str(argument))


def watch_statements(connection: Any, **kwargs: Any) -> None:
    if around not in connection.execute_wrappers:
        connection.execute_wrappers.append(around)


def around(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    reach(BEFORE, sql)
    result = execute(sql, params, many, context)
    reach(AFTER, sql)
    return result


def watch_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        reach(CONNECTS, str(arguments[1]))


_passed: list[str] = []  # what the present attempt did


def reach(moment: str, what: str) -> None:
    """Die if this is the step."""
    task, wanted = current_task(), os.environ.get("DJANGO_Q_TEST_STEP")
    if task is None or not wanted:
        return
    step = Step(**json.loads(wanted))
    if short(task.func) != step.task:
        return
    if step.moment == EACH and moment != AFTER:  # after one is before the next
        line = f"{moment} {re.sub('[0-9]+', '#', what)}"  # savepoints are numbered by their thread
        _passed.append(line)
        die_once(f"{line} ({_passed.count(line)})")
    elif moment == step.moment and re.search(step.statement, what):
        die_once(moment)


def die_once(step: str) -> None:
    if first_time(f"death-{zlib.crc32(step.encode()):08x}"):
        leave("deaths", step)
        die()


def leave(name: str, line: str) -> None:
    touch(os.path.join(os.environ["DJANGO_Q_TEST_MARKERS"], name), line)


def short(path: str) -> str:
    return path.rpartition(".")[2]
