"""Follow a task from the terminal until it has ended."""

from collections.abc import Callable
from typing import TextIO

from django_q import conf
from django_q.kernel import clock
from django_q.models import OrmQ, Task
from django_q.tasks import fetch
from django_q.tasks.waiting import Explanation, explain

_PAUSE = 0.02  # seconds before the second look
_LONGEST_PAUSE = 0.25
_BRIEF = 2.0  # seconds in which nothing is said line by line
_FRAMES = "|/-\\"


class Watcher:
    """Says how a task stands: on a terminal in one line that is written over, elsewhere once for each change."""

    def __init__(self, task_id: str, out: TextIO | None) -> None:
        self.task_id = task_id
        self._out = out
        self._is_live = out is not None and out.isatty()
        self._since = clock.monotonic()
        self._said = ""
        self._looks = 0

    def follow(self, patience: float | None, *, is_hopeless: Callable[[], bool]) -> Task | None:
        """Return the task when it has ended; None if patience, in seconds, or hope is over, or it left no row."""
        pause = _PAUSE
        try:
            while (task := fetch(self.task_id)) is None and self.is_queued() and not is_hopeless():
                left = float("inf") if patience is None else patience - self.seconds
                if left <= 0:
                    return None
                self._show(explain(self.task_id))
                clock.sleep(min(pause, left))
                pause = min(pause * 1.5, _LONGEST_PAUSE)
        finally:
            self._clear()
        return task or fetch(self.task_id)  # it may have moved between the two looks

    def is_queued(self) -> bool:
        """Has the task not ended?"""
        return OrmQ.objects.using(conf.current().orm).filter(pk=self.task_id).exists()

    @property
    def seconds(self) -> float:
        """For how long has it been watched?"""
        return clock.monotonic() - self._since

    def _show(self, found: Explanation) -> None:
        self._looks += 1
        if self._is_live:
            self._write(f"\r\x1b[K{_FRAMES[self._looks % len(_FRAMES)]} {self.seconds:.0f} s  {found.text}")
        elif found.text != self._said and self.seconds > _BRIEF:  # what comes and goes in a moment helps nobody
            self._write(f"{found.text}\n")
            self._said = found.text

    def _clear(self) -> None:
        if self._is_live:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self._out is not None:
            self._out.write(text)
            self._out.flush()
