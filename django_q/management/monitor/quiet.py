"""Keeps everything but the screen off the terminal: what logs and libraries print meanwhile is held back."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

_TOLD = 20  # lines, afterwards
_READ = 64 * 1024  # bytes of what was held back


@contextmanager
def owned_terminal() -> Iterator[TextIO]:
    """Yield a stream to the terminal that nobody else writes to; what others wrote comes to the standard error later.

    Handlers of logs keep the streams they were made with, so it is the descriptors that lead elsewhere.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    owned = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]
    kept = {descriptor: os.dup(descriptor) for descriptor in owned}
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    screen = os.fdopen(os.dup(1), "w", encoding=encoding, errors="replace", buffering=2**16)
    with tempfile.TemporaryFile() as held:
        for descriptor in owned:
            os.dup2(held.fileno(), descriptor)
        try:
            yield screen
        finally:
            screen.close()
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in kept.items():
                os.dup2(original, descriptor)
                os.close(original)
            _tell(held)


def _tell(held: BinaryIO) -> None:
    """Print the last lines of what was held back."""
    end = held.seek(0, os.SEEK_END)
    held.seek(max(0, end - _READ))
    lines = held.read().decode(errors="replace").splitlines()
    for each in lines[-_TOLD:]:
        sys.stderr.write(f"{each}\n")
