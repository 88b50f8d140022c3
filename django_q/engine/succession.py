"""What waits for a task that has ended: the next step of its chain, and the gather of its iteration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django_q.engine import gathering, records
from django_q.kernel.states import Event, TaskState
from django_q.models import OrmQ

#: The option of a chain's step that says what follows if it does not succeed, and its value for "the next step".
ON_FAILURE = "on_failure"
CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a chain or an iteration that has left the queue."""

    id: str
    name: str
    chain: str
    opens: bool  # may the next step begin?

    @classmethod
    def of(cls, id: str, name: str, chain: str, options: dict[str, Any], *, succeeded: bool) -> "Step":
        """Return the step of a row with these options."""
        return cls(id, name, chain, succeeded or options.get(ON_FAILURE) == CONTINUE)


def follow(alias: str, steps: Sequence[Step], *, cluster: str | None) -> set[str]:
    """Make ready what waited for these steps, and end what waited in vain; return the queues where rows became ready.

    The steps have left the queue in the open transaction.
    """
    if not steps:
        return set()
    queues = _begin(alias, [step.id for step in steps if step.opens])
    queues |= _end_chains(alias, [step for step in steps if not step.opens], cluster=cluster)
    return queues | gathering.release(alias, {step.chain for step in steps})


def _begin(alias: str, ended: Sequence[str]) -> set[str]:
    """Make the next steps ready; return their queues, which need not be those of the steps before."""
    if not ended:
        return set()
    rows = OrmQ.objects.using(alias)
    followers = dict(rows.filter(waits_for__in=ended).values_list("pk", "queue"))
    if followers:
        rows.filter(pk__in=followers).move(Event.UNBLOCK, waits_for=None)
    return set(followers.values())


def _end_chains(alias: str, failed: Sequence[Step], *, cluster: str | None) -> set[str]:
    """Move the later steps of chains to the history: one before them did not succeed. Return the queues of hooks."""
    hooked: set[str] = set()
    ended = {step.id: step for step in failed}  # a step that has ended, and the one that it ended for
    while ended:
        rows = list(OrmQ.objects.using(alias).filter(waits_for__in=ended, state=TaskState.WAITING))
        for row in rows:
            cause = ended[row.waits_for or ""]
            error = f"Not run: the step {cause.name} ({cause.id}) did not succeed."
            records.archive_unrun(alias, row, cluster=cluster, error=error)
            if row.hook:
                hooked.add(row.queue)
        ended = {row.pk: ended[row.waits_for or ""] for row in rows}
    return hooked
