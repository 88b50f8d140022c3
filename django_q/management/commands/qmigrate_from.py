"""``manage.py qmigrate_from``: move in from another package."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from difflib import get_close_matches
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from django_q import conf
from django_q.management.moving import sources
from django_q.management.moving.report import Report
from django_q.management.preconditions import require_tables

_MOST = 10_000  # keys in one condition


class Command(BaseCommand):
    """Copy the rows of an old package and report what became of them."""

    help = (
        "Copies queued tasks, history and schedules from the tables of another package into ours, and says what "
        "became of them. The old rows are never changed; what was copied once is not copied again. Exits with 1 if "
        "rows could not be copied."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=_source, metavar="SOURCE", help=f"The old package: {_known()}.")
        parser.add_argument("--dry-run", action="store_true", help="Write nothing; print what would be done.")
        parser.add_argument(
            "--trust-pickles",
            action="store_true",
            help="Read arguments, results and errors of the history, which are pickles without a signature.",
        )
        parser.add_argument(
            "--include-leased",
            action="store_true",
            help=(
                "Move what somebody there may hold, too: leased rows begin when the lease ends, user tasks without an "
                "end have failed. Stop the old cluster or workers first."
            ),
        )
        parser.add_argument(
            "--database", metavar="ALIAS", help="Alias of the old tables, if it is not that of Q_CLUSTER['orm']."
        )
        parser.add_argument("--name", help="Name of the old cluster, if Q_CLUSTER['name'] was another one then.")
        parser.add_argument("--batch", type=_number, default=500, metavar="N", help="Rows in one transaction: 500.")
        parser.add_argument("--json", action="store_true", help="Print the report as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        settings = conf.current()
        require_tables(settings.orm)
        request = sources.Request(
            settings=settings,
            database=_alias(options["database"] or settings.orm),
            batch=options["batch"],
            dry_run=options["dry_run"],
            trusts_pickles=options["trust_pickles"],
            cluster_name=options["name"],
            includes_leased=options["include_leased"],
        )
        move = sources.source(options["source"])(request)
        if not options["dry_run"] and not options["include_leased"]:
            move.refuse_leased()
        self._say(move.run(), options)

    def _say(self, report: Report, options: dict[str, Any]) -> None:
        lines = [json.dumps(report.as_dict(), indent=2)] if options["json"] else report.lines()
        for line in lines:
            self.stdout.write(line)
        if report.left:
            sys.exit(1)


def _alias(name: str) -> str:
    if name not in connections:
        known = ", ".join(map(repr, connections))
        raise CommandError(f"There is no database {name!r} in DATABASES. Choose one of {known}.")
    return name


def _source(text: str) -> str:
    known = sources.names()
    if text in known:
        return text
    if text in sources.COME_WITH:
        raise ArgumentTypeError(
            f'{text!r} comes with an application: add "{sources.COME_WITH[text]}" to INSTALLED_APPS'
        )
    close = get_close_matches(text, [*known, *sources.COME_WITH], n=1, cutoff=0)
    raise ArgumentTypeError(f"{text!r} is not known; did you mean {close[0]!r}? There are {_known()}")


def _known() -> str:
    """Return the names of all sources, those that lack their application with it."""
    registered = sources.names()
    lacking = [
        f'{name} (with "{app}" in INSTALLED_APPS)' for name, app in sources.COME_WITH.items() if name not in registered
    ]
    return ", ".join([*registered, *lacking])


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise ArgumentTypeError(f"{text!r} is not a number of rows; write 1 to {_MOST}")
    return int(text)
