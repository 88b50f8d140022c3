"""How runs are ended: they are asked, then interrupted, and then whoever asked is told which have not ended."""

import threading
from collections.abc import Callable, Sequence

from django_q.contrib.class_tasks.execution import Run

Told = Callable[[list[Run]], None]


class Stopping:
    """Ends some runs, all at the same time."""

    def __init__(self, runs: Sequence[Run], changed: threading.Condition, stuck: Told) -> None:
        """``changed`` is notified whenever a run ends; ``stuck`` is called with those that do not, in a thread."""
        self._runs = runs
        self._changed = changed
        self._stuck = stuck
        self._is_hurried = False

    def begin(self, grace: float, interrupt_grace: float) -> None:
        """Call every ``stop()``; interrupt after so many seconds what has not ended, and give up after so many more."""
        for run in self._runs:
            run.ask_to_stop()
        waits = (grace, interrupt_grace)
        threading.Thread(target=self._escalate, args=waits, name="stopping", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Have all ended?"""
        return not self._left()

    def hurry(self) -> None:
        """Interrupt them now."""
        with self._changed:
            self._is_hurried = True
            self._changed.notify_all()

    def _escalate(self, grace: float, interrupt_grace: float) -> None:
        self._wait(grace, lambda: self._is_hurried)
        for run in self._left():
            run.interrupt()
        self._wait(interrupt_grace, lambda: False)
        if left := self._left():
            self._stuck(left)

    def _wait(self, seconds: float, is_enough: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: is_enough() or not self._left(), seconds)

    def _left(self) -> list[Run]:
        return [run for run in self._runs if not run.has_ended]
