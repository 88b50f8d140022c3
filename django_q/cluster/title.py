"""How a process is shown by ``ps`` and ``top``."""

import ctypes
import sys
from collections.abc import Callable

setproctitle: Callable[[str], None] | None
try:
    from setproctitle import setproctitle
except ImportError:  # the extra [psutil] brings it; without it Linux is asked directly
    setproctitle = None

_PR_SET_NAME = 15
_NAME_LENGTH = 15
_ARG_START = 47  # fields of /proc/self/stat, counted from 0
_ARG_END = 48


def set_title(title: str, name: str) -> None:
    """Show ``title`` in place of the command line, cut to the room that it has, and ``name`` as the short name."""
    if setproctitle is not None:
        setproctitle(title)
    elif sys.platform.startswith("linux"):
        _set_name(name)
        _overwrite_arguments(title)


def _set_name(name: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_NAME_LENGTH], 0, 0, 0)


def _overwrite_arguments(title: str) -> None:
    """Write over the argument vector, which the kernel shows as the command line (proc(5), ``cmdline``)."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return
    # What follows the parenthesis starts with the third field.
    start, end = int(fields[_ARG_START - 2]), int(fields[_ARG_END - 2])
    if start and end > start:
        room = end - start
        ctypes.memmove(start, title.encode()[: room - 1].ljust(room, b"\0"), room)
