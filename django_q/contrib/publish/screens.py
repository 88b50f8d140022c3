"""A log that a task shows in the browser while it runs."""

import logging
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from types import TracebackType

from django_q.contrib.publish.publishers import CommunicationBasePublisher

logger = logging.getLogger("django_q.publish.screen")


class RemoteScreen:
    """Writes lines of HTML below each other, or, with a direction other than "down", the newest on top.

    Without a ``cproxy`` the text of the lines goes to the log ``django_q.publish.screen``.
    """

    def __init__(self, cproxy: CommunicationBasePublisher | None = None, direction: str = "down") -> None:
        self.cproxy = cproxy
        self.direction = direction

    def __enter__(self) -> "RemoteScreen":
        if self.cproxy:
            self.raw_print("<div class='log'></div>===>>")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def log(self, html: str) -> None:
        """Write a line."""
        self._write(html, "log-line", logger.info)

    def info(self, html: str) -> None:
        """Write a line that tells something."""
        self._write(html, "text-info", logger.info)

    def warning(self, html: str) -> None:
        """Write a line that warns."""
        self._write(html, "text-warning", logger.warning)

    def error(self, html: str) -> None:
        """Write a line that tells of an error."""
        self._write(html, "text-white bg-danger", logger.error)

    def raw_print(self, html: str) -> None:
        """Send an event as it is; without a ``cproxy``, print its text."""
        if self.cproxy:
            self.cproxy.send_event(html)
        else:
            sys.stdout.write(f"{to_txt(html)}\n")

    def _write(self, html: str, classes: str, tell: Callable[[str], None]) -> None:
        operator = "===>>" if self.direction == "down" else "===<<"
        if self.cproxy:
            self.raw_print(f"<p class='{classes}'>{html}</p>{operator}.log")
        else:
            tell(to_txt(html))


def to_txt(html: str) -> str:
    """Return the text of HTML, without tags."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join(filter(None, reader.texts))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())
