"""Readers of settings: each returns a value as the settings hold it, or raises
:exc:`~django_q.exceptions.InvalidValue` that completes the sentence "Q_CLUSTER['…'] is …; it must be …"."""

from collections.abc import Mapping
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from django_q.exceptions import InvalidValue


def text(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidValue("it must be a text that is not empty.")
    return value


def whole(value: Any) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue("it must be a whole number.")
    return value


def span(value: Any) -> float:
    """Return a number of seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise InvalidValue("it must be a number of seconds or a timedelta.")
    return float(value)


def truth(value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise InvalidValue("it must be True or False.")
    return value


def names(value: Any) -> tuple[str, ...]:
    """Return a list of names as a tuple."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name for name in value):
        raise InvalidValue("it must be a list of names.")
    return tuple(value)


def truth_or_span(value: Any) -> bool | float:
    """Return True, False or a number of seconds."""
    return value if isinstance(value, bool) else span(value)


def directory(value: Any) -> str | bool:
    """Return the path of a directory, or False."""
    if value is False:
        return False
    if isinstance(value, Path) or (isinstance(value, str) and value):
        return str(value)
    raise InvalidValue("it must be the path of a directory, None or False.")


def plugins(value: Any) -> dict[str, dict[str, Any]]:
    """Return a dict of names and their keywords."""
    if not isinstance(value, Mapping) or not all(
        isinstance(name, str) and (given is None or isinstance(given, Mapping)) for name, given in value.items()
    ):
        raise InvalidValue("it must be a dict of dicts: a name, and the keywords that it is made with.")
    return {name: dict(given or {}) for name, given in value.items()}
