"""How rows change: each change is one transaction that locks the row first and then those above it."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from django.db import connections, models, transaction
from django.utils import timezone

from django_q import conf
from django_q.contrib.user_tasks import options, signals, states, telling
from django_q.contrib.user_tasks.exceptions import TaskCanceledException
from django_q.contrib.user_tasks.settling import Ending, Settling
from django_q.exceptions import InvalidValue
from django_q.models import OrmQ
from django_q.tasks.control import cancel, take_back

logger = logging.getLogger("django_q.user_tasks")

#: What the classes of containers are called.
CHAIN, GROUP, CHORD = "chain", "group", "chord"

Row = Any  # a UserTaskStatus
Change = Callable[[Row], dict[str, Any]]

_LONGEST = {"name": 255, "state": 128}
_AT_ONCE = 500  # rows that one statement names

# The endings that a cancel collects, to write them with its own, instead of each at once.
_collected: ContextVar[dict[int, Ending] | None] = ContextVar("django_q_user_tasks_collected", default=None)


@contextmanager
def _collecting() -> Iterator[dict[int, Ending]]:
    endings: dict[int, Ending] = {}
    token = _collected.set(endings)
    try:
        yield endings
    finally:
        _collected.reset(token)


class StatusQuerySet(models.QuerySet[Any]):
    """The verbs of the table. A row that is gone is passed over in silence: its user has deleted it."""

    ERROR = "Error"  # the name of the artifact that tells of a failure

    @property
    def artifact_model(self) -> Any:
        """The model of what tasks make."""
        return self.model._meta.get_field("artifacts").related_model

    def newest_first(self) -> "StatusQuerySet":
        """Return the rows in the order in which users want to see them."""
        return self.order_by("-created", "-pk")

    def unfinished(self) -> "StatusQuerySet":
        """Return the rows that have not reached a final state: what lies between those, which an index can find."""
        below, *others = sorted(states.FINAL)
        between = models.Q(state__lt=below) | models.Q(state__gt=sorted(states.FINAL)[-1])
        for above in others:
            between |= models.Q(state__gt=below, state__lt=above)
            below = above
        return self.filter(between)

    def restore(self, row: Row) -> None:
        """Write a row again that was deleted, unless its user was; below its container, if that is still there."""
        with self._writing():
            if self.filter(pk=row.pk).exists() or not self._has_user(row):
                return
            if row.parent_id is not None and not self.lock([row.parent_id]):
                row.parent_id = None
            row.save(force_insert=True, using=self.db)
        logger.info("The user task %s was deleted while it ran, and is written again.", row.task_id)

    def _has_user(self, row: Row) -> bool:
        users = self.model._meta.get_field("user").related_model._base_manager.using(self.db)
        return bool(users.filter(pk=row.user_id).exists())

    # --- the parts of a transition

    def lock(self, ids: Iterable[int]) -> dict[int, Row]:
        """Lock rows, in the order of their ids, and return those that exist; the caller has a transaction open."""
        features, chosen, found = connections[self.db].features, sorted(ids), {}
        for start in range(0, len(chosen), _AT_ONCE):
            rows = self.model._base_manager.using(self.db).filter(pk__in=chosen[start : start + _AT_ONCE])
            if features.has_select_for_update:
                # Not the key: artifacts that refer to the row may be added meanwhile.
                rows = rows.select_for_update(no_key=features.has_select_for_no_key_update)
            else:
                # A write makes this transaction the only one that writes; one that read first may come too late.
                rows.update(modified=timezone.now())
            found.update({row.pk: row for row in rows.order_by("pk")})
        return found

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Open a transaction that may read first."""
        with transaction.atomic(using=self.db):
            self.become_writer()
            yield

    def become_writer(self) -> None:
        """Make an open transaction the only one that writes, where rows cannot be locked: on SQLite one that reads
        first may write no more once another one has written."""
        connection = connections[self.db]
        if connection.in_atomic_block and not connection.features.has_select_for_update:
            self.change([0])

    def change(self, ids: Iterable[int], **columns: Any) -> None:
        """Write columns of rows that are locked."""
        rows = self.model._base_manager.using(self.db).filter(pk__in=ids)
        rows.update(modified=timezone.now(), **columns)

    def settle(self, endings: Mapping[int, Ending], *, again: Iterable[int] = ()) -> None:
        """End rows, or put them back, with all that follows above them, and tell of what ended after the commit.

        Rows in a final state keep it. Containers that are to be looked at ``again`` end if all their children have.
        """
        if not endings and not again:
            return
        collected = _collected.get()
        if collected is not None:
            collected.update(endings)
            return
        self.become_writer()
        levels = self._levels({*endings, *again})
        rows = self.model._base_manager.using(self.db)
        with transaction.atomic(using=self.db):
            settling = Settling(self)
            settling.run(endings, levels, again)
            if settling.ended:
                told = partial(_tell, rows, settling.ended)
                transaction.on_commit(told, using=self.db, robust=True)

    def _levels(self, ids: Iterable[int]) -> list[list[int]]:
        """Return rows and all that are above them, the deepest first: who is above whom never changes."""
        above: dict[int, int | None] = {}
        wanted = set(ids)
        while wanted:
            found = dict(self.model._base_manager.using(self.db).filter(pk__in=wanted).values_list("pk", "parent_id"))
            above.update(found)
            wanted = {parent for parent in found.values() if parent is not None} - above.keys()
        levels: dict[int, list[int]] = defaultdict(list)
        for pk in above:
            depth, parent = 0, above[pk]
            while parent is not None:
                depth, parent = depth + 1, above.get(parent)
            levels[depth].append(pk)
        return [levels[depth] for depth in sorted(levels, reverse=True)]

    # --- transitions of one row and those above it

    def start(self, row: Row) -> None:
        """Set a row in progress, and a container above it that waits."""

        def change(above: Row) -> dict[str, Any]:
            return {"state": states.IN_PROGRESS} if above.state in (states.PENDING, states.RETRYING) else {}

        own = {"state": states.IN_PROGRESS, "error_text": ""}
        self._walk(row, "started", lambda each: own, change)

    def set_state(self, row: Row, text: str) -> None:
        """Say what a row does, and the containers above it up to a group, whose children do many things at once."""
        state = str(text)[: _LONGEST["state"]]
        # In some databases two texts are equal that differ only in this.
        if state.casefold() in {each.casefold() for each in states.FINAL}:
            raise InvalidValue(f"set_state({text!r}) would end the task. Call succeed(), fail() or cancel().")
        is_below_group = False

        def change(above: Row) -> dict[str, Any]:
            nonlocal is_below_group
            is_below_group = is_below_group or above.task_class == GROUP
            return {} if is_below_group or above.state in states.FINAL else {"state": state}

        self._walk(row, "given a state", lambda each: {"state": state}, change)
        telling.tell_cluster(row)

    def set_name(self, row: Row, text: str) -> None:
        """Name a row, and all above it."""
        name = {"name": str(text)[: _LONGEST["name"]]}
        self._walk(row, "named", lambda each: name, lambda above: name, forbidding=(states.CANCELED,))

    def add_steps(self, row: Row, steps: int) -> None:
        """Add steps that are done to a row, up to its total, and the same to all above it."""
        _refuse_negative("increment_completed_steps", steps)
        added = 0

        def own(each: Row) -> dict[str, Any]:
            nonlocal added
            added = max(min(steps, each.total_steps - each.completed_steps), 0)
            return {"completed_steps": each.completed_steps + added}

        def change(above: Row) -> dict[str, Any]:
            return {
                "completed_steps": max(min(above.completed_steps + added, above.total_steps), above.completed_steps)
            }

        self._walk(row, "moved on", own, change)
        telling.tell_cluster(row)

    def add_total(self, row: Row, steps: int) -> None:
        """Add steps that are to be done to a row, and to all above it."""
        _refuse_negative("increment_total_steps", steps)

        def change(each: Row) -> dict[str, Any]:
            return {"total_steps": each.total_steps + steps}

        self._walk(row, "made longer", change, change)
        telling.tell_cluster(row)

    def reset(self, row: Row) -> None:
        """Put a row back to its beginning, whatever state it has; what has ended above it is in progress again."""
        undone = 0

        def own(each: Row) -> dict[str, Any]:
            nonlocal undone
            undone = each.completed_steps
            return {"state": states.PENDING, "completed_steps": 0, "attempts": 1, "error_text": ""}

        def change(above: Row) -> dict[str, Any]:
            state = states.IN_PROGRESS if above.state in states.FINAL else above.state
            return {"state": state, "completed_steps": max(above.completed_steps - undone, 0)}

        self._walk(row, "reset", own, change, forbidding=())

    def end(self, row: Row, ending: Ending) -> None:
        """End a row that has not ended, or put it back. Raises TaskCanceledException if it was canceled."""
        with self._writing():
            had_ended = self._take_over(row) and row.state in states.FINAL
            self.settle({row.pk: ending})
            is_there = self._take_over(row)
        if is_there and (had_ended or row.state != ending.state):
            _refuse(row, ending.state)

    def _walk(
        self, row: Row, what: str, own: Change, change: Change, forbidding: Collection[str] = states.FINAL
    ) -> None:
        """Change a row and those above it, unless its state is one of those that forbid it.

        If the caller has a transaction open, those above follow after its commit: it may take long, and the ends of
        other tasks below them, which the monitor writes, must not wait for it.
        """
        has_time = self._is_in_transaction_of_caller()
        with transaction.atomic(using=self.db):
            locked = self.lock([row.pk]).get(row.pk)
            if locked is None:
                return
            is_forbidden = locked.state in forbidding
            if not is_forbidden:
                self.change([locked.pk], **own(locked))
                if locked.parent_id is not None and has_time:
                    above = partial(self._walk_above, locked.parent_id, change)
                    transaction.on_commit(lambda: above(), using=self.db, robust=True)
                else:
                    self._walk_above(locked.parent_id, change)
            self._take_over(row)
        if is_forbidden:
            _refuse(row, what)

    def _walk_above(self, parent: int | None, change: Change) -> None:
        with transaction.atomic(using=self.db):
            while parent is not None:
                above = self.lock([parent]).get(parent)
                if above is None:
                    return
                if columns := change(above):
                    self.change([above.pk], **columns)
                parent = above.parent_id

    def _is_in_transaction_of_caller(self) -> bool:
        """Has anybody but a test case, whose transaction is never committed, a transaction open?"""
        return not all(getattr(block, "_from_testcase", False) for block in connections[self.db].atomic_blocks)

    def _take_over(self, row: Row) -> bool:
        """Bring an object up to date with its row. False: that is gone."""
        fresh = self.model._base_manager.using(self.db).filter(pk=row.pk).values(*self._columns()).first()
        row.__dict__.update(fresh or {})
        return fresh is not None

    def _columns(self) -> list[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    # --- cancel

    def cancel(self, row: Row) -> None:
        """Cancel a row and all below it that have not ended, and what the queue holds of them."""
        self.become_writer()
        unfinished = self._unfinished_below(row)
        if unfinished:
            waiting = self._in_queue(unfinished.values())
            with self._writing():
                with _collecting() as endings:
                    taken = take_back(waiting)
                self.settle(endings | dict.fromkeys(unfinished, Ending(states.CANCELED)))
            if options.interrupts():
                for task_id in set(waiting) - set(taken):
                    cancel(task_id)
        self._take_over(row)

    def _unfinished_below(self, row: Row) -> dict[int, str]:
        """Return the ids of the row and of all below it that have not ended, with those of their tasks."""
        rows = self.model._base_manager.using(self.db)
        found: dict[int, str] = {}
        level = rows.filter(pk=row.pk)
        while here := list(level.values_list("pk", "task_id", "state")):
            found.update({pk: task_id for pk, task_id, state in here if state not in states.FINAL})
            level = rows.filter(parent__in=[pk for pk, _, _ in here])
        return found

    # --- delete

    def delete_tree(self, row: Row) -> None:
        """Delete a row and all below it, with what they made; a task that runs goes on.

        They are locked before, lest a task add an artifact to a row that is about to go.
        """
        with self._writing():
            for level in reversed(self._levels_below(row)):
                self.lock(level)
            self.filter(pk=row.pk).delete()

    def _levels_below(self, row: Row) -> list[list[int]]:
        """Return the ids of the row, of its children, and so on."""
        rows = self.model._base_manager.using(self.db)
        levels, level = [], [row.pk]
        while level:
            levels.append(level)
            level = list(rows.filter(parent__in=level).values_list("pk", flat=True))
        return levels

    def _in_queue(self, task_ids: Iterable[str]) -> list[str]:
        """Return the ids of the tasks in the queue: of these, and of the chains and iterations that have these ids."""
        chosen = list(task_ids)
        found: list[str] = []
        queue = OrmQ.objects.using(self.db)
        for start in range(0, len(chosen), _AT_ONCE):
            part = chosen[start : start + _AT_ONCE]
            found += queue.filter(models.Q(pk__in=part) | models.Q(chain__in=part)).values_list("pk", flat=True)
        return sorted(set(found))


def _tell(rows: Any, ids: list[int]) -> None:
    """Send the signal for rows that have ended."""
    if not signals.user_task_stopped.receivers:
        return
    for start in range(0, len(ids), _AT_ONCE):
        ended = rows.in_bulk(ids[start : start + _AT_ONCE])
        for pk in ids[start : start + _AT_ONCE]:
            if pk in ended:
                signals.send(signals.user_task_stopped, type(ended[pk]), status=ended[pk])


def _refuse(row: Row, what: str) -> None:
    """Say that a row in a final state keeps it. Raises TaskCanceledException if the task should end for that."""
    if row.state == states.CANCELED and not row.is_container:
        raise TaskCanceledException(f"{row.name!r} was canceled.")
    logger.info("The user task %s cannot be %s: it is %s.", row.task_id, what, row.state)


def _refuse_negative(method: str, steps: Any) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise InvalidValue(f"{method}({steps!r}) cannot be done; pass a whole number, 0 or above.")


class StatusManager(models.Manager.from_queryset(StatusQuerySet)):  # type: ignore[misc]
    """Reads and writes where the queue is."""

    def get_queryset(self) -> StatusQuerySet:
        """Return all rows, of the database that ``Q_CLUSTER['orm']`` names."""
        found: StatusQuerySet = super().get_queryset()
        return found if self._db else found.using(conf.current().orm)
