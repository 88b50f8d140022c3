"""Write a batch and its marks in one transaction; what the database refuses stands alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, IntegrityError, transaction

from django_q.models import Moved


@dataclass(slots=True)
class Item:
    """A row that is to be written, with the mark by which the next run knows it."""

    key: str
    example: str  # how the report names it
    content: Any
    is_incomplete: bool = False
    is_needless: bool = False  # only the mark is written
    notes: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)  # keys of other rows that this one stands for


MEANWHILE = "another run moved it at the same moment"

Refused = list[tuple[Item, str]]


def write(alias: str, items: Sequence[Item], store: Callable[[Sequence[Item]], None]) -> Refused:
    """Store items and mark them as moved, all or none; when the database refuses, one by one.

    Return those that it refuses alone, each with what it says.
    """
    if not items:
        return []
    try:
        with transaction.atomic(using=alias):
            # The marks first: who else moves the same rows at this moment waits here, and then does not write them.
            for is_incomplete in (False, True):
                keys = [key for item in items if item.is_incomplete is is_incomplete for key in (item.key, *item.also)]
                Moved.objects.using(alias).mark(keys, is_incomplete=is_incomplete)
            store(items)
    except (DataError, IntegrityError) as error:
        if len(items) == 1:
            is_here = Moved.objects.using(alias).known([items[0].key])
            return [(items[0], MEANWHILE if is_here else f"the database refuses it: {str(error).splitlines()[0]}")]
        return [refused for item in items for refused in write(alias, [item], store)]
    return []
