"""One thing that was looked at."""

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"

    @property
    def code(self) -> int:
        """Return the exit code that stands for it."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how bad it is, what was seen, and what to do about it."""

    check: str
    level: Level
    seen: str
    fix: str = ""

    @property
    def line(self) -> str:
        """Return it as a line of text."""
        words = f"{self.level.value:<8} {self.check:<14} {self.seen}"
        return f"{words}; {self.fix}" if self.fix else words


def well(check: str, seen: str) -> Finding:
    """Return a finding that needs nobody."""
    return Finding(check, Level.OK, seen)


def warning(check: str, seen: str, fix: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(check, Level.WARNING, seen, fix)


def error(check: str, seen: str, fix: str) -> Finding:
    """Return a finding because of which tasks do not run, or are lost to who asks for them."""
    return Finding(check, Level.ERROR, seen, fix)


def flat(text: object) -> str:
    """Return a text in one line, as a finding is one line."""
    return " ".join(str(text).split())
