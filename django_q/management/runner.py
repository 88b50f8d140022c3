"""A cluster that a command describes by its own options, where the settings of the project describe another."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

from django_q.cluster import logs
from django_q.cluster.cluster import Cluster
from django_q.conf import Settings
from django_q.kernel import clock, overrides
from django_q.management.first_process import leave_first_place
from django_q.management.preconditions import require_all, require_tables
from django_q.management.reloading import Reloading

_LEAST = 0.01  # seconds that remain of a duration at least: 0 would mean for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What such a cluster is to do."""

    queues: tuple[str, ...]
    poll: float  # seconds between two looks when nobody rings
    workers: int
    duration: float = 0.0  # seconds; 0: for ever
    log_level: str | None = None
    json_logs: bool = False
    logs_to_stdout: bool = False


class Runner:
    """Runs one. SIGTSTP lets running tasks finish however long they take, SIGUSR1 and SIGUSR2 do nothing."""

    def __init__(self, plan: Plan, *, labels: Sequence[str] = ()) -> None:
        """``labels`` are applications besides ours whose tables have to be there."""
        self._plan = plan
        self._labels = labels
        self._started = clock.monotonic()

    def prepare(self) -> Settings:
        """Make this process and those that it will start see the plan, and return the settings.

        Raises :exc:`~django.core.management.base.CommandError` where no cluster could work.
        """
        leave_first_place()  # before there are connections, which two processes cannot share
        if self._plan.logs_to_stdout:
            sys.stderr.flush()
            os.dup2(1, 2)  # that of the children, too, however they start
        overrides.write(queues=self._plan.queues, poll=self._plan.poll)
        settings = require_all(None, anew=True)
        for label in self._labels:
            require_tables(settings.orm, label)
        return settings

    def run(self) -> int:
        """Run it in this process; return its exit code."""
        for name in ("SIGUSR1", "SIGUSR2"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), _ignore)
        plan = self._plan
        cluster = Cluster(
            workers=plan.workers,
            duration=plan.duration,
            patient_signals=_patient_signals(),
            log_level=plan.log_level,
            json_logs=plan.json_logs,
        )
        return cluster.run()

    def run_reloading(self, settings: Settings, command: Callable[[bool, float], list[str]]) -> int:
        """Run it in a child that starts anew when the code changes; ``command`` is told whether it is the first and
        how many seconds are left, 0 for no end."""
        plan = self._plan
        logs.configure(plan.log_level or settings.log_level, as_json=plan.json_logs)
        connections.close_all()  # the children have their own; this process needs none any more

        def words(is_first: bool) -> list[str]:
            return command(is_first, self._left())

        return Reloading(settings.name, words, also_ends_at=_patient_signals()).run()

    def _left(self) -> float:
        if not self._plan.duration:
            return 0.0
        return max(_LEAST, self._plan.duration - (clock.monotonic() - self._started))


def _patient_signals() -> list[int]:
    return [signal.SIGTSTP] if hasattr(signal, "SIGTSTP") else []


def _ignore(number: int, frame: Any) -> None:
    """Do nothing: there is no pause between two tasks that could be made longer or shorter."""
