"""Patience with an end: wait for something to become true instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SHARE = 4  # so many times as long as a look is the rest after it
_LONGEST_REST = 0.2  # seconds


def eventually(predicate: Callable[[], T], *, within: float = 5, every: float = 0.02, saying: object = None) -> T:
    """Return the first true value of predicate; after within seconds raise AssertionError with the last one.

    A predicate may assert: its AssertionError counts as not yet, and is shown if it is the last word.
    saying is added to the message; a callable is called for it (for the output of a process, say).
    Whoever is waited for gets most of the processor: the rest between two looks is several times as long as a look.
    """
    deadline = time.monotonic() + within
    while True:
        looked_at = time.monotonic()
        late = looked_at >= deadline
        error = None
        try:
            value = predicate()
            if value:
                return value
            last = f"the last value was {value!r}"
        except AssertionError as failure:
            error, last = failure, f"the last failure was: {failure}"
        if late:
            note = saying() if callable(saying) else saying
            raise AssertionError(f"not within {within} s; {last}" + (f"\n{note}" if note else "")) from error
        time.sleep(max(every, min(_LONGEST_REST, _SHARE * (time.monotonic() - looked_at))))
