"""A command behind a pseudo-terminal: what stands on its screen, keys, and windows of another size."""

import errno
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

PATIENCE = 30.0  # seconds; what a busy machine may need, never what a test waits for

_SEQUENCE = re.compile(
    r"\x1b\[([0-9;?<>=]*)([@-~])"  # what moves the cursor and changes its colour
    r"|\x1b[P\]_^].*?(?:\x1b\\|\x07)"  # questions to the terminal, which this one passes over
    r"|\x1b[()][0-9A-Z]|\x1b[=>78]",
    re.DOTALL,
)
# The question where the cursor is, and an answer.
_WHERE, _HERE = "\x1b[6n", "\x1b[1;1R"


class Screened:
    """``python -m django …`` in a terminal of its own."""

    def __init__(
        self,
        *words: str,
        env: Mapping[str, str],
        folder: Path,
        width: int = 120,
        height: int = 30,
        is_mute: bool = False,
        term: str = "xterm-256color",
    ) -> None:
        self._end, self._terminal = pty.openpty()
        self.size = (width, height)
        self.is_mute = is_mute  # a terminal that answers no question
        self._set_size()
        self.before = termios.tcgetattr(self._terminal)
        self.raw = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "django", *words],
            env={**env, "TERM": term},
            cwd=folder,
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            start_new_session=True,
            # Signals of the terminal reach only whose terminal it is.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    # What a person does ----------------------------------------------------------------------------------------------

    def press(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Change the size of the window; the kernel tells who runs in it by SIGWINCH."""
        self.size = (width, height)
        self._set_size()

    # What a person sees ----------------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """Return the screen."""
        width, height = self.size
        cells = [[" "] * width for _ in range(height)]
        row = column = place = 0
        text = self.raw.rpartition("\x1b[?1049h")[2]
        for found in [*_SEQUENCE.finditer(text), None]:
            for letter in text[place : found.start() if found else len(text)]:
                if letter == "\r":
                    column = 0
                elif letter == "\n":
                    row += 1
                elif letter.isprintable():
                    if row < height and column < width:
                        cells[row][column] = letter
                    column += 1
            if found is None:
                break
            place = found.end()
            if found[2] == "H":
                row, column = (int(number or 1) - 1 for number in (found[1] or "1;1").split(";"))
            elif found[2] == "K" and row < height:
                cells[row][column:] = " " * (width - column)
            elif found[2] == "J":
                cells = [[" "] * width for _ in range(height)]
        return ["".join(each).rstrip() for each in cells]

    def until_shows(self, *words: str, within: float = PATIENCE) -> list[str]:
        """Wait until all these words are on the screen, and return it."""
        deadline = time.monotonic() + within
        while not all(any(word in line for line in self.lines()) for word in words):
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{words} not shown:\n" + "\n".join(self.lines()) + f"\n{self.raw[-3000:]!r}")
        return self.lines()

    def exit_code(self) -> int:
        """Wait for its end, read what it has left, and return how it ended."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        assert self.process.poll() is not None, f"it has not ended: {self.lines()}"
        while self._read(0):
            pass
        return self.process.returncode

    def is_restored(self) -> bool:
        """Is the terminal as it was: its modes, its screen and its cursor?"""
        left = self.raw.rfind("\x1b[?1049l") > self.raw.rfind("\x1b[?1049h") > -1
        cursor = self.raw.rfind("\x1b[?25h") > self.raw.rfind("\x1b[?25l")
        return left and cursor and termios.tcgetattr(self._terminal) == self.before

    def afterwards(self) -> str:
        """Return what was printed after the screen was left."""
        return _SEQUENCE.sub("", self.raw.rpartition("\x1b[?1049l")[2]).strip()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._end)
        os.close(self._terminal)

    def _read(self, patience: float) -> bool:
        if not select.select([self._end], [], [], patience)[0]:
            return False
        try:
            new = os.read(self._end, 65536).decode(errors="replace")
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.raw += new
        if not self.is_mute:
            self.press(_HERE * new.count(_WHERE))
        return True

    def _set_size(self) -> None:
        width, height = self.size
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
