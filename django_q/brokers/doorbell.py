"""Wake the clusters on this host: a datagram to each socket in a private directory, rung after the commit."""

import hashlib
import logging
import os
import socket
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.db import connections

from django_q import conf

logger = logging.getLogger("django_q")

_FAMILY = getattr(socket, "AF_UNIX", None)
_UNSAFE: set[str] = set()  # directories that somebody else owns; said once


def root() -> Path | None:
    """Return where the bells of all databases are, None where there are none."""
    setting = conf.current().doorbell
    if setting is False or _FAMILY is None:
        return None
    return Path(setting) if isinstance(setting, str) else Path(tempfile.gettempdir()) / f"django_q-{os.getuid()}"


def directory(alias: str) -> Path | None:
    """Return the directory in which the clusters of a database listen, None where there is no bell.

    It belongs to the user and is closed to everybody else; one that is not is never used.
    """
    place = root()
    return place / _database(alias) if place is not None and _can_be_used(place) else None


def ring(alias: str, queues: Iterable[str]) -> int:
    """Send the queues' names to every listener of a database on this host. Return how many heard it."""
    place = directory(alias)
    if place is None or _FAMILY is None:
        return 0
    try:
        bells = [entry.path for entry in os.scandir(place)]
    except OSError:
        return 0  # nobody has ever listened here
    if not bells:
        return 0
    message = "\n".join(queues).encode()
    with socket.socket(_FAMILY, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        return sum(_send(sender, message, bell) for bell in bells)


def _send(sender: socket.socket, message: bytes, bell: str) -> bool:
    try:
        sender.sendto(message, bell)
    except ConnectionRefusedError:
        _remove(bell)  # its process died without a word
        return False
    except OSError:
        return False  # full, hence ringing already; or just removed
    return True


def _remove(bell: str) -> None:
    try:
        os.unlink(bell)
    except OSError:
        return


def _database(alias: str) -> str:
    """Return a short name of the database behind an alias, the same in every process."""
    settings = connections[alias].settings_dict
    name = str(settings["NAME"])
    if connections[alias].vendor == "sqlite":
        name = os.path.abspath(name)
    identity = "\0".join([connections[alias].vendor, name, str(settings.get("HOST")), str(settings.get("PORT"))])
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def is_private(place: Path) -> bool:
    """Say whether a directory is this user's and closed to everybody else."""
    try:
        found = os.lstat(place)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _can_be_used(place: Path) -> bool:
    """Make the directory if there is none; say once if it is not private."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    private = is_private(place)
    if not private and str(place) not in _UNSAFE:
        _UNSAFE.add(str(place))
        logger.warning("The directory %s is not private, so clusters are not woken through it, only by polling.", place)
    return private
