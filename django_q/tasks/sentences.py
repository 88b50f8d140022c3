"""Sentences that pages tell in the language of whoever looks, while commands, logs and scripts read English."""

from dataclasses import dataclass
from typing import Any

from django.utils import translation


@dataclass(frozen=True, slots=True)
class Sentence:
    """Clauses that stand alone, each with the values of its places; as a string it is English."""

    # The forms are lazy strings: it is known only when one is told in which language it has to be.
    clauses: tuple[tuple[Any, dict[str, object]], ...] = ()

    def told(self) -> str:
        """Return it in the active language."""
        return "; ".join(str(form % values) for form, values in self.clauses)

    def __str__(self) -> str:
        with translation.override(None):
            return self.told()

    def __add__(self, other: "Sentence") -> "Sentence":
        return Sentence(self.clauses + other.clauses)


def said(form: Any, **values: object) -> Sentence:
    """Return a sentence of one clause."""
    return Sentence(((form, values),))


NOTHING = Sentence()
