"""What runs beside a cluster: commands that applications register, run as children of one process."""

import logging
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string

from django_q.cluster import logs
from django_q.conf import Settings
from django_q.kernel import clock
from django_q.management.invocation import command_line
from django_q.management.options import cluster_words
from django_q.management.processes import Child, end_all, how_it_ended
from django_q.management.reloading import stop_signals

logger = logging.getLogger("django_q.cluster")

#: Exit codes after which a child is not started again: it was asked to end, or it refuses to start.
FINAL = (0, 2)
#: The exit code by which a child asks for another one in its place.
REPLACE = 75

_LOOK = 0.05  # seconds between two looks at the children
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0)  # seconds before a child is started again that ended soon after its start
_SOON = 30.0


@dataclass(frozen=True, slots=True)
class Companion:
    """A command that can run beside the cluster."""

    name: str
    command: str
    is_wanted: str  # dotted path of a function: is there anything for it to do?


_companions: dict[str, Companion] = {}


def register(name: str, command: str, *, is_wanted: str) -> None:
    """Let ``qcluster --NAME`` start a command beside the cluster, and ``qdev`` too if this function says so.

    The command takes what describes a cluster, but for its workers, and ``--reload``. Applications call it in
    ``AppConfig.ready()``.
    """
    _companions[name] = Companion(name, command, is_wanted)


def companions() -> list[Companion]:
    """Return what is registered."""
    return list(_companions.values())


def wanted() -> list[Companion]:
    """Return those that have something to do in this project."""
    return [each for each in companions() if import_string(each.is_wanted)()]


def words_of(each: Companion, options: Mapping[str, Any]) -> list[str]:
    """Return the words that start a companion, with those of the options of a cluster that it has too."""
    words = cluster_words({**options, "workers": None})
    if options.get("reload"):
        words.append("--reload")
    return command_line(each.command, *words, options={**options, "skip_checks": True})


def member_of(each: Companion, options: Mapping[str, Any]) -> "Member":
    """Return the child that is a companion."""
    return Member(each.name, words_of(each, options), is_kept=True)


def configure_logs(settings: Settings, level: str | None, *, as_json: bool) -> None:
    """Let this process log as a cluster does."""
    logs.configure(level or settings.log_level, as_json=as_json)


@dataclass(slots=True)
class Member:
    """A child of several that run together."""

    name: str
    command: Sequence[str]
    is_kept: bool = False  # it is started again when it ends by accident
    child: Child | None = None
    started: float = 0.0
    again_at: float = 0.0
    deaths: int = 0  # one soon after the other

    def start(self) -> None:
        self.started = clock.monotonic()
        self.child = Child(self.name, self.command)

    def look(self) -> int | None:
        """Start it again if it is to be; return its exit code when it has ended for good."""
        if self.child is None:
            if clock.monotonic() >= self.again_at:
                self.start()
            return None
        code = self.child.exit_code
        if code is None:
            return None
        if not self.is_kept or code in FINAL:
            return code
        self._put_off(code)
        return None

    def _put_off(self, code: int) -> None:
        assert self.child is not None
        self.child.conclude()
        self.child = None
        self.deaths = self.deaths + 1 if clock.monotonic() - self.started < _SOON else 0
        if code != REPLACE:
            logger.error("The %s %s; it starts again.", self.name, how_it_ended(code))
        self.again_at = clock.monotonic() + _PAUSES[min(self.deaths, len(_PAUSES) - 1)]


class Together:
    """Runs several commands until one has ended for good, or a signal ends all; each gets the signals that come."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._stops = 0

    def run(self) -> int:
        """Run; return the exit code of the one that ended, or the worst if a signal ended all."""
        handlers = {number: signal.signal(number, self._on_signal) for number in stop_signals()}
        code: int | None = None
        try:
            for member in self._members:
                member.start()
            while code is None and not self._stops:
                clock.sleep(_LOOK)
                code = next((found for member in self._members if (found := member.look()) is not None), None)
        finally:
            codes = self._end()
            for number, handler in handlers.items():
                signal.signal(number, signal.SIG_IGN if self._stops else handler)
        if code is not None:
            return code if code >= 0 else 1
        return max(codes, default=0)

    def _end(self) -> list[int]:
        children = [member.child for member in self._members if member.child is not None]
        # They know themselves how long they may take; a second signal is passed on.
        never = float("inf")
        end_all(children, grace=never, patience=never, presses=lambda: self._stops)
        codes = [child.exit_code or 0 for child in children]
        return [0 if code in (-signal.SIGTERM, REPLACE) else abs(code) for code in codes]

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1  # the loop acts
