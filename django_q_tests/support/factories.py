"""Rows and outcomes for tests, made by the same verbs that the product uses."""

from typing import Any

from django_q import conf
from django_q.kernel import clock, ids
from django_q.kernel.messages import Claim, Outcome, Report
from django_q.kernel.states import Ending, TaskState
from django_q.models import Incarnation, OrmQ
from django_q.models.dialects.base import Later
from django_q.models.queue import NEW_COLUMNS


def put(*args: Any, func: str = "math.copysign", **columns: Any) -> str:
    """Put one task into the queue and return its id."""
    return put_many([args], func=func, **columns)[0]


def put_many(calls: list[tuple[Any, ...]], *, func: str = "math.copysign", **columns: Any) -> list[str]:
    """Put tasks into the queue in one statement and return their ids."""
    rows = [_row(args, func, columns) for args in calls]
    OrmQ.objects.using(conf.current().orm).put(rows)
    return [row[0] for row in rows]


def _row(args: tuple[Any, ...], func: str, columns: dict[str, Any]) -> tuple[Any, ...]:
    id = columns.get("id") or ids.new_id()
    codec = conf.current().codec()
    values = {
        "kind": 0,
        "queue": "default",
        "state": TaskState.READY,
        "priority": 0,
        "enqueued_at": Later(0),
        "name": f"name-{id[-6:]}",
        "func": func,
        "args": codec.encode(args, purpose="args", task_id=id, func=func),
        "kwargs": codec.encode({}, purpose="kwargs", task_id=id, func=func),
        "serializer": "pickle",
        "options": "",
        **columns,
        "id": id,
    }
    return tuple(values.get(column) for column in NEW_COLUMNS)


def register(id: str | None = None, *, lease: float = 12.0, **columns: Any) -> str:
    """Register a living cluster and return its id."""
    id = id or ids.new_id()
    fields = {
        "name": "default",
        "host": "elsewhere",
        "pid": 1,
        "process_started": "1",
        "boot_id": "another:boot",
        "version": "0",
        "queues": '["default"]',
        **columns,
    }
    Incarnation.objects.using(conf.current().orm).register(id=id, lease=lease, **fields)
    return id


def outcome_of(claim: Claim, ending: Ending = Ending.SUCCEEDED, *, result: Any = None, error: str = "") -> Outcome:
    """Return the outcome of a claim as a worker would report it."""
    envelope = claim.envelope
    moment = clock.epoch()
    sealed = conf.current().codec().encode(result, purpose="result", task_id=envelope.id, func=envelope.func)
    report = Report(started=moment - 0.5, stopped=moment, result=sealed, error=error, worker="host:1")
    return Outcome(envelope.id, envelope.token, ending, report)
