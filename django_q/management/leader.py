"""The leader of a process group, run as a script: ``python leader.py program argument …``.

It asks the program to end when it is asked to, or when who started it is killed, once however often it is asked, and
kills what the program leaves behind in the group. It imports nothing of this package, to cost next to nothing.

``runserver`` needs one: its outer process takes the inner one along if it gets one TERM, and leaves it behind if a
second one follows at once. Linux sends a death signal each time that a child gets another parent, hence once for each
thread of a process that is killed.
"""

import os
import signal
import subprocess
import sys
from functools import partial


def main(command: list[str]) -> int:
    """Run a program to its end; return its exit code, or 128 and the number of the signal that ended it."""
    parent = os.getppid()
    ends = {signal.SIGTERM, signal.SIGINT}
    awaited = {*ends, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    program = subprocess.Popen(command, preexec_fn=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, awaited))
    asked = False
    while program.poll() is None:
        if signal.sigwait(awaited) in ends and not asked:
            asked = True
            program.terminate()
    if os.getppid() != parent:  # otherwise the parent does it
        os.killpg(0, signal.SIGKILL)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
