"""``manage.py process_tasks``: run background tasks, with the options that django-background-tasks has."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from math import isfinite
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_q.contrib.background.models import LABEL
from django_q.contrib.background.tasks import autodiscover
from django_q.management.invocation import command_line
from django_q.management.options import add_worker_options, cluster_words
from django_q.management.runner import Plan, Runner

_EVERY = "*"
_LEAST = 0.01  # seconds between two looks
_REFUSED = 2


class Command(BaseCommand):
    """Run a cluster of one worker that serves every queue."""

    help = (
        "Runs background tasks, and what else is in their queues, in a cluster of one worker. manage.py qcluster runs "
        "the same rows, as its settings say; both may run at the same time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--duration",
            type=_seconds,
            default=0.0,
            help="Seconds after which it finishes what runs and ends; 0: never.",
        )
        parser.add_argument(
            "--sleep", type=_seconds, default=5.0, help="Seconds between two looks when nothing woke it; default: 5."
        )
        parser.add_argument("--queue", help="Serve this queue only; without it, every queue.")
        parser.add_argument("--log-std", action="store_true", help="Log to standard output instead of standard error.")
        parser.add_argument("--dev", action="store_true", help="Start anew when a file of the project changes.")
        add_worker_options(parser, usual="1", default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sleep"] < _LEAST:
            raise CommandError(f"--sleep {options['sleep']:g}: write {_LEAST:g} seconds or more.", returncode=_REFUSED)
        runner = Runner(_plan(options), labels=[LABEL])
        settings = runner.prepare()
        if options["dev"]:
            sys.exit(runner.run_reloading(settings, lambda *told: _command(options, *told)))
        try:
            autodiscover()
        except ImportError as error:
            raise CommandError(str(error), returncode=_REFUSED) from error
        sys.exit(runner.run())


def _plan(options: dict[str, Any]) -> Plan:
    return Plan(
        queues=(options["queue"] or _EVERY,),
        poll=options["sleep"],
        workers=options["workers"],
        duration=options["duration"],
        log_level=options["log_level"],
        json_logs=options["json_logs"],
        logs_to_stdout=options["log_std"],
    )


def _command(options: dict[str, Any], is_first: bool, left: float) -> list[str]:
    """Return this command without --dev; what goes to standard output goes there already."""
    words = [f"--duration={left}", f"--sleep={options['sleep']}", *cluster_words(options)]
    if options["queue"]:
        words.append(f"--queue={options['queue']}")
    # This process has just made the checks that the first cluster would repeat.
    return command_line("process_tasks", *words, options={**options, "skip_checks": is_first or options["skip_checks"]})


def _seconds(text: str) -> float:
    """Read a number of seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds; write 0 or more")
    return seconds
