"""The version and the lazy public names; importing this package imports nothing else."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Each public name and the module that holds it. ``async`` is a keyword, hence reachable by ``getattr`` only.
_PUBLIC = {
    "async_task": "django_q.tasks",
    "async_": "django_q.tasks",
    "async": "django_q.tasks",
    "aasync_task": "django_q.tasks",
    "result": "django_q.tasks",
    "aresult": "django_q.tasks",
    "fetch": "django_q.tasks",
    "afetch": "django_q.tasks",
    "current_task": "django_q.tasks",
    "get_task": "django_q.tasks",
    "schedule": "django_q.tasks",
    "shared_task": "django_q.tasks",
    "Task": "django_q.models",
    "Success": "django_q.models",
    "Failure": "django_q.models",
    "Schedule": "django_q.models",
    "Cluster": "django_q.cluster",
    "Stat": "django_q.status",
}

__all__ = ["__version__", *(name for name in _PUBLIC if name != "async")]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that settings and models are not needed before."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
