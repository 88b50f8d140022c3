"""Where code runs, and what it may do there: write to the database, or say the same thing again."""

import asyncio
import logging
import os
import threading


def here() -> tuple[int, int]:
    """Return what tells this process and thread from all others; a thread has connections of its own."""
    return os.getpid(), threading.get_ident()


def in_event_loop() -> bool:
    """Is this the thread of a running event loop, in which the database must not be waited for?"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Complaints:
    """Logs what is wrong, each sentence once in a process: a task may say so a million times."""

    def __init__(self, logger: str, action: str) -> None:
        self._logger = logging.getLogger(logger)
        self._action = action
        self._said: set[str] = set()

    def __call__(self, form: str, *args: object) -> None:
        """Log a sentence, unless it has been logged."""
        if form not in self._said:
            self._said.add(form)
            self._logger.warning(form, *args, extra={"action": self._action})

    def clear(self) -> None:
        """Forget what has been said."""
        self._said.clear()
