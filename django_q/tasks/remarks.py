"""Warnings that point at the code of the user."""

import sys
import warnings


def remark(message: str, category: type[Warning]) -> None:
    """Warn about the call in the user's code that led here."""
    warnings.warn(message, category, stacklevel=_levels_to_caller())


def _levels_to_caller() -> int:
    """Return the stack level of the first frame outside this package, as :func:`remark` has to name it."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("django_q."):
        level, frame = level + 1, frame.f_back
    return level
