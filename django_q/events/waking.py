"""Wakes whoever reads events when some are written; who is not woken looks now and then."""

import selectors
from functools import partial

from django.db import connections, transaction

from django_q.brokers import doorbell
from django_q.brokers.base import EVENTS
from django_q.brokers.listener import CHANNEL, Bells
from django_q.kernel import clock


def wake(alias: str, bell: str = EVENTS) -> None:
    """Wake the readers when the open transaction is committed, those of other hosts where the database can do that.

    Another ``bell`` wakes those who wait for something else.
    """
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, bell])
    transaction.on_commit(partial(doorbell.ring, alias, [bell]), using=alias, robust=True)


class Ear:
    """Hears that events were written. One thread uses it, and closes it."""

    def __init__(self, alias: str, bell: str = EVENTS) -> None:
        self._bells = Bells(alias, [bell])

    @property
    def hears_all(self) -> bool:
        """Is nothing missed, wherever it is written?"""
        return self._bells.hears_all

    def wait(self, seconds: float) -> bool:
        """Wait until some are written, at most so long; False: nothing was heard."""
        until, look = clock.monotonic() + seconds, self._bells.look_every
        with selectors.DefaultSelector() as selector:
            for fileno in self._bells.filenos():
                selector.register(fileno, selectors.EVENT_READ)
            while (left := until - clock.monotonic()) > 0:
                selector.select(left if look is None else min(left, look))
                if self._bells.heard():
                    return True
        return False

    def close(self) -> None:
        """Hear no more."""
        self._bells.close()
