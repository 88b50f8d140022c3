"""``manage.py qmigrate_from``: move in from Django Q or Django Q2."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from difflib import get_close_matches
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from django_q import conf
from django_q.management import moving
from django_q.management.preconditions import require_tables

_SOURCES = {"django_q": moving.DJANGO_Q, "django_q2": moving.DJANGO_Q2}

_MOST = 10_000  # keys in one condition


class Command(BaseCommand):
    """Copy the rows of an old package and report what became of them."""

    help = (
        "Copies queued tasks, history and schedules from the tables of Django Q or Django Q2 into ours, and says what "
        "became of them. The old rows are never changed; what was copied once is not copied again. Exits with 1 if "
        "rows could not be copied."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=_source, metavar="SOURCE", help="The old package: django_q or django_q2.")
        parser.add_argument("--dry-run", action="store_true", help="Write nothing; print what would be done.")
        parser.add_argument(
            "--trust-pickles",
            action="store_true",
            help="Read arguments, results and errors of the history, which are pickles without a signature.",
        )
        parser.add_argument(
            "--include-leased",
            action="store_true",
            help="Move rows that an old cluster leased, too; they begin when the lease ends. Stop the cluster first.",
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
        plan = moving.Plan(
            old=_tables(options["source"], _alias(options["database"] or settings.orm)),
            settings=settings,
            name=options["name"] or conf.usual_name(),
            batch=options["batch"],
            dry_run=options["dry_run"],
            trusts_pickles=options["trust_pickles"],
            retry=_retry(),
        )
        if not options["dry_run"] and not options["include_leased"]:
            moving.refuse_leased(plan)
        self._say(moving.move(plan), options)

    def _say(self, report: moving.Report, options: dict[str, Any]) -> None:
        lines = [json.dumps(report.as_dict(), indent=2)] if options["json"] else report.lines()
        for line in lines:
            self.stdout.write(line)
        if report.left:
            sys.exit(1)


def _tables(source: str, alias: str) -> moving.OldTables:
    """Return the old tables; refuse those of the other package, whose leases mean something else."""
    found = moving.find(alias)
    if found.era != _SOURCES[source]:
        right = next(name for name, era in _SOURCES.items() if era == found.era)
        raise CommandError(
            f"The tables in {alias!r} are those of {found.era}, by their columns. Run: manage.py qmigrate_from {right}"
        )
    return found


def _retry() -> float:
    """Return for how many seconds Django Q leases a row, as Q_CLUSTER still says or as is usual."""
    value = conf.raw().get("retry")
    return value if isinstance(value, (int, float)) else moving.RETRY


def _alias(name: str) -> str:
    if name not in connections:
        known = ", ".join(map(repr, connections))
        raise CommandError(f"There is no database {name!r} in DATABASES. Choose one of {known}.")
    return name


def _source(text: str) -> str:
    if text not in _SOURCES:
        close = get_close_matches(text, _SOURCES, n=1, cutoff=0)
        raise ArgumentTypeError(f"{text!r} is not known; did you mean {close[0]!r}?")
    return text


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise ArgumentTypeError(f"{text!r} is not a number of rows; write 1 to {_MOST}")
    return int(text)
