"""Where the sentinel waits: for what its children say, for room in their pipes, for deaths and for signals."""

import selectors
import socket
from collections.abc import Sequence

from django_q.cluster.children import Child


class Switchboard:
    """Waits for all children at once. Lines stay connected from one round to the next: each costs a system call."""

    def __init__(self) -> None:
        self._bell, self._clapper = socket.socketpair()
        self._bell.setblocking(False)
        self._clapper.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._lines: dict[Child, list[int]] = {}
        self._blocked: dict[Child, int] = {}  # children whose pipe is full

    @property
    def wakeup_fd(self) -> int:
        """Return the descriptor to which signals are to be written."""
        return self._clapper.fileno()

    def descriptors(self) -> list[int]:
        """Return all descriptors of its own, which no child may hold."""
        own = [self._selector.fileno()] if hasattr(self._selector, "fileno") else []
        return [self._bell.fileno(), self._clapper.fileno(), *own]

    def wait(self, children: Sequence[Child], rest: float) -> list[Child]:
        """Wait until something happens, at most so many seconds; return the children that have said something.

        What did not fit into a pipe before is written as far as there is room now.
        """
        self._connect(children)
        speaking = []
        for key, events in self._selector.select(rest):
            if key.fileobj is self._bell:
                self._bell.recv(4096)
            elif key.data is None:
                continue  # a death, which is found by looking at all
            elif events & selectors.EVENT_WRITE:
                key.data.outbox.flush()
            else:
                speaking.append(key.data)
        return speaking

    def hang_up(self, *children: Child) -> None:
        """Wait for these children no longer. To be called before their descriptors are closed."""
        for child in children:
            for fd in self._lines.pop(child, ()):
                self._selector.unregister(fd)
            if child in self._blocked:
                self._selector.unregister(self._blocked.pop(child))

    def close(self) -> None:
        """Wait for nobody any more."""
        self._selector.close()
        self._bell.close()
        self._clapper.close()

    def _connect(self, children: Sequence[Child]) -> None:
        for child in children:
            if child not in self._lines:
                self._lines[child] = [child.inbox.fd, child.process.sentinel]
                self._selector.register(child.inbox.fd, selectors.EVENT_READ, child)
                self._selector.register(child.process.sentinel, selectors.EVENT_READ)
            if child.outbox.is_empty == (child in self._blocked):
                self._wait_for_room(child)

    def _wait_for_room(self, child: Child) -> None:
        if child.outbox.is_empty:
            self._selector.unregister(self._blocked.pop(child))
        else:
            self._blocked[child] = child.outbox.fd
            self._selector.register(child.outbox.fd, selectors.EVENT_WRITE, child)
