"""How long the history is kept, and the deletion of what is older: in batches, so that no lock is held for long."""

from dataclasses import dataclass

from django_q.conf import Settings
from django_q.models import Task
from django_q.models.task import TaskQuerySet

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept. None stands for no limit."""

    successes: float | None  # seconds
    failures: float | None  # seconds
    newest: int | None = None  # successes, the newest, besides
    per: str | None = None  # of each group, name or func; None: of all

    @classmethod
    def of(cls, settings: Settings) -> "Retention":
        """Return what the settings say: save_limit=0 keeps all successes whatever their age."""
        limit = settings.save_limit
        return cls(
            successes=None if limit == 0 else settings.keep_successes,
            failures=settings.keep_failures,
            newest=limit if limit and limit > 0 else None,
            per=settings.save_limit_per,
        )

    def excess(self, alias: str) -> dict[str, TaskQuerySet]:
        """Return the rows that need not be kept, by the name of what limits them."""
        history = Task.objects.using(alias)
        found = {}
        if self.successes is not None:
            found["successes"] = history.ended_before(self.successes, success=True)
        if self.newest is not None:
            found["successes beyond the newest"] = history.beyond(self.newest, per=self.per)
        if self.failures is not None:
            found["failures"] = history.ended_before(self.failures, success=False)
        return found

    def prune(self, alias: str) -> dict[str, int]:
        """Delete a batch of what need not be kept for each limit; return how many rows."""
        return {name: rows.delete_oldest(BATCH) for name, rows in self.excess(alias).items()}
