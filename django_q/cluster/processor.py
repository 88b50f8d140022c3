"""How much processor time processes use, as the kernel counts it: one short read each, where there is a /proc."""

import os
from collections.abc import Iterable

from django_q.kernel import clock

_USER, _SYSTEM = 11, 12  # places in stat behind the name, in ticks


class ProcessorTime:
    """What processes used between two looks."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}  # seconds used, by process
        self._seen_at = 0.0

    def percent(self, pids: Iterable[int]) -> float | None:
        """Return what these used since the last look, in percent of one processor; None at the first look, and where
        the system does not say. A process that was not there at the last look counts from the next one on."""
        moment = clock.monotonic()
        now = {pid: seconds for pid, seconds in ((pid, seconds_used(pid)) for pid in pids) if seconds is not None}
        before, passed = self._seen, moment - self._seen_at
        self._seen, self._seen_at = now, moment
        if not before or not now or passed <= 0:
            return None
        used = sum(max(0.0, now[pid] - before[pid]) for pid in now.keys() & before.keys())
        return round(100 * used / passed, 1)


def seconds_used(pid: int) -> float | None:
    """Return the processor time of a process so far; None if it has gone or the system does not say."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        fields = os.read(descriptor, 1024).rpartition(b")")[2].split()
        return (int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):  # it ended in between
        return None
    finally:
        os.close(descriptor)
