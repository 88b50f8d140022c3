"""What the process that enqueues can know of a function: its path, or that it has to be pickled, and its signature."""

import sys
from collections.abc import Callable
from functools import lru_cache
from inspect import Signature
from typing import Any

from django.conf import settings

from django_q.exceptions import FunctionNotFound, InvalidValue
from django_q.kernel import callables
from django_q.tasks.remarks import remark

Function = str | Callable[..., Any]

_LONGEST_PATH = 255


def address(func: Function) -> tuple[str, Callable[..., Any] | None]:
    """Return the path of a function; for one without, what people read in its place, and the callable to pickle.

    Raises :exc:`~django_q.exceptions.InvalidValue` for what is neither a path nor a callable and, with DEBUG only,
    :exc:`~django_q.exceptions.FunctionNotFound` for a path whose module is here and lacks the function.
    """
    if isinstance(func, str):
        path = callables.normalize(func)
        refuse_under_debug(path)
    elif not callable(func):
        raise InvalidValue(
            f"async_task() got {func!r}; its first argument is a dotted path or a callable. Write async_task(function, "
            "argument), not async_task(function(argument))."
        )
    else:
        found = callables.path_of(func)
        if found is None:
            return callables.display_name(func), func
        path = found
    if len(path) > _LONGEST_PATH:
        raise InvalidValue(f"The path {path!r} has {len(path)} characters; a row holds {_LONGEST_PATH}. Shorten it.")
    return path, None


def signature(func: Function) -> Signature | None:
    """Return the signature of a function, None if it does not tell or cannot be found here."""
    found = _found(func) if isinstance(func, str) else func
    return None if found is None or isinstance(found, FunctionNotFound) else callables.signature_of(found)


def resolved(path: str) -> Callable[..., Any] | None:
    """Return the function of a path, imported now; None if it cannot be found here."""
    found = _found(path)
    return None if isinstance(found, FunctionNotFound) else found


def loaded(path: str) -> Any:
    """Return what stands under a path in modules that are imported already; None if nothing does."""
    parts = callables.normalize(path).split(".")
    for length in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:length]))
        if found is not None:
            for name in parts[length:]:
                found = getattr(found, name, None)
            return found
    return None


def known(func: Function) -> Function:
    """Return the function of a path where it can be found and a mistake shall be told at once: with DEBUG."""
    if not settings.DEBUG or not isinstance(func, str):
        return func
    found = _found(func)
    return func if found is None or isinstance(found, FunctionNotFound) else found


def refuse_under_debug(path: str) -> None:
    """Raise FunctionNotFound, with DEBUG only, for a path whose module is here and lacks the function."""
    if settings.DEBUG:
        refuse_missing(path)


@lru_cache(maxsize=1024)
def refuse_missing(path: str) -> None:
    """Raise FunctionNotFound for a path whose module can be imported here and lacks the function.

    A module that is not here may be where the workers are; once, a warning says that it is not.
    """
    found = _found(path)
    if not isinstance(found, FunctionNotFound):
        return
    if _got_past_modules(path):
        raise found
    remark(f"{found} The task waits for a worker that knows it.", UserWarning)


def is_here(path: str) -> bool:
    """Is there a function under a path in this process?

    Raises :exc:`~django_q.exceptions.InvalidValue` for what is no path.
    """
    return callable(_found(callables.normalize(path)))


def missing(path: str) -> FunctionNotFound | None:
    """Return the error for a path whose module is here and lacks the function; None for all others."""
    found = _found(path)
    return found if isinstance(found, FunctionNotFound) and _got_past_modules(path) else None


def _found(path: str) -> Callable[..., Any] | FunctionNotFound | None:
    """Return the function of a path, or the error that it is missing, or None if its module cannot be imported here."""
    try:
        return callables.resolve(path)
    except FunctionNotFound as error:
        return error
    except Exception:  # A user's module runs while it is imported: what fails here may work where the worker is.
        return None


def _got_past_modules(path: str) -> bool:
    """Did the search for a path find all its modules?"""
    parts = path.split(".")[:-1]
    whole = len(parts)
    while parts and ".".join(parts) not in sys.modules:
        parts.pop()
    module = sys.modules.get(".".join(parts))
    return module is not None and (len(parts) == whole or not hasattr(module, "__path__"))
