"""A system other than Linux, in a process of its own: what it lacks is taken away before django_q is imported."""

import importlib
import os
import signal
import socket
import sys
from typing import Any

# The standard library and others look after themselves: they are loaded before anything is taken away.
FIRST = """
logging.handlers multiprocessing.connection multiprocessing.shared_memory subprocess tempfile asyncio socketserver
django.contrib.admin django.core.files.locks django.core.management django.core.servers.basehttp django.test
channels.layers channels.generic.websocket redis rest_framework django_tasks psycopg MySQLdb pytest _pytest.pathlib
"""
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
ATTRIBUTES = {
    os: """fork forkpty killpg setsid getsid getpgid getpgrp setpgid waitid wait3 wait4 WNOHANG register_at_fork
           sched_getaffinity sched_setaffinity pidfd_open getuid geteuid getgid getegid get_blocking set_blocking
           mkfifo uname nice getloadavg""",
    signal: """SIGKILL SIGALRM SIGCHLD SIGUSR1 SIGUSR2 SIGHUP SIGQUIT SIGTSTP SIGSTOP SIGCONT SIGPIPE setitimer
               getitimer alarm pause ITIMER_REAL ITIMER_VIRTUAL pthread_sigmask pthread_kill sigwait siginterrupt""",
    socket: "AF_UNIX",
}


class _Absent:
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away() -> None:
    """Make this process believe that it runs on such a system. There is no way back."""
    for name in FIRST.split():
        try:
            importlib.import_module(name)
        except Exception:  # not installed, or not without settings: then nothing of ours needs it
            continue
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Absent())  # type: ignore[arg-type]
    for owner, names in ATTRIBUTES.items():
        for name in names.split():
            if hasattr(owner, name):
                delattr(owner, name)
