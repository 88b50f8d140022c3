"""An SMTP server that keeps what it gets: enough of the protocol for one real conversation."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

OK, BYE = b"250 ok", b"221 bye"
ANSWERS = {b"EHLO": OK, b"HELO": OK, b"MAIL": OK, b"RCPT": OK, b"RSET": OK, b"DATA": OK, b"QUIT": BYE}


@dataclass
class Sink:
    """What arrived, and where it listens."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


class Conversation(socketserver.StreamRequestHandler):
    """One client, from the greeting to its QUIT."""

    def handle(self) -> None:
        self.say(b"220 sink")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper().strip()
            self.server.sink.commands.append(line.decode().strip())
            if verb == b"DATA":
                self.say(b"354 go on")
                self.receive()
            self.say(ANSWERS.get(verb, b"502 unknown"))
            if verb == b"QUIT":
                return

    def receive(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
        self.server.sink.mails.append(message_from_bytes(content, policy=policy.default))

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextlib.contextmanager
def smtp_sink() -> Iterator[Sink]:
    """Listen on a free port of this host while the block runs."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.sink = Sink(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.sink
        finally:
            server.shutdown()
            thread.join()
