"""What a browser says that it wants to see."""

from collections.abc import Mapping
from typing import Any

from django_q.contrib.publish.viewing import Wish
from django_q.events import Place
from django_q.events.storing import checked_name
from django_q.exceptions import InvalidValue

_GREATEST = 2**31 - 1


class Unreadable(ValueError):
    """A browser wants what cannot be understood."""


def wish_of(wanted: Mapping[str, Any]) -> Wish:
    """Return what is wanted: ``id``, and perhaps ``last``, ``run`` and ``batch``. Raises :exc:`Unreadable`."""
    try:
        stream = checked_name(wanted.get("id"))
    except InvalidValue as error:
        raise Unreadable(str(error)) from error
    last, run = _number(wanted, "last"), _number(wanted, "run")
    return Wish(stream, Place(run or 0, -1 if last is None else last), bool(wanted.get("batch")))


def _number(wanted: Mapping[str, Any], name: str) -> int | None:
    value = wanted.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _GREATEST:
        raise Unreadable(f"{name} is {value!r}. Send the number of an event or a run, or leave it out.")
    return value
