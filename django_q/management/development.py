"""``qdev``: the site and the cluster as two children of one process, which is nothing but their terminal."""

import os
import signal
from dataclasses import dataclass, field

from django_q.kernel import clock
from django_q.management.address import Address
from django_q.management.processes import Screen, ShownChild, end_all, how_it_ended
from django_q.management.reloading import GRACE, PATIENCE, stop_signals

_LOOK = 0.1  # seconds between two looks at the children


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be started, and what to say of it."""

    site: list[str]
    cluster: list[str]
    others: dict[str, list[str]] = field(default_factory=dict)  # by name what runs beside it
    address: Address
    about_cluster: str
    reloads: bool


@dataclass(slots=True)
class Development:
    """A site and a cluster. The site's end is the end of both; the cluster's end is said, and the site goes on."""

    plan: Plan
    screen: Screen
    _stops: int = 0
    _children: list[ShownChild] = field(default_factory=list)

    def run(self) -> int:
        """Run until a signal comes, or until the site ends by itself; return the exit code."""
        handlers = {number: signal.signal(number, self._on_signal) for number in stop_signals()}
        try:
            site = self._start("site", self.plan.site)
            beside = [self._start(name, words) for name, words in [("cluster", self.plan.cluster), *self._others]]
            self._watch(site, beside)
            return self._verdict(site)
        finally:
            # Nobody may call while the children end, so what they say last is seen; the site goes first.
            end_all(self._children, grace=GRACE, patience=PATIENCE + GRACE, presses=lambda: self._stops)
            for number, handler in handlers.items():
                signal.signal(number, signal.SIG_IGN if self._stops else handler)

    @property
    def _others(self) -> list[tuple[str, list[str]]]:
        return list(self.plan.others.items())

    def _watch(self, site: ShownChild, beside: list[ShownChild]) -> None:
        """Return when the site has ended or somebody wants the end of all."""
        has_welcomed = False
        while not self._stops and site.is_alive:
            if not has_welcomed and self.plan.address.is_open():
                has_welcomed = True
                self._welcome()
            for child in [each for each in beside if each.exit_code is not None]:
                beside.remove(child)
                self._say(
                    f"The {child.name} {how_it_ended(child.conclude())}; the site goes on, and tasks stay queued."
                )
            clock.sleep(_LOOK)

    def _verdict(self, site: ShownChild) -> int:
        if self._stops:
            return 0
        self._say(f"The site {how_it_ended(site.conclude())}, so the cluster ends too.")
        return 1

    def _welcome(self) -> None:
        self._say(f"The site is at {self.plan.address.url}; its tasks run in {self.plan.about_cluster}.")
        self._say(f"{'Both start anew when a file changes. ' if self.plan.reloads else ''}Ctrl-C ends both.")

    def _say(self, line: str) -> None:
        self.screen.show("qdev", line)

    def _start(self, name: str, command: list[str]) -> ShownChild:
        environment = {"DJANGO_RUNSERVER_HIDE_WARNING": "true", **os.environ, "PYTHONUNBUFFERED": "1"}
        child = ShownChild(name, command, environment=environment, screen=self.screen, kills_rest=name == "site")
        self._children.append(child)
        return child

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1  # the loop acts
