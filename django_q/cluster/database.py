"""The child processes that talk to the database: they outlive its outages and say so to the sentinel."""

import logging
import math
import select
from abc import abstractmethod

from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections

from django_q import conf
from django_q.brokers import current_broker
from django_q.brokers.base import Listener
from django_q.cluster.channels import Frame, Kind
from django_q.cluster.role import Role
from django_q.kernel import clock

logger = logging.getLogger("django_q.cluster")

_FIRST_REST = 0.05  # seconds after a failed statement
_LONGEST_REST = 2.0
_BEAT_EVERY = 1.0  # seconds between two signs of life to the sentinel, if heartbeats are not shorter


class DatabaseRole(Role):
    """A role whose tick is one piece of work in the database and a rest that a frame or a bell ends."""

    def setup(self) -> None:
        self.settings = conf.current()
        self.alias = self.settings.orm
        self._begin_immediate()
        self.broker = current_broker()
        self.bells: Listener | None = None
        self.failures = 0
        self._beaten_at = 0.0
        self._beat_every = min(_BEAT_EVERY, self.settings.heartbeat)

    def tick(self) -> None:
        rest = self._guarded_work()
        self.beat()
        self.wait(min(rest, self._beat_every))
        for frame in self.receiver.pending():
            self.hear(frame)
        if self.receiver.closed:
            self.done = True

    @abstractmethod
    def work(self) -> float:
        """Do what is due and return the seconds until more is."""

    @abstractmethod
    def hear(self, frame: Frame) -> None:
        """Take a frame from the sentinel."""

    def rang(self) -> None:  # noqa: B027  the monitor has no bell
        """Hear the bell: there may be something to do."""

    def wait(self, seconds: float) -> None:
        """Rest until a frame comes, the bell rings or the time is over."""
        until = clock.monotonic() + seconds
        look = None if self.bells is None else self.bells.look_every
        poll = select.poll()  # costs no system call to make, unlike an epoll
        for fileno in {self.receiver.fd, *(self.bells.filenos() if self.bells else ())}:
            poll.register(fileno, select.POLLIN)
        while (left := until - clock.monotonic()) > 0:
            # Rounded up: poll() knows milliseconds, and would spin through the last one.
            ready = poll.poll(math.ceil(1000 * (left if look is None else min(left, look))))
            if self.bells is not None and self.bells.heard():
                return self.rang()
            if any(fd == self.receiver.fd for fd, _ in ready):
                return None

    def beat(self, *facts: object) -> None:
        """Tell the sentinel that this process ticks, at most once a second unless there are facts to tell."""
        moment = clock.monotonic()
        if facts or moment - self._beaten_at >= self._beat_every:
            self._beaten_at = moment
            self.sender.send(Kind.BEAT, [facts] if facts else [])

    def teardown(self) -> None:
        if self.bells is not None:
            self.bells.close()
        connections.close_all()

    def _guarded_work(self) -> float:
        """Do the work behind a wall: whatever the database or a bug raises, the process goes on and tries again."""
        try:
            rest = self.work()
        except BrokenPipeError:
            raise
        except Exception as error:  # the wall around a role's tick
            return self._after_failure(error)
        if self.failures > 1:
            logger.info("The %s works again.", self.title)
        self.failures = 0
        return rest

    def _after_failure(self, error: Exception) -> float:
        self.failures += 1
        if isinstance(error, OperationalError | InterfaceError) and "locked" not in str(error):
            if self.failures == 2:  # one lost connection is no news
                logger.warning("The %s cannot reach the database and keeps trying: %s", self.title, error)
        elif not isinstance(error, OperationalError):
            logger.error("The %s could not do its work and tries again.", self.title, exc_info=error)
        self._drop_connection()
        return min(_LONGEST_REST, _FIRST_REST * 2**self.failures)

    def _drop_connection(self) -> None:
        try:
            connections[self.alias].close()
        except Error as error:
            logger.debug("Closing a broken connection: %s", error)

    def _begin_immediate(self) -> None:
        """Let this process's SQLite transactions begin with the write lock: one that reads first cannot be retried."""
        for alias in {self.alias, DEFAULT_DB_ALIAS}:
            connection = connections[alias]
            if connection.vendor == "sqlite":
                # Every new connection reads its mode from this process's copy of the settings.
                options = connection.settings_dict["OPTIONS"]
                connection.settings_dict["OPTIONS"] = {**options, "transaction_mode": "IMMEDIATE"}
