"""Tasks as a worker gets them, made without a queue."""

import json
from collections.abc import Callable
from typing import Any

from django_q import conf
from django_q.kernel.callables import display_name
from django_q.kernel.ids import new_id, new_token
from django_q.kernel.messages import Envelope, Letter, Outcome
from django_q.kernel.states import TaskKind

JOBS = "django_q_tests.support.jobs"


def letter_for(
    func: str | Callable[..., Any],
    *args: Any,
    timeout: float | None = None,
    attempts: int = 0,
    kind: TaskKind = TaskKind.TASK,
    serializer: str = "pickle",
    options: dict[str, Any] | None = None,
    **kwargs: Any,
) -> tuple[Envelope, Letter]:
    """Return envelope and letter of a call; a bare name is one of the jobs, a callable is pickled."""
    codec, task_id = conf.current().codec(), new_id()
    carried = None if isinstance(func, str) else func
    path = func if isinstance(func, str) else display_name(func)
    path = path if "." in path else f"{JOBS}.{path}"
    named = {"task_id": task_id, "func": path, "serializer": serializer}
    letter = Letter(
        kind=kind.value,
        name="a name",
        group="a group",
        queue="default",
        attempts=attempts,
        crashes=0,
        options=json.dumps(options) if options else "",
        args=codec.encode(args, purpose="args", callable_=carried, **named),
        kwargs=codec.encode(kwargs, purpose="kwargs", **named),
    )
    return Envelope(task_id, new_token(), path, timeout, False), letter


def result_of(outcome: Outcome, envelope: Envelope) -> Any:
    """Return what an outcome carries, verified as the history would."""
    if not outcome.report.result:
        return None
    codec = conf.current().codec()
    return codec.decode(outcome.report.result, purpose="result", task_id=envelope.id, func=envelope.func)
