"""The first process of a container, run as a script: ``python first_process.py PID``.

The kernel makes the first process the parent of every orphan, and what is not reaped stays as a zombie until no process
can be started any more. A sentinel reaps the children that it knows; a task's program may leave others behind. So the
cluster goes on in a child, and the first process becomes this script, which passes signals on to the child and reaps
whatever dies. It imports nothing of this package, to cost next to nothing.
"""

import os
import signal
import sys
from collections.abc import Iterator

# By name, since there are systems that lack some of them and import this file.
_NAMES = ("SIGCHLD", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_AWAITED = {getattr(signal, name) for name in _NAMES if hasattr(signal, name)}


def leave_first_place() -> None:
    """In the first process of a container, return in a child of it; in any other process, return at once."""
    if os.getpid() != 1:
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    child = os.fork()
    if child:
        os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, str(child)])
    os.setsid()  # else Ctrl-C in the terminal of the container would reach it twice, which ends the grace
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def main(child: int) -> int:
    """Serve until the child ends; return its exit code, or 128 and the number of the signal that ended it."""
    while True:
        number = signal.sigwait(_AWAITED)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        for pid, status in ended():
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


def ended() -> Iterator[tuple[int, int]]:
    """Reap what has died; yield each process id with its wait status."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        yield pid, status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
