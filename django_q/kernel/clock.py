"""The clock: the only module that asks for the time, so that tests can hold it."""

import time
from datetime import datetime, timezone


def now() -> datetime:
    """Return this moment, aware and in UTC."""
    return datetime.now(timezone.utc)


def monotonic() -> float:
    """Return seconds that only ever grow; the difference of two of them is a span."""
    return time.monotonic()


def epoch() -> float:
    """Return the seconds since 1970."""
    return time.time()


def from_epoch(seconds: float) -> datetime:
    """Return the moment that many seconds after 1970, aware and in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def sleep(seconds: float) -> None:
    """Rest for a span; not at all if it is negative."""
    if seconds > 0:
        time.sleep(seconds)
