"""How a setting is declared: its default, its meaning and its bounds, which the documentation shows."""

import os
import sys
from dataclasses import dataclass, field
from typing import Any


def option(
    default: Any,
    meaning: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a setting. A callable default is asked at the first use, and again wherever None is written."""
    bounds = {"default": default, "meaning": meaning, "minimum": minimum, "maximum": maximum, "choices": choices}
    if callable(default):
        return field(default_factory=default, metadata=bounds)
    return field(default=default, metadata=bounds)


def usable_cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def usual_start_method() -> str:
    """Return how worker processes start on this system unless the settings say."""
    return "fork" if sys.platform.startswith("linux") else "spawn"


@dataclass(frozen=True, slots=True)
class Option:
    """A setting, as the documentation shows it."""

    name: str
    default: Any
    meaning: str
    type: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]

    @property
    def bounds(self) -> str:
        """Say which values are accepted besides the type; empty if all are."""
        if self.choices:
            return f"one of {', '.join(map(repr, self.choices))}"
        limits = [("at least", self.minimum), ("at most", self.maximum)]
        return " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with Q_CLUSTER, and its remedy."""

    code: str
    message: str
    hint: str
