"""The sentinel's side of a child process: the process, its two pipes, and when it was last heard."""

import logging
import os
import signal
from dataclasses import replace
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from django_q.cluster.channels import Frame, Inbox, Kind, Link, Outbox, widen
from django_q.cluster.launch import Recruit, launch
from django_q.cluster.role import Berth, inherited_by_fork
from django_q.kernel import clock

logger = logging.getLogger("django_q.cluster")


_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)  # seconds before each try to start a child again
EXIT = 2.0  # seconds that a process may take from closing its pipe, or being killed, to its end


class Nursery:
    """Starts children: knows the start method and which descriptors a forked child must close."""

    def __init__(self, context: BaseContext, berth: Berth, life_writing: int) -> None:
        self.context = context
        self.berth = berth
        self.start_method = context.get_start_method()
        self._fds = {life_writing}

    def keep(self, *fds: int) -> None:
        """Note descriptors of the sentinel that no child may hold."""
        self._fds.update(fds)

    def forget(self, *fds: int) -> None:
        """Note that descriptors were closed: their numbers may be given to others now."""
        self._fds.difference_update(fds)

    def start(self, recruit: Recruit, name: str) -> tuple[BaseProcess, Inbox, Outbox]:
        """Start a child and return its process and the sentinel's ends of its pipes."""
        for pause in _PAUSES:
            try:
                return self._start(recruit, name)
            except (EOFError, ConnectionError):
                # Of the fork server, which died meanwhile. It is replaced by the next try, once it is really gone.
                logger.warning("The process that starts children died while it started the %s.", name)
                clock.sleep(pause)
        return self._start(recruit, name)

    def _start(self, recruit: Recruit, name: str) -> tuple[BaseProcess, Inbox, Outbox]:
        # New pipes for each try: a child that was started all the same finds its own closed, and ends.
        to_read, to_write_back = self.context.Pipe(duplex=False)
        to_read_back, to_write = self.context.Pipe(duplex=False)
        for end in (to_write, to_write_back):
            widen(end.fileno())
        inherited = inherited_by_fork([*self._fds, to_read.fileno(), to_write.fileno()], self.start_method)
        berth = replace(self.berth, link=Link(to_read_back, to_write_back), inherited=inherited)
        process = self.context.Process(target=launch, args=(recruit, berth), name=name)  # type: ignore[attr-defined]
        try:
            process.start()
        except (EOFError, ConnectionError):
            for end in (to_read, to_write_back, to_read_back, to_write):
                end.close()
            raise
        to_read_back.close()
        to_write_back.close()
        inbox, outbox = Inbox(os.dup(to_read.fileno())), Outbox(os.dup(to_write.fileno()))
        to_read.close()
        to_write.close()
        self.keep(inbox.fd, outbox.fd)
        return process, inbox, outbox


class Child:
    """One child process of the sentinel."""

    def __init__(self, nursery: Nursery, recruit: Recruit, name: str) -> None:
        self.name = name
        self.is_ready = False
        self.is_dead = False  # as far as somebody has looked: that costs a system call
        self.was_killed = False
        self.stopping = False
        self._nursery = nursery
        self.process, self.inbox, self.outbox = nursery.start(recruit, name)
        self.started_at = self.heard_at = clock.monotonic()
        self._deaf_since: float | None = None

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid or 0

    def has_ended(self) -> bool:
        """Look whether the process has ended."""
        self.is_dead = self.is_dead or self.process.exitcode is not None
        return self.is_dead

    @property
    def is_mute(self) -> bool:
        """Has it lost its pipe for longer than a process takes to exit? Whatever it does, nobody will hear of it."""
        if not self.inbox.closed or self.is_dead:
            return False
        self._deaf_since = self._deaf_since or clock.monotonic()
        return clock.monotonic() - self._deaf_since > EXIT

    def hear(self) -> list[Frame]:
        """Return what it has sent since the last call."""
        frames = self.inbox.frames()
        if frames:
            self.heard_at = clock.monotonic()
            self.is_ready = True  # whatever the first frame says: it has booted
        return frames

    def tell(self, frame: Frame) -> None:
        """Send a frame; what does not fit into the pipe waits."""
        self.outbox.push(frame)

    def stop(self) -> None:
        """Ask it to finish, once."""
        if not self.stopping:
            self.stopping = True
            self.tell(Frame(Kind.STOP))

    def kill(self) -> None:
        """End it at once."""
        self.was_killed = True
        self._signal(signal.SIGKILL)

    def bury(self) -> None:
        """Close what is left of a dead child."""
        self.process.join(EXIT)
        self._nursery.forget(self.inbox.fd, self.outbox.fd)
        os.close(self.inbox.fd)
        os.close(self.outbox.fd)

    def how_it_died(self) -> str:
        """Return a phrase for the exit code."""
        code = self.process.exitcode
        if code is None:
            return "is alive"
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"

    def _signal(self, number: int) -> None:
        if not self.is_dead:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
