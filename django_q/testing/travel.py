"""Let time pass for the queue without waiting for it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from django.db import connections
from django.utils import timezone

from django_q import conf
from django_q.exceptions import InvalidValue
from django_q.kernel import clock
from django_q.models import dialects
from django_q.models.dialects import Dialect

# Seconds since 1970 by the clock of a database.
_EPOCH = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400",
    "postgresql": "SELECT extract(epoch FROM statement_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
}
_ahead = [0.0]  # seconds that the database's clock is ahead, for each block around


@contextmanager
def time_travel(to: timedelta | datetime) -> Iterator[None]:
    """Let it be so much later in this block, or that moment, for the queue as this process sees it.

    :func:`run_all` then runs what is due, and what is enqueued or has to rest counts from the later time. What moves is
    the database's clock as the queue asks for it: when rows are due, when they were enqueued, how old history is; and
    the moments of errors, from which ``unknown_task_grace`` counts. The time in your own code, the ids, ``started`` and
    ``stopped`` stay, and so does the time in other processes, such as a cluster.
    """
    process, database = _offsets(to)
    before = clock.now
    _ahead.append(_ahead[-1] + database)
    try:
        with ExitStack() as moved:
            moved.enter_context(patch.object(clock, "now", lambda: before() + timedelta(seconds=process)))
            later = {vendor: _later(kind, database) for vendor, kind in dialects._DIALECTS.items()}
            moved.enter_context(patch.dict(dialects._DIALECTS, later))
            yield
    finally:
        _ahead.pop()


def _offsets(to: timedelta | datetime) -> tuple[float, float]:
    """Return by how many seconds the clocks of this process and of the database have to move.

    Both, because who froze the time of this process did not freeze that of the database.
    """
    if isinstance(to, timedelta):
        return to.total_seconds(), to.total_seconds()
    if not isinstance(to, datetime):
        raise InvalidValue(f"time_travel({to!r}) leads nowhere: pass a timedelta or a datetime.")
    moment = timezone.make_aware(to) if timezone.is_naive(to) else to
    connection = connections[conf.current().orm]
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH[connection.vendor])
        now = float(cursor.fetchone()[0]) + _ahead[-1]
    return (moment - clock.now()).total_seconds(), moment.timestamp() - now


def _later(kind: type[Dialect], seconds: float) -> type[Dialect]:
    """Return a dialect whose clock is ahead."""

    class Later(kind):  # type: ignore[valid-type,misc]
        def __init__(self, alias: str) -> None:
            super().__init__(alias)
            self._usual = kind(alias)

        @property
        def now(self) -> str:
            return self._usual.later(seconds)

        def later(self, further: float) -> str:
            return self._usual.later(seconds + further)

    return Later
