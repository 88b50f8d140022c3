"""``manage.py qinfo``: say how clusters and queues stand, for people, programs and probes."""

import json
import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error

import django_q
from django_q import conf
from django_q.exceptions import InvalidSettings
from django_q.management.report import lines_of
from django_q.tasks.clusters import clusters
from django_q.tasks.health import CRITICAL, OK, Health, judge, judge_host
from django_q.tasks.overview import Overview, overview, standing


class Command(BaseCommand):
    """Print what the database knows of the clusters and the queues."""

    help = (
        "Shows clusters, queues and the last 24 hours. With --check it says in one line whether all is well, and exits "
        "with 0 (it is), 1 (a threshold is exceeded) or 2 (no cluster for what waits, or no database)."
    )
    # A probe asks often, and it must answer when something is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--config", action="store_true", help="Print the settings instead, without passwords.")
        parser.add_argument(
            "--ids", action="store_true", help="Print the ids of the clusters that live instead, one a line."
        )
        parser.add_argument("--check", action="store_true", help="Print one line and exit with 0, 1 or 2.")
        parser.add_argument(
            "--here", action="store_true", help="With --check: ask only for clusters of this host and their queues."
        )
        parser.add_argument(
            "--max-queue", type=_number, metavar="N", help="With --check: warn above N ready tasks in a queue."
        )
        parser.add_argument(
            "--max-age", type=_seconds, metavar="SECONDS", help="With --check: warn if the oldest ready task is older."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"] and (options["here"] or {options["max_queue"], options["max_age"]} != {None}):
            raise CommandError("--max-queue, --max-age and --here belong to --check; add it.")
        if sum(options[name] for name in ("ids", "config", "check")) > 1:
            raise CommandError("--ids, --config and --check each print something else; choose one of them.")
        try:
            if options["config"]:
                self._print_config(options["json"])
            elif options["check"]:
                self._check(options)
            elif options["ids"]:
                self._print_ids(options["json"])
            else:
                self._print(overview(), options["json"])
        except InvalidSettings as error:
            raise CommandError(str(error), returncode=CRITICAL) from error
        except Error as error:
            raise CommandError(_unreachable(error), returncode=CRITICAL) from error

    def _print(self, seen: Overview, as_json: bool) -> None:
        if as_json:
            self._print_json(asdict(seen))
            return
        self.stdout.write(f"django_q {django_q.__version__} on the database {seen.database!r}")
        for line in lines_of(seen):
            self.stdout.write(line)
        health = judge(seen)
        if health.code != OK and not any(queue.complaint for queue in seen.queues):
            self.stdout.write(health.line)

    def _print_config(self, as_json: bool) -> None:
        shown = dict(conf.current().shown())
        if as_json:
            self._print_json(shown)
            return
        for name, value in shown.items():
            self.stdout.write(f"{name:<20} {value}")

    def _print_ids(self, as_json: bool) -> None:
        ids = [cluster.id for cluster in clusters(conf.current().orm)[0]]
        if as_json:
            self._print_json(ids)
            return
        for id in ids:
            self.stdout.write(id)

    def _check(self, options: dict[str, Any]) -> None:
        try:
            health = _judged(options)
        except Error as error:
            health = Health(CRITICAL, _unreachable(error))
        if options["json"]:
            self._print_json(asdict(health))
        else:
            self.stdout.write(f"{('ok', 'warning', 'critical')[health.code]}: {health.line}")
        if health.code != OK:
            sys.exit(health.code)

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, cls=DjangoJSONEncoder, indent=2))


def _judged(options: dict[str, Any]) -> Health:
    thresholds = {"max_queue": options["max_queue"], "max_age": options["max_age"]}
    if options["here"]:
        return judge_host(standing(), socket.gethostname(), **thresholds)
    return judge(standing(), **thresholds)


def _unreachable(error: Error) -> str:
    reason = " ".join(str(error).split())
    return f"the database {conf.current().orm!r} of Q_CLUSTER['orm'] cannot be read: {reason}"


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a number of tasks; write 0 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number of seconds; write 0 or more")
    return seconds
