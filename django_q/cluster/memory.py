"""How much memory a process holds, as the kernel counts it: one short read, where there is a /proc."""

import os
from collections.abc import Iterable
from mmap import PAGESIZE

_RESIDENT = 1  # place in statm, in pages


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
