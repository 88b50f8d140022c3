"""A place at which whoever comes by is held up until the test lets go."""

import threading

PATIENCE = 30.0  # seconds; what a busy machine may need, never what a test waits for


class Gate:
    """Holds up the threads of a server that come by; open, it holds up nobody."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._opened = threading.Event()

    def pass_through(self) -> None:
        """Say that somebody is here, and wait until the gate is open."""
        self._arrived.set()
        self._opened.wait(PATIENCE)

    def until_somebody_waits(self) -> None:
        if not self._arrived.wait(PATIENCE):
            raise AssertionError(f"nobody came within {PATIENCE} s")

    def open(self) -> None:
        self._opened.set()
