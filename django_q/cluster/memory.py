"""How much memory processes and the host have, as the kernel counts it: one short read, where there is a /proc."""

import os
from collections.abc import Iterable
from mmap import PAGESIZE

_RESIDENT = 1  # place in statm, in pages
_OF_HOST = {"total": b"MemTotal:", "available": b"MemAvailable:"}


def resident(pid: int) -> int | None:
    """Return the resident kilobytes of a process; None if it has gone or the system does not say."""
    try:
        descriptor = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 256).split()[_RESIDENT]) * PAGESIZE // 1024
    except (OSError, IndexError):  # it ended in between
        return None
    finally:
        os.close(descriptor)


def residents(pids: Iterable[int]) -> dict[str, int]:
    """Return the resident kilobytes of those of the processes that can be asked, by the text of their ids."""
    found = ((pid, resident(pid)) for pid in pids)
    return {str(pid): kilobytes for pid, kilobytes in found if kilobytes is not None}


def of_host() -> dict[str, int]:
    """Return the ``total`` and ``available`` kilobytes of this host; nothing where the system does not say."""
    try:
        descriptor = os.open("/proc/meminfo", os.O_RDONLY)
    except OSError:
        return {}
    try:
        words = [line.split() for line in os.read(descriptor, 4096).splitlines()]
    finally:
        os.close(descriptor)
    found = {line[0]: int(line[1]) for line in words if len(line) == 3}
    return {name: found[key] for name, key in _OF_HOST.items() if key in found}
