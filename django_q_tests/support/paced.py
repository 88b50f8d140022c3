"""The application that holds up the live task at each of its rests, until the test has allowed so many."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

from django.apps import AppConfig


class PacedConfig(AppConfig):
    """Holds up the task in this process and in those that it forks."""

    name = "django_q_tests.support.paced"
    label = "django_q_test_paced"

    def ready(self) -> None:
        """Give the task another clock, in clusters: nobody else runs it."""
        folder = os.environ.get("DJANGO_Q_TEST_MARKERS")
        if folder:
            import tasks

            tasks.time = SimpleNamespace(sleep=Rest(Path(folder) / "allowed"))


class Rest:
    """What the task does instead of sleeping."""

    def __init__(self, allowed: Path) -> None:
        self.allowed = allowed
        self.rests = 0

    def __call__(self, seconds: float) -> None:
        self.rests += 1
        while self.rests > allowed_in(self.allowed):
            time.sleep(0.02)


def allowed_in(file: Path) -> int:
    """Return how many rests are allowed; a file that is being written says nothing yet."""
    text = file.read_text() if file.exists() else ""
    return int(text) if text else 0
