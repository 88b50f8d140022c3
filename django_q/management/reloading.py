"""``qcluster --reload``: a process that watches the project's files and starts the cluster anew when one changes."""

import logging
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue

from django_q.management.changes import Changes
from django_q.management.processes import Child, end_all, how_it_ended

logger = logging.getLogger("django_q.cluster")

GRACE = 3.0  # seconds that running tasks get, at a reload and at the end
# What a cluster may take beyond that: to kill tasks that will not stop, and to record what it ran.
PATIENCE = GRACE + 30.0
_LOOK = 0.2  # seconds between two looks at a cluster that might have ended by itself


class Reloading:
    """Runs a cluster as a child. This process never becomes a sentinel: it has a thread, and old code in its memory."""

    def __init__(
        self,
        name: str,
        command: Callable[[bool], list[str]],
        *,
        also_ends_at: Iterable[int] = (),
        what: str = "cluster",
    ) -> None:
        self.name = name
        self._what = what
        self._signals = [*stop_signals(), *also_ends_at]
        self._command = command  # called with True for the first start
        self._stops = 0
        self._changed: SimpleQueue[Path | None] = SimpleQueue()
        self._child: Child | None = None

    def run(self) -> int:
        """Run until a signal ends it, or until the cluster was asked to end in the database; return the exit code."""
        handlers = {number: signal.signal(number, self._on_signal) for number in self._signals}
        changes = Changes(self._changed.put)
        changes.start()
        try:
            self._start(is_first=True)
            while not self._stops:
                path = self._next_change()
                if path is not None:
                    self._start_anew(path)
                elif self._child is not None and not self._child.is_alive and self._has_stopped():
                    break
        finally:
            changes.stop()
            code = self._stop()
            for number, handler in handlers.items():
                signal.signal(number, signal.SIG_IGN if self._stops else handler)
        return max(code, 0)

    def _start(self, *, is_first: bool = False) -> None:
        self._child = Child(self._what, self._command(is_first))

    def _start_anew(self, path: Path) -> None:
        logger.info("%s has changed: %s %s starts anew.", _short(path), self._what, self.name)
        self._stop()
        if not self._stops:
            self._start()

    def _has_stopped(self) -> bool:
        """Conclude a cluster that ended by itself; was it because somebody asked it to?"""
        code = self._stop()
        if code == 0:
            return True
        what = self._what.capitalize()
        logger.error("%s %s %s; it starts again when a file changes.", what, self.name, how_it_ended(code))
        return False

    def _stop(self) -> int:
        """End the cluster if there is one, and return how it ended."""
        child, self._child = self._child, None
        if child is None:
            return 0
        end_all([child], grace=GRACE, patience=PATIENCE, presses=lambda: self._stops)
        return child.exit_code or 0

    def _next_change(self) -> Path | None:
        """Return a file that has changed, and forget the others: one start serves all of them."""
        try:
            path = self._changed.get(timeout=_LOOK)
        except Empty:
            return None
        while not self._changed.empty():
            self._changed.get()
        return path

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
        self._changed.put(None)  # the loop acts, at once


def stop_signals() -> list[int]:
    """Return the signals by which a command in a terminal is asked to end, as far as this system has them."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
