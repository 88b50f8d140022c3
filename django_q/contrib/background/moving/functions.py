"""Where the functions of old task names are: among those under @background, else under the name itself."""

from django.core.management.base import CommandError

from django_q.contrib.background.decorator import places
from django_q.contrib.background.tasks import autodiscover
from django_q.exceptions import InvalidValue
from django_q.tasks import lookup

ELSEWHERE = "this process has no module for its function: it waits for a worker that has"


class UnknownName(Exception):
    """No function has the name of a task."""


class Functions:
    """Finds functions by name; CommandError if the module ``tasks`` of an application cannot be imported."""

    def __init__(self) -> None:
        try:
            autodiscover()
        except ImportError as error:
            raise CommandError(f"{error} Without them the names of tasks are not known.") from error
        self._found: dict[str, tuple[str, list[str]]] = {}

    def path(self, name: str) -> tuple[str, list[str]]:
        """Return the dotted path for a name, and what is to be said of it. Raises UnknownName."""
        if name not in self._found:
            self._found[name] = self._look_for(name)
        return self._found[name]

    def written(self, name: str) -> str:
        """Return what the history says of a name: the path that it stands for, else itself."""
        return places.get(name, name)

    def _look_for(self, name: str) -> tuple[str, list[str]]:
        path = places.get(name, name)
        try:
            is_here, error = lookup.is_here(path), lookup.missing(path)
        except InvalidValue as refusal:
            raise UnknownName(
                f"no function has the name {name!r}: write @background(name={name!r}) above it, in the module tasks of "
                "an application"
            ) from refusal
        if error is not None:
            raise UnknownName(f"no function has the name {name!r}: {error}")
        return path, [] if is_here else [ELSEWHERE]
