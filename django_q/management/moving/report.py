"""What a move found and did, counted by reason, for people and for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_q.management.moving.writing import Item, Refused

_SHOWN = 5  # rows that are named as examples


@dataclass(slots=True)
class Remark:
    """Something that holds for some of the rows."""

    text: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Count one more row."""
        self.count += 1
        if len(self.examples) < _SHOWN:
            self.examples.append(example)

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.examples) else ""
        return f"{self.count}: {self.text} ({', '.join(self.examples)}{more})"


@dataclass(slots=True)
class Part:
    """What became of the rows of one table."""

    title: str
    found: int = 0
    moved: int = 0
    before: int = 0  # moved by an earlier run
    needless: int = 0  # over and done, so that there is nothing to write
    completed: int = 0  # moved by an earlier run without payloads, which they have now
    stays: dict[str, Remark] = field(default_factory=dict)  # why rows were not moved
    notes: dict[str, Remark] = field(default_factory=dict)  # what is different about rows that were

    def leave(self, reason: str, example: str) -> None:
        """Count a row that was not moved."""
        self.stays.setdefault(reason, Remark(reason)).add(example)

    def note(self, text: str, example: str) -> None:
        """Count a row of which something has to be said."""
        self.notes.setdefault(text, Remark(text)).add(example)

    def count(self, items: Sequence[Item], refused: Refused) -> None:
        """Count a batch that was written, but for what the database refused."""
        reasons = {item.key: reason for item, reason in refused}
        for item in items:
            if item.key in reasons:
                self.leave(reasons[item.key], item.example)
                continue
            self.needless += item.is_needless
            self.moved += not item.is_needless
            for text in item.notes:
                self.note(text, item.example)

    @property
    def left(self) -> int:
        """Return how many rows were not moved."""
        return sum(remark.count for remark in self.stays.values())

    def lines(self) -> Iterator[str]:
        """Yield it as text."""
        counts = [f"{self.found} found", f"{self.moved} moved", f"{self.before} moved before"]
        counts += [f"{self.needless} needless"] if self.needless else []
        counts += [f"{self.completed} completed"] if self.completed else []
        yield f"{self.title}: {', '.join(counts)}, {self.left} not moved"
        yield from (f"  not moved  {remark}" for remark in self.stays.values())
        yield from (f"  note       {remark}" for remark in self.notes.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        counts = {name: getattr(self, name) for name in ("found", "moved", "before", "needless", "completed", "left")}
        return counts | {"stays": _plain(self.stays), "notes": _plain(self.notes)}


@dataclass(slots=True)
class Report:
    """What a move did, part by part."""

    source: str  # whose tables they are
    database: str
    dry_run: bool
    parts: dict[str, Part]  # by name, in the order in which they are moved
    remarks: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Return how many rows were not moved."""
        return sum(part.left for part in self.parts.values())

    def lines(self) -> Iterator[str]:
        """Yield it as text."""
        tense = "What a move would do (nothing was written)" if self.dry_run else "Moved in"
        yield f"{tense}: {self.source}, tables in the database {self.database!r}"
        for part in self.parts.values():
            yield from part.lines()
        yield from self.remarks

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        head = {name: getattr(self, name) for name in ("source", "database", "dry_run", "left", "remarks")}
        return head | {name: part.as_dict() for name, part in self.parts.items()}


def _plain(remarks: dict[str, Remark]) -> list[dict[str, Any]]:
    return [{"text": each.text, "count": each.count, "examples": each.examples} for each in remarks.values()]
