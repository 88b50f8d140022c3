"""``manage.py qdev``: the site and the cluster in one terminal, for development."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from django_q.conf import Settings
from django_q.management import beside
from django_q.management.address import address_of
from django_q.management.development import Development, Plan
from django_q.management.invocation import command_line
from django_q.management.options import add_cluster_options, cluster_words
from django_q.management.preconditions import require_all
from django_q.management.processes import Screen

_LEADER = Path(__file__).parents[1] / "leader.py"


class Command(BaseCommand):
    """Run ``runserver`` and ``qcluster`` together."""

    help = (
        "For development: runs runserver and qcluster in one terminal, each line under the name of its process. Both "
        "start anew when a file of the project changes; Ctrl-C ends both."
    )
    # The site makes them, at every start.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("addrport", nargs="?", help="Port, or address:port, of the site; as for runserver.")
        add_cluster_options(parser)
        parser.add_argument(
            "--no-reload",
            "--noreload",
            dest="reload",
            action="store_false",
            help="Keep both as they are when a file changes.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settings = require_all(options["name"])
        address = address_of(options["addrport"])
        address.require_free()
        connections.close_all()  # the children have their own
        plan = Plan(
            site=_site(options),
            cluster=_cluster(options),
            others={each.name: beside.words_of(each, options) for each in beside.wanted()},
            address=address,
            about_cluster=_about(settings, options["workers"]),
            reloads=options["reload"],
        )
        colour = False if options["no_color"] else True if options["force_color"] else None
        sys.exit(Development(plan, Screen(sys.stdout, colour=colour)).run())


def _site(options: dict[str, Any]) -> list[str]:
    words = [options["addrport"]] if options["addrport"] else []
    if not options["reload"]:
        return command_line("runserver", *words, "--noreload", options=options)
    # A site that reloads is two processes, one of which nobody of ours started.
    leader = [sys.executable, str(_LEADER)] if hasattr(os, "killpg") else []
    return [*leader, *command_line("runserver", *words, options=options)]


def _cluster(options: dict[str, Any]) -> list[str]:
    words = [*cluster_words(options), *(["--reload"] if options["reload"] else [])]
    return command_line("qcluster", *words, options={**options, "skip_checks": True})


def _about(settings: Settings, workers: int | None) -> str:
    count = workers or settings.workers
    return f"the cluster {settings.name!r} with {count} worker{'' if count == 1 else 's'}"
