"""Ids that sort by creation (UUIDv7, RFC 9562) and random tokens."""

import os
import re
from itertools import count
from random import Random
from threading import Lock

from django_q.kernel import clock

_ID = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_COUNTER_BITS = 12
_SEED_BITS = 11  # A counter starts in its lower half, so that a millisecond has room for 2048 more.
_VERSION = 7 << 76
_VARIANT = 2 << 62


def new_id(moment: float | None = None) -> str:
    """Return a new id: 32 hexadecimal digits. Ids made in one process sort in the order of their creation.

    With a ``moment`` (seconds since the epoch) it sorts among those made then.
    """
    stamp, noise = _source.next() if moment is None else _source.at(moment)
    return f"{(stamp >> _COUNTER_BITS) << 80 | _VERSION | (stamp & 0xFFF) << 64 | _VARIANT | noise:032x}"


def new_token() -> str:
    """Return 16 random hexadecimal digits."""
    return f"{_source.random.getrandbits(64):016x}"


def is_id(text: object) -> bool:
    """Tell whether this is an id as :func:`new_id` writes them."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


class _Source:
    """The process's own random numbers and its last stamp: 48 bits of milliseconds, 12 bits of counter."""

    def __init__(self) -> None:
        self.last = 0
        self.placed = count()
        self.seed()

    def seed(self) -> None:
        """Forget the parent's random numbers, and its lock, which a thread may have held during the fork."""
        self.lock = Lock()
        self.random = Random(os.urandom(32))  # noqa: S311 - ids must be unique, not secret

    def next(self) -> tuple[int, int]:
        """Return a stamp above all earlier ones, even if the clock was set back, and 62 random bits."""
        stamp = int(clock.epoch() * 1000) << _COUNTER_BITS
        bits = self.random.getrandbits
        with self.lock:
            self.last = stamp = max(stamp | bits(_SEED_BITS), self.last + 1)
        return stamp, bits(62)

    def at(self, moment: float) -> tuple[int, int]:
        """Return a stamp of that moment and 62 random bits. Of one moment a few thousand stamps rise in their order."""
        return max(0, int(moment * 1000)) << _COUNTER_BITS | next(self.placed) & 0xFFF, self.random.getrandbits(62)


_source = _Source()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_source.seed)
