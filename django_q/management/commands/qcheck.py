"""``manage.py qcheck``: say what is wrong with this installation, and what to do about it."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, no_translations

from django_q.management.doctor import Finding, Level, examine


class Command(BaseCommand):
    """Print one finding a line."""

    help = (
        "Looks at settings, machine, database, clusters and queue, and prints one line for each thing it looked at, "
        "with what to do where something is wrong; it changes nothing. Exits with 0 (all is well), 1 (warnings) or 2 "
        "(errors). --verbosity 0 prints only what is wrong."
    )
    # They are among the findings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print a list of objects: check, level, seen, fix.")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for finding in examine():
            found.append(finding)
            if not options["json"] and (options["verbosity"] or finding.level is not Level.OK):
                self.stdout.write(self._styled(finding))
        worst = max((finding.level.code for finding in found), default=0)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in found], indent=2))
        elif worst == Level.OK.code:
            self.stdout.write(self.style.SUCCESS("everything is well"))
        if worst:
            sys.exit(worst)

    def _styled(self, finding: Finding) -> str:
        if finding.level is Level.OK:
            return finding.line
        return (self.style.ERROR if finding.level is Level.ERROR else self.style.WARNING)(finding.line)
