"""Values as text that people can read and write, and that runs nothing when it is read.

Python's literals, and ``date``, ``time``, ``datetime``, ``timedelta``, ``Decimal`` and ``UUID`` as Python writes them:
``datetime.date(2026, 1, 31)``, ``Decimal('9.90')``.
"""

import ast
import datetime
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from keyword import iskeyword
from typing import Any
from unicodedata import normalize
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django_q.exceptions import InvalidValue

_CALLS: dict[str, Callable[..., Any]] = {
    "date": datetime.date,
    "time": datetime.time,
    "datetime": datetime.datetime,
    "timedelta": datetime.timedelta,
    "timezone": datetime.timezone,
    "Decimal": Decimal,
    "UUID": UUID,
    "ZoneInfo": ZoneInfo,
    "float": float,
    "set": set,
    "frozenset": frozenset,
}
_CONSTANTS = {"timezone.utc": datetime.timezone.utc, "datetime.timezone.utc": datetime.timezone.utc}
_MODULES = ("datetime.", "decimal.", "uuid.", "zoneinfo.")
_PLAIN = (bool, int, complex, str, bytes, type(None))
_MOMENTS = (datetime.date, datetime.time, datetime.timedelta, Decimal, UUID, datetime.tzinfo)


def write_args(args: Iterable[Any]) -> str:
    """Return positional arguments as text: ``1, 'two'``. Raises :exc:`~django_q.exceptions.InvalidValue`."""
    return ", ".join(map(write, args))


def write_kwargs(kwargs: Mapping[str, Any]) -> str:
    """Return keywords as text: ``one=1, two='2'``. Raises :exc:`~django_q.exceptions.InvalidValue`."""
    if not all(_is_plain_name(name) for name in kwargs):
        return write(dict(kwargs))
    return ", ".join(f"{name}={write(value)}" for name, value in kwargs.items())


def read_args(text: str) -> tuple[Any, ...]:
    """Return the positional arguments that a text names, one value or several.

    Raises :exc:`~django_q.exceptions.InvalidValue` that quotes what cannot be read.
    """
    if not text.strip():
        return ()
    value = _value(_parsed(text.strip(), text), text)
    return value if isinstance(value, tuple) else (value,)


def read_kwargs(text: str) -> dict[str, Any]:
    """Return the keywords that a text names, as ``one=1, two=2`` or as a dict.

    Raises :exc:`~django_q.exceptions.InvalidValue` that quotes what cannot be read.
    """
    if not text.strip():
        return {}
    if text.strip().startswith("{"):
        found = _value(_parsed(text.strip(), text), text)
        if not isinstance(found, dict) or not all(isinstance(name, str) and name.isidentifier() for name in found):
            raise _unreadable(text, "its keys are not names")
        return found
    call = _parsed(f"f({text})", text)
    if not isinstance(call, ast.Call) or call.args or any(keyword.arg is None for keyword in call.keywords):
        raise _unreadable(text, "keywords look like name=1, other='two'")
    return {keyword.arg: _value(keyword.value, text) for keyword in call.keywords if keyword.arg is not None}


def _is_plain_name(name: str) -> bool:
    """Does Python read this name as it is written? It turns letters that look alike into one."""
    return name.isidentifier() and not iskeyword(name) and normalize("NFKC", name) == name


def write(value: Any) -> str:
    """Return a value as text. Raises :exc:`~django_q.exceptions.InvalidValue` for what has no such form."""
    kind = type(value)
    if kind in _PLAIN or isinstance(value, _MOMENTS):
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    if kind is dict:
        return "{" + ", ".join(f"{write(name)}: {write(each)}" for name, each in value.items()) + "}"
    if kind is tuple:
        return "(" + ", ".join(map(write, value)) + (",)" if len(value) == 1 else ")")
    if kind is list:
        return "[" + ", ".join(map(write, value)) + "]"
    if kind in (set, frozenset):
        inner = ", ".join(sorted(map(write, value)))
        return f"{kind.__name__}([{inner}])" if not value or kind is frozenset else "{" + inner + "}"
    raise InvalidValue(
        f"{value!r} cannot be kept as text. A schedule takes numbers, texts, dates, times, Decimal, UUID and lists, "
        "tuples, sets and dicts of them; pass the key of an object, not the object."
    )


# --- reading -------------------------------------------------------------------------------------------------------


def _parsed(source: str, text: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(text, getattr(error, "msg", None) or str(error)) from error


def _value(node: ast.expr, text: str) -> Any:
    try:
        return _evaluated(node)
    except InvalidValue as error:
        raise _unreadable(text, str(error)) from error
    except (TypeError, ValueError, ArithmeticError, RecursionError, ZoneInfoNotFoundError) as error:
        raise _unreadable(text, str(error)) from error


def _evaluated(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return _called(node)
    if isinstance(node, ast.Attribute):
        name = ast.unparse(node)
        if name in _CONSTANTS:
            return _CONSTANTS[name]
    if isinstance(node, ast.Tuple):
        return tuple(map(_evaluated, node.elts))
    if isinstance(node, ast.List):
        return list(map(_evaluated, node.elts))
    if isinstance(node, ast.Set):
        return set(map(_evaluated, node.elts))
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [key for key in node.keys if key is not None]
        return {_evaluated(key): _evaluated(value) for key, value in zip(keys, node.values, strict=True)}
    if isinstance(node, ast.Name):
        raise InvalidValue(f"{node.id} is a name; write {node.id!r} for a text")
    return ast.literal_eval(node)


def _called(node: ast.Call) -> Any:
    name = ast.unparse(node.func)
    for module in _MODULES:
        name = name.removeprefix(module)
    if name not in _CALLS:
        raise InvalidValue(f"{ast.unparse(node.func)}() is not among what can be written here: {', '.join(_CALLS)}")
    keywords = {keyword.arg: _evaluated(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    if len(keywords) != len(node.keywords):
        raise InvalidValue("** is not among what can be written here")
    return _CALLS[name](*map(_evaluated, node.args), **keywords)


def _unreadable(text: str, why: str) -> InvalidValue:
    return InvalidValue(f"{text!r} cannot be read: {why}.")
