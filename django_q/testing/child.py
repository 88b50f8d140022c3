"""What a test starts in place of ``manage.py``: a cluster that ends with the test run, however that ends."""

import ctypes
import os
import signal
import sys

from django.core.management import execute_from_command_line

_PR_SET_PDEATHSIG = 1


def main(parent: int, *arguments: str) -> None:
    """Run a management command as a child of this parent."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # the test run ended before this process could ask to be told
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
