"""Move what waits in Django Q's queue: each package becomes a row of ours and keeps its id."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django_q.exceptions import ClusterError, PayloadError
from django_q.kernel import clock
from django_q.management.moving import writing
from django_q.management.moving.calls import Call, call_of, with_new_id
from django_q.management.moving.history import error_of, mark_of
from django_q.management.moving.iterations import Iterations, is_item
from django_q.management.moving.packages import Package, open_column, open_package
from django_q.management.moving.placing import Waiting, put, remembered
from django_q.management.moving.plan import Plan, in_settings_form
from django_q.management.moving.reading import Row
from django_q.management.moving.report import Part
from django_q.management.moving.tables import OldQueued, OldTask
from django_q.management.moving.writing import Item
from django_q.models import Moved, OrmQ, Task

NO_LOCK = "its lock is empty, so Django Q would never run it"
SUCCEEDED = "its history says that it succeeded; only its removal from the queue was lost"
ANOTHER_ID = "a task with its id is here already: it got another id"
NOT_DUE = "it was leased: it begins when that lease ends"


@dataclass(slots=True)
class _Content:
    """What is written for one package."""

    package: Package
    queue: str
    call: Call
    attempts: int = 0
    errors: str = ""


@dataclass(frozen=True, slots=True)
class _There:
    """What is known of the ids of some packages."""

    earlier: dict[str, Row]  # rows of the old history
    here: set[str]  # in our queue or our history
    marked: set[str]  # keys of histories that were moved


@dataclass(slots=True)
class QueueMove:
    """Moves the queue, and remembers whose earlier attempts stand in the old history."""

    plan: Plan
    part: Part
    #: Ids whose row of the history is the earlier attempt of a call that waits.
    absorbed: set[str] = field(default_factory=set)
    _iterations: Iterations = field(init=False)

    def __post_init__(self) -> None:
        self._iterations = Iterations(self.plan, self.part)

    def run(self) -> None:
        """Move all packages, batch by batch, and then collect what belongs together."""
        for rows in self.plan.old.batches(OldQueued, self.plan.batch):
            self._move(rows)
        self._iterations.collect()

    def _move(self, rows: list[Row]) -> None:
        self.part.found += len(rows)
        keys = {row["id"]: _key(row) for row in rows}
        known = Moved.objects.using(self.plan.alias).known(keys.values())
        fresh = [row for row in rows if keys[row["id"]] not in known]
        self.part.before += len(rows) - len(fresh)
        self._remember([row for row in rows if known.get(keys[row["id"]])])
        items = self._items(fresh, keys)
        refused = [] if self.plan.dry_run else writing.write(self.plan.alias, items, self._store)
        self.part.count(items, refused)
        for item in items:
            if item.is_incomplete and item not in [each for each, _ in refused]:
                self._iterations.remember(item.content.package, item.content.queue, item.key)

    def _remember(self, rows: list[Row]) -> None:
        """Note the items that an earlier run moved and did not collect."""
        for row in rows:
            try:
                package = open_package(row["payload"], name=self.plan.name)
            except PayloadError:  # under the name that the earlier run was given
                continue
            self._iterations.remember(package, row["key"], _key(row))

    def _items(self, rows: list[Row], keys: dict[Any, str]) -> list[Item]:
        packages = [(row, package) for row in rows if (package := self._opened(row)) is not None]
        there = self._look_around([package.id for _, package in packages])
        items = [self._item(row, keys[row["id"]], package, there) for row, package in packages]
        return [item for item in items if item is not None]

    def _look_around(self, ids: list[str]) -> "_There":
        """Return what both packages hold under these ids."""
        alias = self.plan.alias
        here = (model.objects.using(alias).filter(pk__in=ids).values_list("pk", flat=True) for model in (OrmQ, Task))
        return _There(
            earlier={row["id"]: row for row in self.plan.old.rows(OldTask).filter(pk__in=ids)},
            here={pk for found in here for pk in found},
            marked=set(Moved.objects.using(alias).known(map(mark_of, ids))),
        )

    def _opened(self, row: Row) -> Package | None:
        if row["lock"] is None:
            self.part.leave(NO_LOCK, _example(row))
            return None
        try:
            return open_package(row["payload"], name=self.plan.name)
        except PayloadError as error:
            self.part.leave(str(error), _example(row))
            return None

    def _item(self, row: Row, key: str, package: Package, there: "_There") -> Item | None:
        earlier, is_taken = there.earlier.get(package.id), package.id in there.here
        if earlier is not None and earlier["success"]:
            return Item(key, _example(row), None, notes=[SUCCEEDED], is_needless=True)
        attempts = 0 if earlier is None else max(earlier.get("attempt_count", 1), 1)
        free_at = row["lock"] + self.plan.lease
        due = free_at if free_at > in_settings_form(clock.now()) else None
        try:
            call = call_of(
                with_new_id(package) if is_taken else package, row["key"], due, self.plan.settings, attempts=attempts
            )
        except (ClusterError, TypeError, ValueError) as error:
            self.part.leave(f"it cannot be enqueued: {error}", _example(row))
            return None
        call.notes += [ANOTHER_ID] if is_taken else []
        call.notes += [NOT_DUE] if due is not None else []
        content = _Content(package, row["key"], call, attempts)
        item = Item(key, _example(row), content, is_incomplete=is_item(package), notes=call.notes)
        # Its attempts may have been moved as a failure, by a run that could not read the package.
        if earlier is not None and mark_of(package.id) not in there.marked:
            self.absorbed.add(package.id)
            content.errors = self._errors(earlier)
            item.also.append(mark_of(package.id))
        return item

    def _errors(self, earlier: Row) -> str:
        """Return the error of the earlier attempts, as our rows remember errors; empty where it may not be read."""
        if not self.plan.trusts_pickles:
            return ""
        try:
            error, _ = error_of(open_column(earlier["result"]))
        except PayloadError:
            return ""
        return remembered(error, earlier["started"], earlier["stopped"])

    def _store(self, items: Sequence[Item]) -> None:
        contents: list[_Content] = [item.content for item in items if item.content is not None]
        put([Waiting(each.call.drafts, each.attempts, each.errors) for each in contents], self.plan.alias)


def leased(plan: Plan) -> tuple[int, Any]:
    """Return how many packages an old cluster holds, or held when it ended, and until when."""
    rows = plan.old.rows(OldQueued).filter(lock__gt=in_settings_form(clock.now() - plan.lease))
    newest = rows.order_by("-lock").first()
    return rows.count(), None if newest is None else newest["lock"] + plan.lease


def _key(row: Row) -> str:
    # Not its number: a server may give that again. A package is signed together with the second of its enqueueing.
    return f"queued:{sha256(row['payload'].encode()).hexdigest()}"


def _example(row: Row) -> str:
    return f"row {row['id']}"
