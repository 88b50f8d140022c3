"""A stored traceback without the frames that are not the application's."""

import re
import sysconfig
from collections.abc import Iterator

# In the traceback of an exception group each line begins with a margin.
_FRAME = re.compile(r'(?P<margin>[ |]*\| )?  File "(?P<file>.+?)", line \d+, in ')
_OF_A_FRAME = re.compile(r"    |  \[Previous line repeated \d+ more times?\]")
_FOREIGN = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib(?:64)?[/\\]python3(?:\.\d+t?)?[/\\]|<frozen ", re.IGNORECASE
)
_OURS = re.compile(r"[/\\]django_q[/\\](?!examples[/\\])")
# The worker may have run another Python than this process; then the pattern above has to do.
_LIBRARY = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})


def application_only(text: str) -> str:
    """Return a traceback without the frames of Python, of installed packages and of this one.

    It is returned as it is where nothing else would be left.
    """
    lines = text.splitlines(keepends=True)
    if not any(found and _is_own(found["file"]) for found in map(_FRAME.match, lines)):
        return text
    return "".join(_own(lines))


def _own(lines: list[str]) -> Iterator[str]:
    margin: str | None = None  # of the frame that is left out
    for line in lines:
        frame = _FRAME.match(line)
        if frame:
            margin = None if _is_own(frame["file"]) else frame["margin"] or ""
        elif margin is not None and not _belongs(line, margin):
            margin = None
        if margin is None:
            yield line


def _belongs(line: str, margin: str) -> bool:
    """Is it the code of a frame, the marks below it, or the note that it was repeated?"""
    return line.startswith(margin) and _OF_A_FRAME.match(line, len(margin)) is not None


def _is_own(file: str) -> bool:
    return not (file.startswith(_LIBRARY) or _FOREIGN.search(file) or _OURS.search(file))
