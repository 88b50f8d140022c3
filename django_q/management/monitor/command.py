"""What ``qmonitor`` and ``qmemory`` have in common: one table, one JSON object, or the screen."""

import json
import math
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error

from django_q import conf
from django_q.exceptions import InvalidSettings
from django_q.management.monitor import terminal
from django_q.management.monitor.gathering import Gatherer
from django_q.management.monitor.printing import as_object, printed
from django_q.management.monitor.state import State, saw

_SHORTEST, _LONGEST = 0.1, 3600.0  # seconds


class ScreenCommand(BaseCommand):
    """A command with a screen; where there is no terminal it prints what the screen would show, once."""

    # It must show how it stands when something is wrong, too.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run-once", action="store_true", help="Print one table and end.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object and end.")
        parser.add_argument(
            "--interval", type=_interval, default=1.0, metavar="SECONDS", help="Seconds between two looks; default: 1."
        )

    def first_state(self, options: dict[str, Any]) -> State:
        """Return what the screen begins with."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        first = self.first_state(options)
        try:
            conf.current()
            if options["json"] or options["run_once"] or not terminal.can_show_screens(self.stdout):
                self._print(first, as_json=options["json"])
                return
        except InvalidSettings as error:
            raise CommandError(str(error), returncode=2) from error
        except Error as error:
            reason = " ".join(str(error).split())
            raise CommandError(
                f"the database {conf.current().orm!r} of Q_CLUSTER['orm'] cannot be read: {reason}", returncode=2
            ) from error
        terminal.show(first, interval=options["interval"])

    def _print(self, first: State, *, as_json: bool) -> None:
        seen = Gatherer().look(first.tab)
        state = saw(first, seen)
        if as_json:
            self.stdout.write(json.dumps(as_object(state, seen), cls=DjangoJSONEncoder, indent=2))
            return
        for line in printed(state, seen):
            self.stdout.write(line)


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ArgumentTypeError(f"{text!r} is not an interval; write a number of seconds from 0.1 to 3600")
    return seconds
