"""Functions to dotted paths and back."""

import functools
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NoReturn, TypeGuard
from weakref import WeakKeyDictionary

from django_q.exceptions import FunctionNotFound, InvalidValue, UnpicklableError

_MAXIMUM_LENGTH = 255
_MAXIMUM_CACHED = 4096
_REMEDY = "Write the dotted path of a function, for example 'shop.tasks.send'."

# Path -> (name of the module, module, attributes). Not the function itself, so that what a test or a reload puts in its
# place is seen.
_places: dict[str, tuple[str, ModuleType, tuple[str, ...]]] = {}
_signatures: "WeakKeyDictionary[Callable[..., Any], inspect.Signature | None]" = WeakKeyDictionary()


def path_of(func: Callable[..., Any]) -> str | None:
    """Return the dotted path under which a worker finds this very object; None if it has to be pickled."""
    if isinstance(func, functools.partial):
        path_of(func.func)  # raises for what no pickle can carry either
        return None
    owner = getattr(func, "__self__", None)
    module: str | None = getattr(func, "__module__", None)
    qualname: str | None = getattr(func, "__name__", None)
    if isinstance(owner, type):  # a classmethod, perhaps of a base class
        module, qualname = owner.__module__, f"{owner.__qualname__}.{qualname}"
    elif owner is None or isinstance(owner, ModuleType):
        qualname = getattr(func, "__qualname__", None)
    # Else a method of an instance, which has no path unless a module keeps it under its name, like random.choice.
    if module == "__main__":
        _refuse(func, "is defined in '__main__', which workers do not have. Move it to a module")
    if module and qualname and _finds(module, qualname, func):
        return f"{module}.{qualname}"
    if isinstance(func, (FunctionType, type)):
        _refuse_hidden(func, module, qualname or "")
    return None


def resolve(path: str) -> Callable[..., Any]:
    """Return the callable under a path. An ImportError from inside an existing module is passed on unchanged."""
    place = _places.get(path) if isinstance(path, str) else None
    if place is not None and sys.modules.get(place[0]) is place[1]:
        found: object = _walk(place[1], place[2])
        if callable(found):
            return found
    module_name, attributes = _locate(normalize(path))
    module = sys.modules[module_name]
    if len(_places) >= _MAXIMUM_CACHED:
        _places.clear()
    _places[path] = (module_name, module, attributes)
    return _walk(module, attributes)


def forget() -> None:
    """Forget what was resolved before."""
    _places.clear()
    _signatures.clear()
    _normalized.cache_clear()


def normalize(path: str) -> str:
    """Return ``module:attribute`` as ``module.attribute``, after a look at its syntax; nothing is imported."""
    if not isinstance(path, str):
        raise InvalidValue(f"{path!r} is not a path but {type(path).__name__}. {_REMEDY}")
    return _normalized(path)


def signature_of(func: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature of a callable, or None if it does not tell."""
    if not isinstance(func, (FunctionType, BuiltinFunctionType, type)):
        return _signature(func)
    if func not in _signatures:
        _signatures[func] = _signature(func)
    return _signatures[func]


def display_name(func: Callable[..., Any]) -> str:
    """Return what stands for a pickled callable where people read it, cut to 255 characters."""
    name = _full_name(func)
    return name if len(name) <= _MAXIMUM_LENGTH else f"{name[: _MAXIMUM_LENGTH - 1]}…"


def is_plain(func: object) -> TypeGuard[FunctionType]:
    """Tell whether this is a function as ``def`` makes it, to which no decorator has added anything."""
    return type(func) is FunctionType and not func.__dict__


def is_async(func: Callable[..., Any]) -> bool:
    """Tell whether a call returns a coroutine."""
    if is_plain(func):
        return bool(func.__code__.co_flags & inspect.CO_COROUTINE)
    while isinstance(func, functools.partial):
        func = func.func
    if inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__):
        return True
    # How asgiref marks functions before Python 3.12; the type is compared because a mock has every attribute.
    return type(getattr(func, "_is_coroutine", None)) is object


# --- path_of -------------------------------------------------------------------------------------------------------


def _finds(module_name: str, qualname: str, func: object) -> bool:
    module = sys.modules.get(module_name)
    found = module and _walk(module, tuple(qualname.split(".")))
    # A bound method is made anew at each access: equal, never identical.
    return (
        found is func
        or (inspect.ismethod(func) and isinstance(func.__self__, type) and found == func)
        or (isinstance(func, BuiltinFunctionType) and isinstance(func.__self__, type) and found == func)
    )


def _refuse_hidden(func: object, module: str | None, qualname: str) -> NoReturn:
    if "<lambda>" in qualname:
        _refuse(func, "is a lambda, which has no name. Write it with def at the top level of a module")
    if "<locals>" in qualname:
        _refuse(func, "is defined inside a function. Move it to the top level of a module")
    if not module or module not in sys.modules:
        _refuse(func, "belongs to no module. Move it to the top level of one")
    if _walk(sys.modules[module], qualname.split(".")) is None:
        _refuse(func, "was made at run time, or typed in a shell, and stands in no module. Write it in one")
    _refuse(
        func, f"is not what stands under '{module}.{qualname}'; a decorator may hide it. Use the decorated function"
    )


def _refuse(func: object, reason: str) -> NoReturn:
    raise UnpicklableError(f"{func!r} cannot be sent to a worker: it {reason}, and pass that or its dotted path.")


def _walk(holder: object, attributes: Iterable[str]) -> Any:
    """Return what lies at the end of a chain of attributes; None if a link is missing."""
    for name in attributes:
        holder = getattr(holder, name, None)
        if holder is None:
            return None
    return holder


# --- resolve -------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=_MAXIMUM_CACHED)
def _normalized(path: str) -> str:
    dotted = path.replace(":", ".", 1)
    parts = dotted.split(".")
    if len(parts) < 2:
        raise InvalidValue(f"{path!r} has no module. {_REMEDY}")
    wrong = [part for part in parts if not part.isidentifier()]
    if wrong:
        raise InvalidValue(f"{path!r} holds {wrong[0]!r}, which is not an identifier. {_REMEDY}")
    if len(dotted) > _MAXIMUM_LENGTH:
        raise InvalidValue(f"{path!r} has {len(dotted)} characters; at most {_MAXIMUM_LENGTH} can be stored. {_REMEDY}")
    return dotted


def _locate(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of the longest module, imported now, and the attributes that lead on to a callable."""
    parts = path.split(".")
    depth = _import_longest(path, parts)
    for length in range(depth, 0, -1):  # a class may bear the name of a module beside it
        name, attributes = ".".join(parts[:length]), tuple(parts[length:])
        if callable(_walk(sys.modules[name], attributes)):
            return name, attributes
    _explain(path, parts, depth)


def _import_longest(path: str, parts: list[str]) -> int:
    """Import the modules of a path from the left; return how many parts they take."""
    if not _exists(parts[0]):
        _fail_on_module(path, parts, 1, None)
    module = importlib.import_module(parts[0])
    depth = 1
    while depth < len(parts) - 1 and hasattr(module, "__path__"):
        name = ".".join(parts[: depth + 1])
        if not _exists(name):
            break
        # The module exists: whatever goes wrong from here on comes from its inside.
        module = importlib.import_module(name)
        depth += 1
    return depth


def _exists(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None


def _explain(path: str, parts: list[str], depth: int) -> NoReturn:
    """Raise the error for a path whose modules exist as far as ``depth`` says."""
    module_name = ".".join(parts[:depth])
    holder: Any = sys.modules[module_name]
    for position in range(depth, len(parts)):
        name = parts[position]
        if not hasattr(holder, name):
            if holder is sys.modules[module_name] and hasattr(holder, "__path__") and position < len(parts) - 1:
                _fail_on_module(path, parts, position + 1, holder)
            _fail_on_attribute(path, parts, position, holder)
        holder = getattr(holder, name)
    raise FunctionNotFound(
        f"{path!r} is not callable: it is {type(holder).__name__} {_shorten(repr(holder))}. Pass a function's path.",
        path=path,
    )


def _fail_on_module(path: str, parts: list[str], length: int, parent: ModuleType | None) -> NoReturn:
    names = {info.name for info in pkgutil.iter_modules(parent.__path__ if parent else None)}
    names |= set(dir(parent)) if parent else {name for name in sys.modules if "." not in name}
    raise _not_found(path, parts, length - 1, names, f"there is no module {'.'.join(parts[:length])!r}")


def _fail_on_attribute(path: str, parts: list[str], position: int, holder: object) -> NoReturn:
    kind = "module" if isinstance(holder, ModuleType) else type(holder).__name__
    where = ".".join(parts[:position])
    kind = "class" if isinstance(holder, type) else kind
    raise _not_found(path, parts, position, set(dir(holder)), f"{kind} {where!r} has no attribute {parts[position]!r}")


def _not_found(path: str, parts: list[str], position: int, names: set[str], reason: str) -> FunctionNotFound:
    # Among all modules there are, something resembles anything.
    close = get_close_matches(parts[position], names, n=1, cutoff=0.6 if position else 0.75)
    suggestion = ".".join([*parts[:position], close[0], *parts[position + 1 :]]) if close else None
    remedy = f"Did you mean {suggestion!r}?" if suggestion else "Check the path, and that this code is deployed here."
    return FunctionNotFound(f"Function {path!r} was not found: {reason}. {remedy}", path=path, suggestion=suggestion)


# --- names and signatures ------------------------------------------------------------------------------------------


def _signature(func: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(func)
    except (TypeError, ValueError):  # a builtin without a signature
        return None


def _full_name(func: Any) -> str:
    if isinstance(func, functools.partial):
        return f"functools.partial({_full_name(func.func)})"
    owner = getattr(func, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        kind = owner if isinstance(owner, type) else type(owner)
        return f"{kind.__module__}.{kind.__qualname__}.{getattr(func, '__name__', '?')}"
    named = func if getattr(func, "__qualname__", None) else type(func)
    return f"{getattr(named, '__module__', None) or type(func).__module__}.{named.__qualname__}"


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"
