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
    for step in steps:
        if not step.opens and _end_chain(alias, step, cluster=cluster):
            is_ready = True  # the hooks of its later steps
    return gathering.release(alias, {step.chain for step in steps}) or is_ready


def _end_chain(alias: str, failed: Step, *, cluster: str | None) -> bool:
    """Move the later steps of a chain to the history: one before them did not succeed. Tell whether they had hooks."""
    error = f"Not run: the step {failed.name} ({failed.id}) did not succeed."
    ended, had_hooks = failed.id, False
    while step := OrmQ.objects.using(alias).filter(waits_for=ended, state=TaskState.WAITING).first():
        records.archive_unrun(alias, step, cluster=cluster, error=error)
        ended, had_hooks = step.pk, had_hooks or bool(step.hook)
    return had_hooks
