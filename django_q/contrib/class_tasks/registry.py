"""Which classes there are: those of the modules ``tasks`` of all applications, and those that a program adds."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import isclass
from types import ModuleType
from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string, module_has_submodule

from django_q.contrib.class_tasks.base import Task
from django_q.contrib.class_tasks.exceptions import DuplicateTask, InvalidTask, MissingTask
from django_q.contrib.class_tasks.models import LONGEST_ID

_OURS = "django_q.contrib.class_tasks.tasks"


class Registry:
    """Classes by their names."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Task]] = {}

    def add(self, cls: type[Task], *, replace: bool = False) -> None:
        """Add a class. Raises :exc:`InvalidTask` for what is none, :exc:`DuplicateTask` for a name that is taken."""
        name = checked(cls)
        known = self._classes.get(name, cls)
        if known is not cls and not replace:
            raise DuplicateTask(
                f"{path_of(cls)} and {path_of(known)} have the same NAME, {name!r}. Rename one of them, or add the "
                "second with replace=True."
            )
        self._classes[name] = cls

    def find(self, name: str) -> type[Task]:
        """Return the class of a name. Raises :exc:`MissingTask`."""
        if name not in self._classes:
            raise MissingTask(f"No class has the NAME {name!r} in this runner, which knows {self.names()}.")
        return self._classes[name]

    def names(self) -> list[str]:
        """Return the names."""
        return sorted(self._classes)

    def discover(self) -> None:
        """Add what stands in the modules ``tasks`` of the applications.

        Raises :exc:`ImportError` for one that cannot be imported, and what :meth:`add` raises.
        """
        for cls in discovered():
            self.add(cls)


def discovered() -> Iterator[type[Task]]:
    """Yield the classes with a NAME of their own in the modules ``tasks`` of the applications.

    Raises :exc:`ImportError` for a module that cannot be imported, with the name of the application.
    """
    found: dict[type[Task], None] = {}
    for module in modules():
        for value in vars(module).values():
            if isclass(value) and issubclass(value, Task) and vars(value).get("NAME") is not None:
                found[value] = None
    yield from found


def modules() -> Iterator[ModuleType]:
    """Import and yield the module ``tasks`` of every application that has one."""
    for app in apps.get_app_configs():
        if app.module is None or not module_has_submodule(app.module, "tasks"):
            continue
        name = f"{app.name}.tasks"
        try:
            module = import_module(name)
        except Exception as error:
            raise ImportError(
                f"The tasks of the application {app.label!r} cannot be imported from {name!r}: "
                f"{type(error).__name__}: {error}"
            ) from error
        yield module


def has_tasks() -> bool:
    """Is there any class besides our own? A module that cannot be imported may have some."""
    try:
        return any(cls.__module__ != _OURS for cls in discovered())
    except ImportError:
        return True


def checked(cls: Any) -> str:
    """Return the NAME of a class. Raises :exc:`InvalidTask` for what cannot be a task."""
    if not (isclass(cls) and issubclass(cls, Task)):
        raise InvalidTask(f"{cls!r} is no class of tasks. Derive it from django_q.contrib.class_tasks.Task.")
    name: Any = cls.NAME
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        raise InvalidTask(f"The NAME of {path_of(cls)} is {name!r}. Write a text, for example NAME = 'group/name'.")
    if not callable(getattr(cls, "start", None)):
        raise InvalidTask(f"{path_of(cls)} has no start(). Write what the task does as def start(self).")
    return name


def path_of(cls: type) -> str:
    """Return where a class is."""
    return f"{cls.__module__}.{cls.__qualname__}"


def from_map(task_map: Mapping[str, type[Task] | str]) -> Iterator[type[Task]]:
    """Yield the classes of a dict of names. Raises :exc:`InvalidTask` where one has another name."""
    for name, given in task_map.items():
        cls = import_string(given) if isinstance(given, str) else given
        if checked(cls) != name:
            raise InvalidTask(f"{path_of(cls)} is given as {name!r}, but its NAME is {cls.NAME!r}.")
        yield cls
