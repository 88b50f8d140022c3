"""Those who watch user tasks in this process."""

from django_q.contrib.user_tasks import live
from django_q_tests.support.eventually import eventually


def until_watched(count: int) -> None:
    """Wait until so many watch; if nobody does, until the thread that looks for them needs no database any more."""
    circle = live.watcher.circle
    eventually(
        lambda: len(circle) == count and (count or circle.thread is None),
        within=20,
        saying=lambda: f"{len(circle)} watch",
    )
