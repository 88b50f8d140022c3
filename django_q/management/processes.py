"""Child processes of a command: each in a session of its own, shown under its name, ended together."""

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock, Thread
from typing import IO, TextIO

from django_q.kernel import clock

_REMEMBERED = 200  # lines
_WIDTH = 8  # of the names
_LOOK = 0.05  # seconds between two looks at processes that end
_PR_SET_PDEATHSIG = 1
_PALETTE = (36, 32, 35, 33, 34)


class Screen:
    """Lines of several processes in one terminal, each under the name of its process."""

    def __init__(self, stream: TextIO, *, colour: bool | None = None) -> None:
        self._stream: TextIO | None = stream
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ if colour is None else colour
        self._names: list[str] = []
        self._lock = Lock()

    def show(self, name: str, line: str) -> None:
        """Write a line; where nobody reads any more, do nothing."""
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(f"{self._prefix(name)}{line}\n")
                self._stream.flush()
            except OSError:  # the terminal is gone, and a process must not wait for it
                self._stream = None

    def _prefix(self, name: str) -> str:
        prefix = f"{name:{_WIDTH}}| "
        if not self._colour:
            return prefix
        if name not in self._names:
            self._names.append(name)
        return f"\x1b[{_PALETTE[self._names.index(name) % len(_PALETTE)]}m{prefix}\x1b[0m"


class Child:
    """A process in a session of its own, so that Ctrl-C in a terminal reaches only who started it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        stdout: int | None = None,
        kills_rest: bool = False,
    ) -> None:
        self.name = name
        self._kills_rest = kills_rest
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT if stdout is not None else None,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_to_end_with_this_process(),
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, None while it lives; minus the signal's number if one killed it."""
        return self._process.poll()

    @property
    def is_alive(self) -> bool:
        return self.exit_code is None

    def ask_to_end(self) -> None:
        if self.is_alive:
            self._process.terminate()

    def kill(self) -> None:
        """Kill it with the rest of its process group, whether it lives itself or not."""
        if not hasattr(os, "killpg"):
            self._process.kill()
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def conclude(self) -> int:
        """Wait for its end and return how it ended; ``kills_rest`` says that its process group ends with it."""
        code = self._process.wait()
        if self._kills_rest:
            self.kill()
        return code


class ShownChild(Child):
    """A child whose lines are remembered, and shown if there is a screen."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        screen: Screen | None,
        kills_rest: bool = False,
    ) -> None:
        super().__init__(name, command, environment=environment, stdout=subprocess.PIPE, kills_rest=kills_rest)
        self.lines: deque[str] = deque(maxlen=_REMEMBERED)
        self._screen = screen
        self._reader = Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def conclude(self) -> int:
        code = super().conclude()
        self._reader.join(1)
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()
        return code

    def last_words(self) -> str:
        return "\n".join(list(self.lines)[-30:])

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            line = line.rstrip("\n")
            self.lines.append(line)
            if self._screen is not None:
                self._screen.show(self.name, line)


def end_all(
    children: Sequence[Child], *, grace: float, patience: float, presses: Callable[[], int] = lambda: 0
) -> None:
    """End children, all at the same time: ask, ask again when their grace is over, kill when patience is.

    ``presses`` counts how often somebody asked for the end; once more during the grace ends the grace.
    """
    start, before, asked_again = clock.monotonic(), presses(), False
    for child in children:
        child.ask_to_end()
    while living := [child for child in children if child.is_alive]:
        waited = clock.monotonic() - start
        if not asked_again and (waited >= grace or presses() > before):
            asked_again = True
            for child in living:
                child.ask_to_end()
        if waited >= patience:
            for child in living:
                child.kill()
        clock.sleep(_LOOK)
    for child in children:
        child.conclude()


def how_it_ended(code: int) -> str:
    """Say an exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _to_end_with_this_process() -> Callable[[], object] | None:
    """Return what a child calls before it starts, so that Linux ends it when this process is killed; None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded here: between fork and exec as little as possible may happen.
    return partial(_end_with, os.getpid(), ctypes.CDLL(None).prctl)


def _end_with(parent: int, prctl: Callable[..., object]) -> None:
    """Ask for a signal at the parent's death, in the child; end at once if that was faster."""
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
