"""A child process whose output is shown line by line under its name."""

import os
import signal
import subprocess
import sys
from collections import deque
from threading import Lock, Thread

_COLOURS = {"site": 36, "cluster": 32, "devices": 35}
_REMEMBERED = 200
_printing = Lock()


class Child:
    """A process in a session of its own, so that Ctrl-C in a terminal reaches only who started it."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], *, quiet: bool) -> None:
        self.name = name
        self.quiet = quiet
        self.lines: deque[str] = deque(maxlen=_REMEMBERED)
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask_to_end(self) -> None:
        if self.is_alive:
            self._process.terminate()

    def end(self, patience: float) -> int:
        """Wait for the end of the process, kill its group when patience is over, and return its status."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._reader.join(1)
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()
        return self._process.returncode

    def last_words(self) -> str:
        return "\n".join(list(self.lines)[-30:])

    def _kill(self) -> None:
        if hasattr(os, "killpg"):
            os.killpg(self.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.lines.append(line.rstrip("\n"))
            if not self.quiet:
                self._show(line.rstrip("\n"))

    def _show(self, line: str) -> None:
        prefix = f"{self.name:8}| "
        if sys.stdout.isatty():
            prefix = f"\x1b[{_COLOURS.get(self.name, 37)}m{prefix}\x1b[0m"
        with _printing:
            sys.stdout.write(f"{prefix}{line}\n")
            sys.stdout.flush()
