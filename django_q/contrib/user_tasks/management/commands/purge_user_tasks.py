"""``manage.py purge_user_tasks``: delete the rows of user tasks that are old."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from django_q.contrib.user_tasks.purging import purge

_UNITS = {"": "days", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class Command(BaseCommand):
    """Delete, or count, and say how many."""

    help = (
        "Deletes the user tasks that have ended and were created longer ago than USER_TASKS_MAX_AGE (30 days), with "
        "their artifacts and files. --dry-run only counts them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Delete nothing; say how many would be.")
        parser.add_argument(
            "--older-than", type=_age, metavar="AGE", help="Another age: 7 or 7d for days, 12h, 30m or 90s."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count = purge(options["older_than"], dry_run=options["dry_run"])
        tasks = "1 user task" if count == 1 else f"{count} user tasks"
        verb = "would be" if options["dry_run"] else "was" if count == 1 else "were"
        self.stdout.write(f"{tasks} {verb} deleted.")


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,9})([dhms]?)", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no age. Write 7 or 7d for days, 12h, 30m or 90s.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
