"""The devices of the laboratory as an HTTP server: the engine that takes experiments, the logger that recorded them.

Started with ``python -m django_q.examples.experimenteditor.devices --port 8022``, it needs neither Django nor a
database. ``GET /control/`` tells what happened; ``POST /control/faults/`` with ``{"on": "post", "status": 500}`` makes
it misbehave (keys: on, times, after, seconds, status, text, hang_up, trickle; see ``laboratory.Fault``), and
``DELETE /control/faults/`` repairs it.
"""

import argparse
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django_q.examples.experimenteditor.laboratory import HANG_UPS, KINDS, Fault, Laboratory, NoSuchData

_POST = "/api/postexperiment/"
_PLOT = re.compile(r"/log/api/getExperiment/([^/]+)/plotdata/([a-z]+)/")
_LOG = re.compile(r"/log/api/getExperiment/([^/]+)/(\d+)/")

Work = Callable[[], tuple[int, str, str]]


class Handler(BaseHTTPRequestHandler):
    """Reads one request, and answers as the devices do or as the fault of the hour says."""

    server: "DeviceServer"
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == _POST:
            self.work_on("post", lambda: self.take(body))
        elif self.path == "/control/faults/":
            self.answer(*self.break_down(body))
        else:
            self.answer(404, f"{self.path} does not exist.")

    def do_GET(self) -> None:
        if plot := _PLOT.fullmatch(self.path):
            self.work_on("plot", lambda: _data(self.server.laboratory.plot, *plot.groups()))
        elif log := _LOG.fullmatch(self.path):
            self.work_on("log", lambda: _data(self.server.laboratory.log, log[1], int(log[2])))
        elif self.path == "/control/":
            self.answer(200, json.dumps(self.server.laboratory.report()), "application/json")
        else:
            self.answer(404, f"{self.path} does not exist.")

    def do_DELETE(self) -> None:
        self.server.laboratory.repair()
        self.answer(200, "")

    def work_on(self, kind: str, work: Work) -> None:
        fault = self.server.laboratory.next_fault(kind, f"{self.command} {self.path}") or Fault(on=kind)
        if self.server.is_over.wait(fault.seconds):
            return
        if fault.status or fault.text is not None:
            self.answer(fault.status or 200, "out of order" if fault.text is None else fault.text, fault=fault)
        elif fault.hang_up == "unheard":
            self.close_connection = True
        else:
            self.answer(*work(), fault=fault)

    def take(self, body: bytes) -> tuple[int, str, str]:
        try:
            said = self.server.laboratory.take(json.loads(body), self.headers.get("Idempotency-Key"))
        except (KeyError, TypeError, ValueError) as error:
            return 500, f"{type(error).__name__}: {error}", "text/html"
        return 200, said, "text/html"

    def break_down(self, body: bytes) -> tuple[int, str]:
        try:
            self.server.laboratory.break_down(Fault(**json.loads(body)))
        except (TypeError, ValueError) as error:
            return 400, str(error)
        return 200, ""

    def answer(self, status: int, text: str, content_type: str = "text/plain", fault: Fault | None = None) -> None:
        """Send an answer, or as much of it as the fault allows."""
        body = text.encode()
        if fault is not None and fault.hang_up:
            self.hang_up(status, body, is_halfway=fault.hang_up == "halfway")
            return
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault is None or not fault.trickle:
            self.wfile.write(body)
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            if self.server.is_over.wait(fault.trickle):
                return

    def hang_up(self, status: int, body: bytes, *, is_halfway: bool) -> None:
        """Close the connection without an answer, or in its middle: of the body, or of the head if there is none."""
        if is_halfway:
            head = f"{self.protocol_version} {status} \r\nServer: {self.version_string()}\r\n"
            length = f"Content-Length: {len(body)}\r\n\r\n"
            self.wfile.write((head + length).encode() + body[: len(body) // 2] if body else head.encode())
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if not self.server.quiet:
            self.server.say(f"{self.command} {self.path} {int(code)}")

    def log_error(self, format: str, *args: Any) -> None:
        """A connection that is kept open and not used again ends silently."""


class DeviceServer(ThreadingHTTPServer):
    """Serves a laboratory until it is told to stop."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], laboratory: Laboratory, *, quiet: bool = False) -> None:
        super().__init__(address, Handler)
        self.laboratory = laboratory
        self.quiet = quiet
        self.is_over = threading.Event()

    def say(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def stop(self, *signal: object) -> None:
        """End in another thread, since the one that serves waits for itself otherwise."""
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self) -> None:
        self.is_over.set()
        self.shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until TERM or INT."""
    options = _parser().parse_args(arguments)
    laboratory = Laboratory(
        chunk_lines=options.chunk_lines,
        repeats=not options.forgetful,
        now=lambda: time.time() + options.clock_ahead,
        faults=_faults(options),
    )
    server = DeviceServer((options.host, options.port), laboratory, quiet=options.quiet)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.stop)
    host, port = server.server_address[:2]
    server.say(f"Devices listen on http://{host!s}:{port}/")
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


def _data(ask: Callable[..., Any], *arguments: Any) -> tuple[int, str, str]:
    """Return the answer of the logger, with the header that it really sends."""
    try:
        return 200, json.dumps(ask(*arguments)), "attachment; filename=data.json"
    except NoSuchData as error:
        return error.status, str(error), "text/html"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devices", description="The engine and the logger of the experiment editor.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8022, help="0 takes a free one")
    parser.add_argument("--chunk-lines", type=int, default=800_000, help="lines in a part of a log")
    parser.add_argument("--forgetful", action="store_true", help="do not hand out any part of a log twice")
    parser.add_argument(
        "--clock-ahead", type=float, metavar="SECONDS", default=0, help="let the clock go before: runs are over sooner"
    )
    parser.add_argument("--quiet", action="store_true", help="do not show the requests")
    faults = parser.add_argument_group("faults, on every request")
    faults.add_argument("--slow", type=float, metavar="SECONDS", default=0, help="answer late")
    faults.add_argument("--status", type=int, help="answer with this status")
    faults.add_argument("--text", help="answer 200 with this text, as the engine does to an experiment it refuses")
    faults.add_argument("--hang-up", choices=HANG_UPS, help="close the connection at this moment")
    return parser


def _faults(options: argparse.Namespace) -> list[Fault]:
    wanted = {"seconds": options.slow, "status": options.status, "text": options.text, "hang_up": options.hang_up}
    return [Fault(on=kind, times=None, **wanted) for kind in KINDS] if any(wanted.values()) else []


if __name__ == "__main__":
    sys.exit(main())
