"""An exception of user code as text: one line, and a traceback that starts where the user's code starts."""

import os
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from inspect import Parameter
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Any

from django_q.kernel import callables

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = tuple(os.path.join(_PACKAGE, room, "") for room in ("engine", "cluster", "kernel"))
_MESSAGE = 1_000  # characters
_TRACE = 50_000
_FRAMES = 500  # the innermost; a runaway recursion has more
_KEYWORDS = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def describe(error: BaseException) -> str:
    """Return an error as one line: its class and its message."""
    message = " ".join(_message_of(error).splitlines())
    if len(message) > _MESSAGE:
        message = f"{message[: _MESSAGE - 1]}…"
    name = type(error).__name__
    return clean(f"{name}: {message}" if message else name)


def trace_of(error: BaseException) -> str:
    """Return the traceback of an error without the frames of this package around the user's."""
    summary = TracebackException(type(error), error, error.__traceback__, limit=-_FRAMES, compact=True)
    _trim(summary)
    text = clean("".join(summary.format()))
    if len(text) <= _TRACE:
        return text
    head = _TRACE // 5
    return f"{text[:head]}\n  … {len(text) - _TRACE} characters …\n{text[head - _TRACE + 50 :]}"


def shorten(error: BaseException) -> None:
    """Take this package's frames off the beginning of an error's traceback, so that a log begins where users look."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    error.__traceback__ = trace


def clean(text: str) -> str:
    """Return text that every database can store: no NUL, no lone surrogate."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def add_hint(error: BaseException, function: Callable[..., Any], keywords: Mapping[str, Any]) -> None:
    """Add the nearest parameter to the message about a keyword that the function does not take."""
    if type(error) is not TypeError or _entered(error) or "Did you mean" in str(error):
        return
    signature = callables.signature_of(function)
    if signature is None:
        return
    takes = {name for name, parameter in signature.parameters.items() if parameter.kind in _KEYWORDS}
    close = [match for name in keywords.keys() - takes for match in get_close_matches(name, takes, n=1)]
    hint = f"Did you mean {close[0]!r}?" if close else f"It takes {signature}."
    error.args = (f"{error}. {hint}",)


def _entered(error: BaseException) -> bool:
    """Was the error raised inside the function, and not by the attempt to call it?"""
    trace = error.__traceback__
    while trace is not None:
        if not _is_ours(trace.tb_frame.f_code.co_filename):
            return True
        trace = trace.tb_next
    return False


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # a user's __str__
        return f"<a message whose text raises {type(failure).__name__}>"


def _trim(summary: TracebackException) -> None:
    """Cut off our frames at both ends of the stacks of an error and of those that it follows."""
    seen: set[int] = set()
    waiting: list[TracebackException | None] = [summary]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack = StackSummary.from_list(_without_ours(one.stack))
        waiting += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]


def _without_ours(frames: Iterable[FrameSummary]) -> list[FrameSummary]:
    kept = list(frames)
    while kept and _is_ours(kept[0].filename):
        del kept[0]
    while kept and _is_ours(kept[-1].filename):
        del kept[-1]
    return kept


def _is_ours(filename: str) -> bool:
    return filename.startswith(_OURS)
