"""An SMTP server that keeps what it gets: enough of the protocol for real conversations, and for those that go wrong.

Each place of a conversation can be given an accident: ``CONNECT``, a command such as ``RCPT``, and ``END``, when the
mail has been read.
"""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from django_q_tests.support.gates import Gate

HELLO, OK, BYE = b"220 sink", b"250 ok", b"221 bye"
ANSWERS = {b"EHLO": OK, b"HELO": OK, b"MAIL": OK, b"RCPT": OK, b"RSET": OK, b"NOOP": OK, b"DATA": OK, b"QUIT": BYE}


class HangUp(Exception):
    """The server closes the connection without an answer."""


@dataclass
class Sink:
    """What arrived, where it listens, and how it misbehaves."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    refusals: dict[str, bytes] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)
    gates: dict[str, Gate] = field(default_factory=dict)

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    def refuse(self, at: str, answer: bytes = b"451 later") -> None:
        """Answer once with an error; a mail that is refused at its END is not kept."""
        self.refusals[at] = answer

    def hang_up(self, at: str) -> None:
        """Close the connection once instead of answering; at the END the mail is kept."""
        self.ends.add(at)

    def hold(self, at: str) -> Gate:
        """Let clients wait for an answer until the gate is opened; at the END the mail is kept before."""
        self.gates[at] = Gate()
        return self.gates[at]

    def misbehave(self, at: str) -> None:
        if at in self.gates:
            self.gates[at].pass_through()
        if at in self.ends:
            self.ends.remove(at)
            raise HangUp


class Conversation(socketserver.StreamRequestHandler):
    """One client, from the greeting to its QUIT."""

    server: "Server"

    def handle(self) -> None:
        with contextlib.suppress(HangUp, ConnectionError):  # a client may die at any moment
            self.answer("CONNECT", HELLO)
            for line in iter(self.rfile.readline, b""):
                verb = line[:4].upper().strip()
                self.server.sink.commands.append(line.decode().strip())
                if verb == b"DATA":
                    self.receive()
                else:
                    self.answer(verb.decode(), ANSWERS.get(verb, b"502 unknown"))
                if verb == b"QUIT":
                    return

    def receive(self) -> None:
        if not self.answer("DATA", b"354 go on"):
            return
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return  # the client went away in the middle: that is no mail
            lines.append(line[1:] if line.startswith(b"..") else line)
        if "END" not in self.server.sink.refusals:
            self.server.sink.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.answer("END", OK)

    def answer(self, place: str, usual: bytes) -> bool:
        """Answer, unless there is an accident at this place. Return whether the client may go on."""
        sink = self.server.sink
        sink.misbehave(place)
        refusal = sink.refusals.pop(place, None)
        self.wfile.write((refusal or usual) + b"\r\n")
        return refusal is None


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.sink = Sink(port=self.server_address[1])


@contextlib.contextmanager
def smtp_sink() -> Iterator[Sink]:
    """Listen on a free port of this host while the block runs."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.sink
        finally:
            for gate in server.sink.gates.values():
                gate.open()
            server.shutdown()
            thread.join()
