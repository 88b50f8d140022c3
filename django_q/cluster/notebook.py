"""Writes the progress of tasks for a keeper, which must not fail or wait because of it."""

from collections.abc import Sequence
from typing import Any

from django.db import Error, InterfaceError, OperationalError

from django_q.engine.progress import complain
from django_q.kernel.messages import Advance
from django_q.models import Progress


class Notebook:
    """What the sentinel passed on, until it is written."""

    def __init__(self, alias: str) -> None:
        self._rows = Progress.objects.using(alias)
        self._advances: dict[str, Advance] = {}

    @property
    def is_empty(self) -> bool:
        """Is everything written?"""
        return not self._advances

    def take(self, headers: Sequence[tuple[Any, ...]]) -> None:
        """Keep what is to be written."""
        self._advances |= {header[0]: Advance(*header) for header in headers}

    def write(self) -> bool:
        """Write it in one statement for many; False: the database could not be used, and it may be tried again."""
        try:
            self._rows.note(self._advances.values())
        except (OperationalError, InterfaceError) as error:
            complain("The progress of tasks cannot be written and is tried again: %s", error)
            return False
        except Error as error:  # what is refused now will be refused again
            complain("The progress of tasks cannot be written: %s", error)
        self._advances = {}
        return True
