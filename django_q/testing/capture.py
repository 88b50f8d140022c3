"""Watch what a block enqueues."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.utils import timezone

from django_q import conf, signals
from django_q.kernel import callables, clock
from django_q.tasks import options
from django_q.testing.drain import run_all
from django_q.testing.seen import Enqueued


@contextmanager
def captured_tasks(*, run: bool = False) -> Iterator[list[Enqueued]]:
    """Yield a list that grows with each task that is enqueued in the block, in any thread of this process.

    What is rolled back afterwards is in it all the same, and what runs at once with ``sync=True`` too; no query is made
    for it. With ``run=True`` :func:`run_all` runs everything that is ready when the block ends without an error.
    """
    captured: list[Enqueued] = []

    def hear(task: dict[str, Any], **kwargs: Any) -> None:
        captured.append(_of_signal(task))

    signals.post_enqueue.connect(hear, weak=False)
    try:
        yield captured
    finally:
        signals.post_enqueue.disconnect(hear)
    if run:
        run_all()


def _of_signal(task: dict[str, Any]) -> Enqueued:
    settings, now = conf.current(), _stored(clock.now())
    chosen = options.parse({**task["options"], "task_name": task["name"]})
    after, hook = chosen.run_after, chosen.hook
    # As a worker will get them: what the caller changes later is not in the row, and JSON makes lists of tuples.
    codec = partial(settings.codec().encode, task_id=task["id"], func=task["func"], serializer=chosen.serializer)
    read = partial(settings.codec().decode, task_id=task["id"], func=task["func"])
    return Enqueued(
        id=task["id"],
        name=task["name"],
        func=task["func"],
        args=tuple(read(codec(tuple(task["args"]), purpose="args"), purpose="args")),
        kwargs=read(codec(task["kwargs"], purpose="kwargs"), purpose="kwargs"),
        queue=chosen.cluster or settings.name,
        group=chosen.group,
        hook=hook if hook is None or isinstance(hook, str) else callables.display_name(hook),
        priority=chosen.priority,
        run_after=now + max(after, timedelta(0)) if isinstance(after, timedelta) else after,
        enqueued_at=now,
        options=dict(chosen.carried),
    )


def _stored(moment: datetime) -> datetime:
    """Return a moment as Django stores it here."""
    return moment if django_settings.USE_TZ else timezone.make_naive(moment)
