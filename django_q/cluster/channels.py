"""Typed frames over pipes: one pipe, one writer, one reader, and nothing shared.

A frame is length-prefixed: kind, header, letters. The header lists one plain tuple per message; the letters are bytes
that whoever supervises passes on unopened. Children write and read blocking; the sentinel never blocks on either.
"""

import marshal
import os
import select
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django_q.exceptions import ClusterError

_PREFIX = struct.Struct("!BII")  # kind, length of the header, length of all letters
_CHUNK = 1 << 18
_PIPE_SIZE = 1 << 20
_F_SETPIPE_SZ = 1031  # Linux; not in every Python's fcntl


class Kind(IntEnum):
    """What a frame says. Which process may send it stands beside it."""

    STOP = 1  # sentinel: finish and exit
    READY = 2  # child: booted
    BEAT = 3  # child: still ticking; sentinel to keeper: statistics and what runs
    CREDIT = 4  # sentinel to pusher: how many claims it may have sent in all
    CLAIMS = 5  # pusher
    TASKS = 6  # sentinel to worker
    OUTCOMES = 7  # worker, and sentinel to monitor
    RETURNED = 8  # worker: what it will not start
    CONFIRMED = 9  # monitor: recorded, or discarded for good
    MARK = 10  # sentinel to keeper: write that these start
    MARKED = 11  # keeper: written
    CANCEL = 12  # keeper: a user wants these stopped
    RENEWED = 13  # keeper: the lease is extended
    DEAD = 14  # keeper: the incarnation was declared dead
    LEAVING = 15  # worker: takes nothing more, and exits when its coroutines have ended
    PROGRESS = 16  # worker, and sentinel to keeper: how far tasks have come
    NOTED = 17  # keeper: that is written


class BrokenFrame(ClusterError):
    """A pipe carried something that is not a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message between processes."""

    kind: Kind
    headers: Sequence[tuple[Any, ...]] = ()
    letters: Sequence[bytes] = ()

    def pack(self) -> bytes:
        """Return the bytes that cross the pipe."""
        header = marshal.dumps((list(self.headers), [len(letter) for letter in self.letters]))
        size = sum(map(len, self.letters))
        return b"".join((_PREFIX.pack(self.kind, len(header), size), header, *self.letters))


class Decoder:
    """Cut a stream of bytes into frames; keeps what is incomplete."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes and return the frames that are complete now."""
        self._parts += data
        frames, position = [], 0
        while (end := self._end(position)) is not None:
            frames.append(self._frame(position, end))
            position = end
        if position:
            del self._parts[:position]
        return frames

    def _end(self, start: int) -> int | None:
        if len(self._parts) - start < _PREFIX.size:
            return None
        _, header, letters = _PREFIX.unpack_from(self._parts, start)
        end = start + _PREFIX.size + header + letters
        return end if end <= len(self._parts) else None

    def _frame(self, start: int, end: int) -> Frame:
        number, length, _ = _PREFIX.unpack_from(self._parts, start)
        with memoryview(self._parts)[start:end] as view:
            position = _PREFIX.size + length
            headers, sizes = marshal.loads(view[_PREFIX.size : position])
            letters = []
            for size in sizes:
                letters.append(bytes(view[position : position + size]))
                position += size
        return Frame(Kind(number), headers, letters)


class Receiver:
    """A child's reading end: blocks until something comes, if it is asked to."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._decoder = Decoder()
        self._poll = select.poll()  # not select(), which knows no descriptor above 1023
        self._poll.register(fd, select.POLLIN)
        self._frames: deque[Frame] = deque()
        self.closed = False

    def fileno(self) -> int:
        return self.fd

    def receive(self) -> Frame | None:
        """Wait for the next frame. None: the other end is gone."""
        while not self._frames and not self.closed:
            self._fill()
        return self._frames.popleft() if self._frames else None

    def pending(self) -> list[Frame]:
        """Return what has arrived, without waiting."""
        while not self.closed and self._poll.poll(0):
            self._fill()
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def _fill(self) -> None:
        data = os.read(self.fd, _CHUNK)
        self.closed = not data
        self._frames.extend(self._decoder.feed(data))


class Sender:
    """A child's writing end: returns when everything is in the pipe."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def has_room(self) -> bool:
        """Can a frame of at most 4 KiB be written without waiting?"""
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        return any(event & select.POLLOUT for _, event in poll.poll(0))

    def send(self, kind: Kind, headers: Sequence[tuple[Any, ...]] = (), letters: Sequence[bytes] = ()) -> None:
        """Write one frame. Raises :exc:`BrokenPipeError` when the sentinel is gone."""
        view = memoryview(Frame(kind, headers, letters).pack())
        while view:
            view = view[os.write(self.fd, view) :]


class Inbox:
    """The sentinel's reading end of one child; never blocks."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.closed = False
        self._decoder = Decoder()

    def fileno(self) -> int:
        return self.fd

    def frames(self) -> list[Frame]:
        """Return the frames that have arrived whole; a frame cut off by a death never does."""
        frames: list[Frame] = []
        while not self.closed:
            try:
                data = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                break
            self.closed = not data
            frames += self._decoder.feed(data)
            if len(data) < _CHUNK:
                break
        return frames


class Outbox:
    """The sentinel's writing end of one child: what does not fit into the pipe waits here."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._waiting: deque[memoryview] = deque()

    def fileno(self) -> int:
        return self.fd

    @property
    def is_empty(self) -> bool:
        """Has everything been written?"""
        return not self._waiting

    def push(self, frame: Frame) -> None:
        """Take a frame and write as much as fits."""
        self._waiting.append(memoryview(frame.pack()))
        self.flush()

    def flush(self) -> None:
        """Write as much as fits. A reader that is gone swallows the rest: its death is handled elsewhere."""
        try:
            while self._waiting:
                written = os.write(self.fd, self._waiting[0])
                self._waiting[0] = self._waiting[0][written:]
                if not self._waiting[0]:
                    self._waiting.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._waiting.clear()


@dataclass(frozen=True, slots=True)
class Link:
    """The child's two ends of its pipes."""

    reading: Any  # multiprocessing.connection.Connection: travels to the child under every start method
    writing: Any


def widen(fd: int) -> None:
    """Enlarge a pipe's buffer where the system can, so that a batch fits into one write."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_SIZE)
    except OSError:
        return  # refused, or not Linux: the default size only costs more wake-ups


def close_all(fds: Iterable[int]) -> None:
    """Close descriptors that may be closed already."""
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            continue
