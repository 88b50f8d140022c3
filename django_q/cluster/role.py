"""The shape and the loop of every child process: set up, tick, tear down."""

import ctypes
import gc
import logging
import os
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django_q.cluster import logs
from django_q.cluster.channels import Kind, Link, Receiver, Sender, close_all
from django_q.cluster.title import set_title

logger = logging.getLogger("django_q.cluster")

BOOT_FAILED = 3  # the exit code that makes the sentinel halt instead of starting a child for ever
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """What every child is given by the sentinel; travels to it under every start method."""

    link: Link
    life: Any  # reading end of a pipe that nobody writes to: its end means that the sentinel is gone
    cluster: str  # the cluster's name
    incarnation: str
    parent: int  # the sentinel's process id
    inherited: tuple[int, ...] = ()  # descriptors of the sentinel that a forked child must close
    log_level: str = "INFO"
    json_logs: bool = False
    titles: bool = True
    ignored: tuple[int, ...] = ()  # signals at which only the sentinel acts, besides those of every cluster


class Role(ABC):
    """One child process. The constructor stores, :meth:`setup` opens, :meth:`run` runs."""

    title: ClassVar[str]
    # Does the kernel end this process when the sentinel dies? A role that still has to act then watches the pipe only.
    dies_with_parent: ClassVar[bool] = True

    def __init__(self, berth: Berth) -> None:
        self.berth = berth
        self.done = False

    def run(self) -> None:
        """Live: this is the target of the process."""
        close_all(self.berth.inherited)
        self._reset_signals()
        self._watch_parent()
        set_title(self.full_title(), self.short_title())
        self.receiver = Receiver(self.berth.link.reading.fileno())
        self.sender = Sender(self.berth.link.writing.fileno())
        self._boot()
        try:
            self._loop()
            if self.receiver.closed:
                self.orphaned()
        except BrokenPipeError:
            self.orphaned()  # here as in the thread that watches: what has to be ended must not depend on who is faster
        finally:
            self.teardown()

    def full_title(self, suffix: str = "") -> str:
        """Return how ``ps`` shows this process."""
        return " ".join(filter(None, ["qcluster", self.berth.cluster, self.title, suffix]))

    def short_title(self) -> str:
        """Return how ``top`` and ``ps -o comm`` show this process."""
        return f"q {self.title}"

    def _boot(self) -> None:
        try:
            logs.configure(self.berth.log_level, as_json=self.berth.json_logs)
            self.setup()
            gc.freeze()  # what is here stays; looking through it again and again costs a tenth of the time
            self.sender.send(Kind.READY)
        except Exception:  # the wall around everything that can go wrong before the first task
            logger.critical("The %s could not start.", self.title, exc_info=True)
            logging.shutdown()
            sys.exit(BOOT_FAILED)

    def _loop(self) -> None:
        while not self.done:
            self.tick()

    @abstractmethod
    def setup(self) -> None:
        """Open what must be opened in the child."""

    @abstractmethod
    def tick(self) -> None:
        """Do one unit of work, or wait for it."""

    def teardown(self) -> None:  # noqa: B027  nothing to close in most roles
        """Close what :meth:`setup` opened."""

    def orphaned(self) -> None:
        """End at once: the sentinel is gone. Called in a thread of its own."""
        os._exit(1)

    def _reset_signals(self) -> None:
        signal.set_wakeup_fd(-1)
        # A handler that does nothing, rather than SIG_IGN, which the programs that a task starts would inherit.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, *self.berth.ignored):
            signal.signal(number, _ignore)
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _watch_parent(self) -> None:
        if self.dies_with_parent:
            _ask_for_death_signal(signal.SIGKILL)
        threading.Thread(target=self._await_orphanhood, name="life", daemon=True).start()

    def _await_orphanhood(self) -> None:
        os.read(self.berth.life.fileno(), 1)
        self.orphaned()


def _ignore(number: int, frame: Any) -> None:
    """Do nothing: stopping is the sentinel's decision."""


def _ask_for_death_signal(number: int) -> None:
    """Ask Linux to send a signal when the thread that started this process ends; elsewhere the pipe alone tells."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def inherited_by_fork(fds: Sequence[int], start_method: str) -> tuple[int, ...]:
    """Return what a child has to close: with other start methods it inherits nothing."""
    return tuple(fds) if start_method == "fork" else ()
