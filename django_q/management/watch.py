"""Follow a task from the terminal until it has ended."""

import shutil
from collections.abc import Callable
from typing import TextIO

from django_q import conf
from django_q.kernel import clock
from django_q.kernel.states import TaskState
from django_q.management.monitor.text import clean, cut
from django_q.models import OrmQ, Task
from django_q.tasks import TaskProgress, fetch, progress_of
from django_q.tasks.waiting import Explanation, explain

_PAUSE = 0.02  # seconds before the second look
_LONGEST_PAUSE = 0.25
_BRIEF = 2.0  # seconds in which nothing is said line by line
_FRAMES = "|/-\\"
_EVERY = 1.0  # seconds between two lines of progress
_WIDTH = 20  # letters of the bar


class Watcher:
    """Says how a task stands: on a terminal in one line that is written over, elsewhere once for each change."""

    def __init__(self, task_id: str, out: TextIO | None) -> None:
        self.task_id = task_id
        self._out = out
        self._is_live = out is not None and out.isatty()
        self._since = clock.monotonic()
        self._said = ""
        self._said_at = 0.0  # seconds of watching, when progress was said last
        self._looks = 0

    def follow(self, patience: float | None, *, is_hopeless: Callable[[], bool]) -> Task | None:
        """Return the task when it has ended; None if patience, in seconds, or hope is over, or it left no row."""
        pause = _PAUSE
        try:
            while (task := fetch(self.task_id)) is None and (state := self._state()) is not None and not is_hopeless():
                left = float("inf") if patience is None else patience - self.seconds
                if left <= 0:
                    return None
                # What an attempt said that has failed tells nothing of one that is yet to come.
                progress = progress_of(self.task_id) if state == TaskState.CLAIMED else None
                self._show(explain(self.task_id), progress)
                clock.sleep(min(pause, left))
                pause = min(pause * 1.5, _LONGEST_PAUSE)
        finally:
            self._clear()
        return task or fetch(self.task_id)  # it may have moved between the two looks

    def is_queued(self) -> bool:
        """Has the task not ended?"""
        return self._state() is not None

    @property
    def seconds(self) -> float:
        """For how long has it been watched?"""
        return clock.monotonic() - self._since

    def _state(self) -> int | None:
        """Return the state of the row in the queue, None if there is none."""
        rows = OrmQ.objects.using(conf.current().orm).filter(pk=self.task_id).order_by()
        return rows.values_list("state", flat=True).first()

    def _show(self, found: Explanation, progress: TaskProgress | None) -> None:
        self._looks += 1
        if self._is_live:
            begin = f"{_FRAMES[self._looks % len(_FRAMES)]} {self.seconds:.0f} s  "
            room = shutil.get_terminal_size().columns - len(begin) - 1
            text = found.text if progress is None else cut(clean(f"{_bar(progress)}{progress.text}"), room)
            self._write(f"\r\x1b[K{begin}{text}")
        elif progress is not None:
            self._say_progress(progress.text)
        elif found.text != self._said and self.seconds > _BRIEF:  # what comes and goes in a moment helps nobody
            self._say(found.text)

    def _say_progress(self, text: str) -> None:
        if text != self._said and (not self._said_at or self.seconds - self._said_at >= _EVERY):
            self._said_at = self.seconds
            self._say(text)

    def _say(self, text: str) -> None:
        self._write(f"{clean(text)}\n")
        self._said = text

    def _clear(self) -> None:
        if self._is_live:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self._out is not None:
            self._out.write(text)
            self._out.flush()


def _bar(progress: TaskProgress) -> str:
    """Return a bar in letters that every terminal has; nothing without a total."""
    if progress.percent is None:
        return ""
    filled = int(progress.percent * _WIDTH / 100)
    return f"[{'#' * filled}{'-' * (_WIDTH - filled)}] "
