"""``manage.py qprune``: delete what the history need not keep, now."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand

from django_q import conf
from django_q.conf import DAY
from django_q.engine.retention import Retention


class Command(BaseCommand):
    """Clusters prune by themselves, once a minute; this is for those who cannot wait, or want other limits once."""

    help = (
        "Deletes tasks of the history that are older than Q_CLUSTER's keep_successes and keep_failures, or beyond its "
        "save_limit, in small batches. Clusters do so by themselves; options replace a limit for this once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--successes", type=_days, metavar="DAYS", help="Delete successes that are older.")
        parser.add_argument("--failures", type=_days, metavar="DAYS", help="Delete failures that are older.")
        parser.add_argument("--keep", type=_number, metavar="N", help="Delete successes beyond the newest N.")
        parser.add_argument("--dry-run", action="store_true", help="Only count.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object: what was deleted, by its limit."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settings = conf.current()
        given = {"successes": options["successes"], "failures": options["failures"], "newest": options["keep"]}
        chosen = {name: value for name, value in given.items() if value is not None}
        retention = replace(Retention.of(settings), **chosen)
        if options["dry_run"]:
            counts = {name: rows.count() for name, rows in retention.excess(settings.orm).items()}
        else:
            counts = dict(_prune(retention, settings.orm))
        self._say(counts, options)

    def _say(self, counts: dict[str, int], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(counts, indent=2))
            return
        word = "would be deleted" if options["dry_run"] else "deleted"
        for name, count in counts.items():
            if count or options["verbosity"]:
                self.stdout.write(f"{name}: {count} {word}")


def _prune(retention: Retention, alias: str) -> Counter[str]:
    """Delete batch after batch until nothing is left to delete."""
    counts: Counter[str] = Counter(dict.fromkeys(retention.excess(alias), 0))
    while any((deleted := retention.prune(alias)).values()):
        counts.update(deleted)
    return counts


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number of days; write 0 or more")
    return days * DAY


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text!r} is not a number of tasks; write 0 or more")
    return int(text)
