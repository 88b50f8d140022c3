"""End rows, or put them back, together with what follows for the containers above them.

Rows are locked in one order, whoever locks them: those deep in a tree before those above them, within a level by id. So
no two transactions wait for each other, and of the last two children of a container that end at once the second sees
what the first did: it holds the container's lock, and reads the other children after it has got that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q

from django_q.contrib.user_tasks import states, texts

Row = Any  # a UserTaskStatus
Rows = Any  # a StatusQuerySet

_AT_ONCE = 500  # rows that one statement names


@dataclass(frozen=True, slots=True)
class Ending:
    """What shall become of a row: one of the final states, or RETRYING."""

    state: str
    reason: str | None = None  # that of the history
    text: str = ""  # what the user is told of a failure, if not what the worker noted
    attempts: int = 1  # how many there have been, at least


@dataclass(slots=True)
class _Below:
    """What the children of a container did in this transaction."""

    steps: int = 0
    failure: str = ""  # what the user is told, if one failed
    have_ended: bool = False


@dataclass(slots=True)
class Settling:
    """One transaction's work."""

    rows: Rows
    ended: list[int] = field(default_factory=list)  # ids of the rows that reached a final state
    _below: dict[int, _Below] = field(default_factory=lambda: defaultdict(_Below))
    _updates: dict[tuple[Any, ...], list[int]] = field(default_factory=lambda: defaultdict(list))
    _errors: list[Any] = field(default_factory=list)

    def run(self, endings: Mapping[int, Ending], levels: Iterable[Iterable[int]], again: Iterable[int] = ()) -> None:
        """Lock the rows of each level, the deepest first, and change them; look ``again`` whether these containers
        have ended."""
        for pk in again:
            self._below[pk].have_ended = True
        for level in levels:
            locked = self.rows.lock(level)
            open_ones = self._containers_with_open_children(locked)
            for row in locked.values():
                self._settle(row, endings.get(row.pk), has_open_children=row.pk in open_ones)
            self._write()

    def _settle(self, row: Row, ending: Ending | None, *, has_open_children: bool) -> None:
        below, steps = self._below.get(row.pk, _Below()), row.completed_steps
        chosen = ending if row.state not in states.FINAL else None
        if chosen is None and row.state not in states.FINAL:
            chosen = self._of_children(row, below, has_open_children=has_open_children)
        row.completed_steps = min(steps + below.steps, max(row.total_steps, steps))
        if chosen is not None:
            self._end(row, chosen)
        self._tell_parent(row, row.completed_steps - steps, has_ended=chosen is not None and row.state in states.FINAL)
        changed = {"completed_steps": row.completed_steps}
        if chosen is not None:
            changed |= {"state": row.state, "attempts": row.attempts, "error_text": row.error_text}
        if chosen is not None or row.completed_steps != steps:
            self._updates[tuple(changed.items())].append(row.pk)

    def _end(self, row: Row, ending: Ending) -> None:
        row.state = ending.state
        if ending.state == states.RETRYING:
            row.attempts, row.error_text = row.attempts + 1, ""
            return
        self.ended.append(row.pk)
        row.attempts = max(row.attempts, ending.attempts)
        if ending.state == states.SUCCEEDED:
            row.completed_steps = max(row.completed_steps, row.total_steps)
        if ending.state == states.FAILED:
            row.error_text = ending.text or row.error_text or texts.of_reason(ending.reason)
            self._errors.append(self.rows.artifact_model(status=row, name=self.rows.ERROR, text=row.error_text))

    def _tell_parent(self, row: Row, steps: int, *, has_ended: bool) -> None:
        if row.parent_id is None:
            return
        below = self._below[row.parent_id]
        below.steps += steps
        if has_ended:
            below.have_ended = True
            if row.state == states.FAILED and not below.failure:
                below.failure = row.error_text or texts.of_reason(None)

    def _of_children(self, row: Row, below: _Below, *, has_open_children: bool) -> Ending | None:
        """Return what follows for a container from what its children did."""
        if below.failure:
            return Ending(states.FAILED, text=below.failure)
        if not below.have_ended or has_open_children:
            return None
        return Ending(self._all_ended(row))

    def _all_ended(self, row: Row) -> str:
        """Return how a container ends whose children have ended."""
        counts = self.rows.filter(parent=row).aggregate(
            others=Count("pk", filter=~Q(state=states.SUCCEEDED)), failed=Count("pk", filter=Q(state=states.FAILED))
        )
        if counts["failed"]:
            return states.FAILED
        return states.CANCELED if counts["others"] else states.SUCCEEDED

    def _containers_with_open_children(self, locked: Mapping[int, Row]) -> set[int]:
        """Return those of the rows of which a child has not ended."""
        asked = [pk for pk, row in locked.items() if row.state not in states.FINAL and self._below_ended(pk)]
        return {pk for pk in asked if self._has_open_child(pk)}

    def _below_ended(self, pk: int) -> bool:
        return pk in self._below and self._below[pk].have_ended

    def _has_open_child(self, pk: int) -> bool:
        children = self.rows.filter(parent=pk)
        # Nearly all that are open have one of these states, and the index has them in one place.
        return children.filter(state__in=states.OPEN).exists() or children.exclude(state__in=states.FINAL).exists()

    def _write(self) -> None:
        for changed, pks in self._updates.items():
            for start in range(0, len(pks), _AT_ONCE):
                self.rows.change(pks[start : start + _AT_ONCE], **dict(changed))
        self._updates.clear()
        if self._errors:
            self.rows.artifact_model._base_manager.using(self.rows.db).bulk_create(self._errors)
            self._errors.clear()
