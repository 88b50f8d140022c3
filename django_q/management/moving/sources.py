"""The packages that people move in from: what copies the rows of each is registered under a name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.utils.module_loading import import_string

from django_q.conf import Settings
from django_q.management.moving.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a move is asked to do."""

    settings: Settings
    database: str  # alias of the old tables
    batch: int = 500  # rows in one transaction
    dry_run: bool = False
    trusts_pickles: bool = False
    cluster_name: str | None = None  # of the old cluster, where it was not that of now
    includes_leased: bool = False  # also what somebody there may hold


class Move(Protocol):
    """A move that can begin. It is made of a :class:`Request`; CommandError says what is not there."""

    def refuse_leased(self) -> None:
        """Raise CommandError while somebody there holds rows."""

    def run(self) -> Report:
        """Move what has not been moved, and return what was done; in a dry run, what would be."""


# By name the dotted path: nothing is imported before somebody asks for it.
_paths: dict[str, str] = {}
#: Names that come with an application, and what has to be in INSTALLED_APPS for them.
COME_WITH = {"background_task": "django_q.contrib.background", "user_tasks": "django_q.contrib.user_tasks"}


def register(name: str, path: str) -> None:
    """Let ``qmigrate_from NAME`` move by what has this path: a callable that makes a :class:`Move` of a Request.

    Applications call it in ``AppConfig.ready()``.
    """
    _paths[name] = path


def names() -> list[str]:
    """Return the names that are registered."""
    return sorted(_paths)


def source(name: str) -> Callable[[Request], Move]:
    """Return what is registered under a name. Raises KeyError."""
    found: Callable[[Request], Move] = import_string(_paths[name])
    return found


register("django_q", "django_q.management.moving.move.FromDjangoQ")
register("django_q2", "django_q.management.moving.move.FromDjangoQ2")
