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


def follow(alias: str, steps: Sequence[Step], *, cluster: str | None) -> bool:
    """Make ready what waited for these steps, and end what waited in vain; tell whether something became ready.

    The steps have left the queue in the open transaction.
    """
    if not steps:
        return False
    followers = OrmQ.objects.using(alias).filter(waits_for__in=[step.id for step in steps if step.opens])
    is_ready = bool(followers.move(Event.UNBLOCK, waits_for=None))
    had_hooks = _end_chains(alias, [step for step in steps if not step.opens], cluster=cluster)
    return gathering.release(alias, {step.chain for step in steps}) or is_ready or had_hooks


def _end_chains(alias: str, failed: Sequence[Step], *, cluster: str | None) -> bool:
    """Move the later steps of chains to the history: one before them did not succeed. Tell whether they had hooks."""
    had_hooks = False
    ended = {step.id: step for step in failed}  # a step that has ended, and the one that it ended for
    while ended:
        rows = list(OrmQ.objects.using(alias).filter(waits_for__in=ended, state=TaskState.WAITING))
        for row in rows:
            cause = ended[row.waits_for or ""]
            error = f"Not run: the step {cause.name} ({cause.id}) did not succeed."
            records.archive_unrun(alias, row, cluster=cluster, error=error)
            had_hooks = had_hooks or bool(row.hook)
        ended = {row.pk: ended[row.waits_for or ""] for row in rows}
    return had_hooks
