"""Hear that something was enqueued: datagrams on this host, LISTEN on PostgreSQL, data_version on SQLite."""

import logging
import os
import socket
from collections.abc import Sequence
from typing import Any

from django.db import Error, connections

from django_q.brokers import doorbell
from django_q.brokers.base import Listener, is_meant
from django_q.kernel import clock, ids

logger = logging.getLogger("django_q.cluster")

CHANNEL = "django_q"
_LOOK = 0.02  # seconds between two looks at SQLite's data_version
_RECONNECT = 5.0  # seconds between two tries to LISTEN again


class Bells(Listener):
    """All bells that a database has, or only those of this host; any of them is enough, none is needed."""

    def __init__(self, alias: str, names: Sequence[str], *, local: bool = False) -> None:
        bells: list[Listener | None] = [_Datagrams.open(alias, names)]
        vendor = connections[alias].vendor
        if vendor == "postgresql" and not local:
            bells.append(_Notifications(alias, names))
        elif vendor == "sqlite" and not local:
            bells.append(_DataVersion(alias))
        self._bells = [bell for bell in bells if bell is not None]
        looks = [bell.look_every for bell in self._bells if bell.look_every is not None]
        self.look_every = min(looks, default=None)

    def filenos(self) -> list[int]:
        return [fileno for bell in self._bells for fileno in bell.filenos()]

    def heard(self) -> bool:
        return any([bell.heard() for bell in self._bells])  # a list: each bell has to be silenced

    @property
    def hears_all(self) -> bool:  # type: ignore[override]
        return any(bell.hears_all for bell in self._bells)

    @property
    def is_coalesced(self) -> bool:  # type: ignore[override]
        return any(bell.is_coalesced for bell in self._bells)

    def close(self) -> None:
        for bell in self._bells:
            bell.close()


class _Datagrams(Listener):
    """A Unix datagram socket in the database's directory."""

    def __init__(self, path: str, bell: socket.socket, queues: Sequence[str]) -> None:
        self._path = path
        self._bell = bell
        self._queues = frozenset(queues)

    @classmethod
    def open(cls, alias: str, queues: Sequence[str]) -> "_Datagrams | None":
        place = doorbell.directory(alias)
        if place is None:
            return None
        path = str(place / ids.new_token())
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            bell.bind(path)
        except OSError as error:
            bell.close()
            logger.info("No doorbell on this host (%s); the cluster polls.", error)
            return None
        bell.setblocking(False)
        return cls(path, bell, queues)

    def filenos(self) -> list[int]:
        return [self._bell.fileno()]

    def heard(self) -> bool:
        rang = False
        while True:
            try:
                message = self._bell.recv(4096)
            except BlockingIOError:
                return rang
            told = message.decode(errors="replace").split("\n")
            rang = rang or any(is_meant(self._queues, name) for name in told)

    def close(self) -> None:
        self._bell.close()
        try:
            os.unlink(self._path)
        except OSError:
            return


class _Notifications(Listener):
    """LISTEN on a connection of its own; lost ones are opened again, and a poll covers the time between."""

    is_coalesced = True  # a process notifies at most once in 50 ms

    def __init__(self, alias: str, queues: Sequence[str]) -> None:
        self._alias = alias
        self._queues = frozenset(queues)
        self._connection: Any = None
        self._next_try = 0.0
        self._connect()

    @property
    def hears_all(self) -> bool:  # type: ignore[override]
        return self._connection is not None

    def filenos(self) -> list[int]:
        self._connect()
        return [] if self._connection is None else [self._connection.connection.pgconn.socket]

    def heard(self) -> bool:
        if self._connection is None:
            return False
        pgconn = self._connection.connection.pgconn
        rang = False
        try:
            pgconn.consume_input()
            while (notify := pgconn.notifies()) is not None:
                rang = rang or is_meant(self._queues, notify.extra.decode(errors="replace"))
        except self._connection.Database.Error:
            self.close()
        return rang

    def _connect(self) -> None:
        if self._connection is not None or clock.monotonic() < self._next_try:
            return
        self._next_try = clock.monotonic() + _RECONNECT
        connection = connections[self._alias].copy()
        try:
            connection.ensure_connection()
            if not hasattr(connection.connection, "pgconn"):  # psycopg2 has another interface: poll
                connection.close()
                return
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
        except Error as error:
            logger.info("Cannot listen for notifications (%s); the cluster polls.", error)
            return
        self._connection = connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Error as error:
                logger.debug("Closing the listening connection: %s", error)


class _DataVersion(Listener):
    """SQLite counts the commits of other connections; asking costs no lock and no statement of a transaction."""

    look_every = _LOOK
    hears_all = True

    def __init__(self, alias: str) -> None:
        self._connection = connections[alias].copy()
        self._version: int | None = None

    def filenos(self) -> list[int]:
        return []

    def heard(self) -> bool:
        try:
            self._connection.ensure_connection()
            version = self._connection.connection.execute("PRAGMA data_version").fetchone()[0]
        except Error as error:
            logger.debug("No data_version: %s", error)
            return False
        changed = version != self._version
        self._version = version
        return changed

    def close(self) -> None:
        self._connection.close()
