"""The laboratory of the experiment editor inside the test, with gates before and behind what it does."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from django_q.examples.experimenteditor.devices import DeviceServer
from django_q.examples.experimenteditor.laboratory import Fault, Laboratory
from django_q_tests.support.gates import Gate

CHUNK_LINES = 3


class HeldLaboratory(Laboratory):
    """Devices that hold up requests: when they have been read, or when they have been worked on but not answered."""

    def __init__(self, *, chunk_lines: int = CHUNK_LINES) -> None:
        super().__init__(chunk_lines=chunk_lines)
        self.unread: dict[str, Gate] = {}  # by the end of the path
        self.unanswered: dict[str, Gate] = {}
        # What was handed out.
        self.parts: dict[int, list[Any]] = {}
        self.series: dict[str, dict[str, list[Any]]] = {}
        self.taken_at: float | None = None  # by the monotonic clock

    def hold(self, path: str) -> Gate:
        """Hold up the requests whose path has this end."""
        self.unread[path] = Gate()
        return self.unread[path]

    def hold_answer(self, path: str) -> Gate:
        """Do what such a request wants, and hold the answer back."""
        self.unanswered[path] = Gate()
        return self.unanswered[path]

    def open_gates(self) -> None:
        for gate in (*self.unread.values(), *self.unanswered.values()):
            gate.open()

    def next_fault(self, kind: str, line: str) -> Fault | None:
        fault = super().next_fault(kind, line)
        _pass(self.unread, line)
        return fault

    def take(self, body: Any, key: str | None) -> str:
        said = super().take(body, key)
        if self.taken_at is None and not said:
            self.taken_at = time.monotonic()
        _pass(self.unanswered, "/api/postexperiment/")
        return said

    def plot(self, name: str, quantity: str) -> dict[str, list[Any]]:
        series = self.series[quantity] = super().plot(name, quantity)
        _pass(self.unanswered, f"/plotdata/{quantity}/")
        return series

    def log(self, name: str, index: int) -> dict[str, Any]:
        part = super().log(name, index)
        self.parts[index] = part["log"]
        _pass(self.unanswered, f"/{index}/")
        return part


def _pass(gates: dict[str, Gate], path: str) -> None:
    for end, gate in gates.items():
        if path.endswith(end):
            gate.pass_through()


@contextlib.contextmanager
def held_laboratory(*, chunk_lines: int = CHUNK_LINES) -> Iterator[tuple[HeldLaboratory, str]]:
    """Serve a laboratory on a free port of this host while the block runs; yield it with its address."""
    laboratory = HeldLaboratory(chunk_lines=chunk_lines)
    server = DeviceServer(("127.0.0.1", 0), laboratory, quiet=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield laboratory, f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        laboratory.open_gates()
        server.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
