"""``manage.py qcluster``: run a cluster until it is stopped."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from django_q.cluster import logs
from django_q.cluster.cluster import Cluster
from django_q.conf import Settings
from django_q.management import beside
from django_q.management.beside import Companion, Member, Together
from django_q.management.first_process import leave_first_place
from django_q.management.invocation import command_line
from django_q.management.options import add_cluster_options, cluster_words
from django_q.management.preconditions import require_all
from django_q.management.reloading import Reloading


class Command(BaseCommand):
    """Run a cluster in this process, which becomes its sentinel."""

    help = "Runs a cluster: it executes queued tasks until it gets SIGTERM or SIGINT; a second signal ends its grace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_cluster_options(parser)
        parser.add_argument(
            "--until-empty", "--run-once", action="store_true", help="Stop when nothing is ready any more."
        )
        parser.add_argument(
            "--reload",
            action="store_true",
            help="For development: start the cluster anew when a file of the project changes.",
        )

        for each in beside.companions():
            parser.add_argument(
                f"--{each.name}",
                action="store_true",
                help=f"Run manage.py {each.command} beside it; both end together.",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reload"] and options["until_empty"]:
            raise CommandError("--reload runs until it is stopped: leave out --until-empty, or --reload.", returncode=2)
        leave_first_place()  # before there are connections, which two processes cannot share
        settings = require_all(options["name"])
        if others := [each for each in beside.companions() if options.get(each.name)]:
            sys.exit(_together(settings, others, options).run())
        if options["reload"]:
            sys.exit(_reloading(settings, options).run())
        cluster = Cluster(
            workers=options["workers"],
            until_empty=options["until_empty"],
            log_level=options["log_level"],
            json_logs=options["json_logs"],
        )
        sys.exit(cluster.run())


def _together(settings: Settings, others: list[Companion], options: dict[str, Any]) -> Together:
    """Return what runs this command, and others, as children of this process."""
    beside.configure_logs(settings, options["log_level"], as_json=options["json_logs"])
    connections.close_all()
    words = cluster_words(options)
    switches = [f"--{name.replace('_', '-')}" for name in ("until_empty", "reload") if options[name]]
    cluster = Member("cluster", command_line("qcluster", *words, *switches, options=options))
    return Together([cluster, *(beside.member_of(each, options) for each in others)])


def _reloading(settings: Settings, options: dict[str, Any]) -> Reloading:
    """Return what runs this command, without --reload, again and again."""
    logs.configure(options["log_level"] or settings.log_level, as_json=options["json_logs"])
    connections.close_all()  # the children have their own; this process needs none any more

    def command(is_first: bool) -> list[str]:
        # This process has just made the checks that the first cluster would repeat.
        given = {**options, "skip_checks": is_first or options["skip_checks"]}
        return command_line("qcluster", *cluster_words(options), options=given)

    return Reloading(settings.name, command)
