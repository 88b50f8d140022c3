"""Move what tasks made. A file stays where it is: the row names it in the storage."""

from collections.abc import Iterator, Sequence

from django.core.exceptions import SuspiciousFileOperation

from django_q.contrib.user_tasks.models import UserTaskArtifact
from django_q.contrib.user_tasks.moving.copying import STATUS, Above, Plan, TableMove, create, mark_of, moments_of
from django_q.contrib.user_tasks.moving.statuses import DELETED
from django_q.contrib.user_tasks.storage import chosen_storage
from django_q.management.moving.reading import Row
from django_q.management.moving.report import Part
from django_q.management.moving.writing import Item

ITS_TASK_STAYS = "its user task is not moved"
NO_FILE = "the storage here has no file of its name"
STRANGE_FILE = "the storage here refuses the name of its file"


class ArtifactMove(TableMove):
    """Moves what tasks made, after the tasks."""

    kind = "user-artifact"

    def __init__(self, plan: Plan, part: Part, staying: set[str]) -> None:
        super().__init__(plan, part)
        self._staying_tasks = staying

    def run(self) -> None:
        """Move all rows, batch by batch."""
        for rows in self.plan.old.artifacts(self.plan.batch):
            self.take(rows)

    def items(self, rows: Sequence[Row]) -> Iterator[Item]:
        """Yield what is written for rows."""
        above = Above.of((row["status_uuid"] for row in rows), self.plan)
        for row in rows:
            if row["status_uuid"] in above.gone:
                yield Item(self.key(row), _example(row), None, is_needless=True, notes=[DELETED])
            elif mark_of(STATUS, row["status_uuid"]) in self._staying_tasks:
                self.leave(row, ITS_TASK_STAYS)
            else:
                content = _ours(row, above.here.get(row["status_uuid"]))
                yield Item(self.key(row), _example(row), content, notes=_of_file(row))

    def store(self, items: Sequence[Item]) -> None:
        """Write a batch."""
        create(UserTaskArtifact, [item.content for item in items], self.plan.alias)

    def complete(self, rows: Sequence[Row]) -> None:
        """Do nothing: each is moved as a whole."""


def _ours(row: Row, status: int | None) -> UserTaskArtifact:
    same = {name: row[name] for name in ("uuid", "name", "file", "url", "text")}
    # A dry run has not written the status.
    return UserTaskArtifact(**same, **moments_of(row), status_id=status or 0)


def _of_file(row: Row) -> list[str]:
    """Return what is to be said of a file."""
    if not row["file"]:
        return []
    try:
        return [] if chosen_storage().exists(row["file"]) else [NO_FILE]
    except SuspiciousFileOperation:
        return [STRANGE_FILE]


def _example(row: Row) -> str:
    return f"{row['file'] or row['name']} ({row['id']})"
