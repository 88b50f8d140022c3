"""How far a group or a chain is: counts and members from the queue and the history, bounded whatever its size."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.db.models import Count, Max, Min, Q, QuerySet

from django_q import conf
from django_q.kernel.states import Reason, TaskKind, TaskState
from django_q.models import OrmQ, Task

#: Members that are counted in all.
MOST = 100_000
#: Members of the history whose ends are told apart, and members of the queue that are looked at.
MOST_TOLD = 10_000
#: Rows of the queue, the newest, among which members are looked for: no index leads to them.
WINDOW = 100_000

_HEAVY = ("args", "kwargs", "options", "errors")
_HEAVY_ENDED = (*_HEAVY, "result", "traceback", "hook_error")

Column = Literal["group", "chain"]


class Queued(NamedTuple):
    """What has to be known of each member in the queue."""

    id: str
    state: int
    enqueued_at: datetime
    running_since: datetime | None
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A group or chain at one moment."""

    queued: dict[TaskState, int]
    running: int  # of those that are claimed
    ended: int
    succeeded: int
    by_reason: dict[str, int]  # of those that did not succeed
    enqueued_at: datetime | None  # the first
    stopped_at: datetime | None  # the last
    waiting_rows: list[OrmQ] = field(default_factory=list)
    ended_rows: list[Task] = field(default_factory=list)
    is_cut: bool = False  # there are more members than were counted
    is_sample: bool = False  # ends are told apart for the first only

    @property
    def total(self) -> int:
        """Return how many members were found."""
        return self.ended + sum(self.queued.values())

    @property
    def failed(self) -> int:
        """Return how many did not succeed, of those whose ends are told apart."""
        return sum(self.by_reason.values())


def look_at(
    column: Column, name: str, *, shown: int = 100, queue: bool = True, success: Sequence[bool] = (True, False)
) -> Progress | None:
    """Look at the group or the chain of this name: at its rows of the queue, unless told otherwise, and at those of the
    history that ended well, badly or either way. Return None if nothing has the name."""
    alias = conf.current().orm
    queued = _queued(alias, column, name) if queue else []
    steps = _in_steps(queued) if column == "chain" else _in_order(queued)
    ended = Task.objects.using(alias).filter(**{column: name}).order_by()
    if len(success) == 1:
        ended = ended.that_succeeded(success[0])
    count = ended.values(column)[: MOST + 1].count() if success else 0
    if not queued and not count:
        return None
    told = _told(ended) if count else {}
    states = Counter(TaskState(row.state) for row in queued)
    moments = [row.enqueued_at for row in queued] + ([told["first"]] if told else [])
    return Progress(
        queued={state: states[state] for state in TaskState},
        running=sum(row.running_since is not None for row in queued),
        ended=min(count, MOST),
        succeeded=told.get("succeeded", 0),
        by_reason={reason.value: told[reason.value] for reason in Reason if told.get(reason.value)},
        enqueued_at=min(moments),
        stopped_at=told.get("last"),
        waiting_rows=_queue_rows(alias, [member.id for member in steps[:shown]]),
        ended_rows=_ended_rows(ended, shown) if count else [],
        is_cut=count > MOST or len(queued) > MOST_TOLD,
        is_sample=count > MOST_TOLD,
    )


def _queued(alias: str, column: Column, name: str) -> list[Queued]:
    rows = OrmQ.objects.using(alias)
    edge = list(rows.order_by("-pk").values_list("pk", flat=True)[WINDOW : WINDOW + 1])
    members = rows.filter(**{column: name}, kind=TaskKind.TASK, **({"pk__gt": edge[0]} if edge else {}))
    return [Queued(*row) for row in members.order_by().values_list(*Queued._fields)[: MOST_TOLD + 1]]


def _queue_rows(alias: str, keys: list[str]) -> list[OrmQ]:
    """Return the rows with these keys, in their order, without those that have ended meanwhile."""
    found = OrmQ.objects.using(alias).filter(pk__in=keys).order_by().defer(*_HEAVY).in_bulk() if keys else {}
    return [found[key] for key in keys if key in found]


def _told(ended: QuerySet[Task]) -> dict[str, Any]:
    # In the order of the index, whatever that is: any other order would sort all members.
    part = ended.values("pk", "success", "reason", "enqueued_at", "stopped")[:MOST_TOLD]
    reasons = {reason.value: Count("pk", filter=Q(success=False, reason=reason.value)) for reason in Reason}
    return part.aggregate(
        succeeded=Count("pk", filter=Q(success=True)), first=Min("enqueued_at"), last=Max("stopped"), **reasons
    )


def _ended_rows(ended: QuerySet[Task], shown: int) -> list[Task]:
    """Return the first members of the history in the order in which they started.

    By their keys first: told to sort, a database without statistics would walk through the whole table in that order.
    """
    keys = sorted(ended.values_list("pk", flat=True)[:MOST_TOLD])[:shown]
    rows = Task.objects.using(ended.db).filter(pk__in=keys).order_by().defer(*_HEAVY_ENDED)
    return sorted(rows, key=lambda row: (row.started, row.pk))


def _in_order(members: Iterable[Queued]) -> list[Queued]:
    return sorted(members, key=lambda member: (-member.state, member.id))


def _in_steps(members: Iterable[Queued]) -> list[Queued]:
    """Return the steps of a chain, each after the one that it waits for."""
    ordered = sorted(members)
    there = {member.id for member in ordered}
    followers: dict[str | None, list[Queued]] = {}
    for member in ordered:
        followers.setdefault(member.waits_for if member.waits_for in there else None, []).append(member)
    found: list[Queued] = []
    coming = followers.pop(None, [])[::-1]
    while coming:
        member = coming.pop()
        found.append(member)
        coming += followers.pop(member.id, [])[::-1]
    return found + [member for rest in followers.values() for member in rest]  # those that wait in a circle
