"""Who a process is, so that another one on the same host can tell whether it is gone."""

import os
import socket

HOST = socket.gethostname()
_START_TIME = 21  # field of /proc/<pid>/stat, counted from 0


def boot_id() -> str:
    """Return which boot of the kernel this is and which process namespace, as far as the system says."""
    return f"{_read('/proc/sys/kernel/random/boot_id')}:{_link('/proc/self/ns/pid')}"


def process_started(pid: int) -> str:
    """Return when the kernel started a process, in its own unit; empty if there is none or the system does not say."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    # What follows the parenthesis starts with the third field; a zombie runs nothing any more.
    if len(fields) <= _START_TIME - 2 or fields[0] == "Z":
        return ""
    return fields[_START_TIME - 2]


def is_gone(*, host: str, pid: int, started: str, boot: str) -> bool | None:
    """Say whether a process on this very system has ended. None: it cannot be known from here."""
    if host != HOST or boot != boot_id() or not started:
        return None
    found = process_started(pid)
    return None if not found and _is_hidden(pid) else found != started


def was_rebooted(*, host: str, boot: str) -> bool:
    """Say whether this host runs another boot than the one in which the process lived."""
    return host == HOST and boot.partition(":")[0] != boot_id().partition(":")[0]


def _is_hidden(pid: int) -> bool:
    """Is there such a process, of another user, and the system shows nothing of it (hidepid, ProtectProc=)?"""
    if os.path.exists(f"/proc/{pid}/stat"):
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return False


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
