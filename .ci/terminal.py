"""A terminal with a shell in it, for scripts that do what a person would type."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

_PROMPT = re.compile(r"@@(\d+)@@$")
_ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])")


class Terminal:
    """An interactive bash behind a pseudo-terminal; close() ends whatever runs in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._end, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        flags = termios.tcgetattr(other)
        flags[3] &= ~termios.ECHO
        termios.tcsetattr(other, termios.TCSANOW, flags)
        # The prompt tells how the last command ended.
        wanted = {"PS1": "\n@@$?@@", "PS2": "", "TERM": "dumb", "VIRTUAL_ENV_DISABLE_PROMPT": "1"}
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            cwd=folder,
            env={**environment, **wanted},
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            # The shell can only send Ctrl-C to what runs in front of it if the terminal is its own.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(other)
        self._text = ""
        self._until(_PROMPT, 20)

    def type(self, line: str) -> None:
        self._text = ""
        os.write(self._end, line.encode() + b"\n")

    def interrupt(self) -> None:
        os.write(self._end, b"\x03")

    def run(self, line: str, *, within: float) -> tuple[int, list[str]]:
        """Type a command, wait for its end, and return its exit status and what stands on the screen."""
        self.type(line)
        return self.finish(within=within)

    def finish(self, *, within: float) -> tuple[int, list[str]]:
        status = int(self._until(_PROMPT, within)[1])
        return status, self.lines()

    def shows(self, pattern: re.Pattern[str], *, within: float) -> list[str]:
        """Wait until a pattern is on the screen, and return what stands there."""
        self._until(pattern, within)
        return self.lines()

    def lines(self) -> list[str]:
        """Return the screen: what a line was before it was drawn again is gone."""
        text = _PROMPT.sub("", self._plain())
        shown = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def close(self) -> None:
        """End the shell and what it runs, as closing the window does."""
        for _ in range(2):  # a program in front of the shell first
            group = os.tcgetpgrp(self._end) if self._shell.poll() is None else 0
            if group:
                os.killpg(group, signal.SIGHUP)
        os.close(self._end)
        self._shell.wait(30)

    def _plain(self) -> str:
        return _ESCAPE.sub("", self._text)

    def _until(self, pattern: re.Pattern[str], within: float) -> re.Match[str]:
        deadline = time.monotonic() + within
        while (found := pattern.search(self._plain())) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._end], [], [], left)[0]:
                raise TimeoutError(f"not within {within:.0f} s: {pattern.pattern}\n{self._plain()[-4000:]}")
            try:
                self._text += os.read(self._end, 65536).decode(errors="replace")
            except OSError as error:
                raise EOFError(f"the terminal was closed; it showed\n{self._plain()[-4000:]}") from error
        return found
