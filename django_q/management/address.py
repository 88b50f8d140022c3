"""Where ``runserver`` of this project will listen, and whether it can."""

import errno
import socket
from dataclasses import dataclass

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands.runserver import naiveip_re

_WHY = {
    errno.EADDRINUSE: "something listens there already; choose another port: manage.py qdev {other}",
    errno.EACCES: "this user may not listen there; choose a port above 1023: manage.py qdev 8000",
    errno.EADDRNOTAVAIL: "it is no address of this computer; leave it out, or write 0.0.0.0 for all of them",
}
_ANYWHERE = {"0": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, as ``runserver`` understands them."""

    host: str
    port: int
    protocol: str = "http"

    @property
    def url(self) -> str:
        host = "0.0.0.0" if self.host == "0" else self.host
        return f"{self.protocol}://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def require_free(self) -> None:
        """Refuse, with the reason, an address at which no server can listen."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: the dust of closed connections is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("" if self.host == "0" else self.host, self.port))
            except OSError as error:
                why = _WHY.get(error.errno or 0, str(error)).format(other=self.port + 1)
                raise CommandError(f"The site cannot listen at {self.url}: {why}", returncode=2) from error

    def is_open(self) -> bool:
        """Does a server take connections there?"""
        try:
            with socket.create_connection((_ANYWHERE.get(self.host, self.host), self.port), timeout=1):
                return True
        except OSError:
            return False


def address_of(addrport: str | None) -> Address:
    """Return the address that the words after ``qdev`` mean, or without any the one that ``runserver`` chooses."""
    runserver = _runserver()
    protocol = getattr(runserver, "protocol", "http")
    found = naiveip_re.match(addrport or str(getattr(runserver, "default_port", "8000")))
    if found is None or int(found["port"]) > 65535:
        raise CommandError(
            f"{addrport!r} is neither a port nor address:port; write 8000 or 127.0.0.1:8000", returncode=2
        )
    host = (found["addr"] or str(getattr(runserver, "default_addr", "127.0.0.1"))).strip("[]")
    return Address(host, int(found["port"]), protocol)


def _runserver() -> BaseCommand:
    """Return the project's own ``runserver``: that of Django, or the one of an application."""
    application = get_commands()["runserver"]
    return application if isinstance(application, BaseCommand) else load_command_class(application, "runserver")
