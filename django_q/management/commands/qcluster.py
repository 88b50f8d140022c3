"""``manage.py qcluster``: run a cluster until it is stopped."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from django_q import conf
from django_q.cluster.cluster import Cluster, require_a_system_that_can_run_clusters
from django_q.conf import LEVELS
from django_q.exceptions import ClusterError, InvalidSettings


class Command(BaseCommand):
    """Run a cluster in this process, which becomes its sentinel."""

    help = "Runs a cluster: it executes queued tasks until it gets SIGTERM or SIGINT; a second signal ends its grace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-n", "--name", help="Name of the cluster and of the queue it serves.")
        parser.add_argument(
            "-w", "--workers", type=_at_least_one, help="Worker processes; default: one for each usable CPU."
        )
        parser.add_argument("--until-empty", action="store_true", help="Stop when nothing is ready any more.")
        parser.add_argument("--log-level", choices=LEVELS, type=str.upper, help="Level of the logger 'django_q'.")
        parser.add_argument("--json-logs", action="store_true", help="Log one JSON object a line.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            require_a_system_that_can_run_clusters()
        except ClusterError as error:
            raise CommandError(str(error), returncode=2) from error
        settings = _settings(options["name"])
        _require_tables(settings.orm)
        cluster = Cluster(
            workers=options["workers"],
            until_empty=options["until_empty"],
            log_level=options["log_level"],
            json_logs=options["json_logs"],
        )
        sys.exit(cluster.run())


def _at_least_one(text: str) -> int:
    """Read a number of workers."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of workers; write 1 or more")
    return int(text)


def _settings(name: str | None) -> conf.Conf:
    """Return the settings under a name; children that start with an empty interpreter read it from the environment."""
    if name is not None:
        os.environ["Q_CLUSTER_NAME"] = name
        conf.reset()
    try:
        return conf.current()
    except InvalidSettings as error:
        raise CommandError(str(error), returncode=2) from error


def _require_tables(alias: str) -> None:
    """Refuse to start where the tables are missing: every process would fail, one after the other."""
    try:
        executor = MigrationExecutor(connections[alias])
        targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "django_q"]
        missing = executor.migration_plan(targets)
    except DatabaseError as error:
        raise CommandError(
            f"The database {alias!r} of Q_CLUSTER['orm'] cannot be used: {error}", returncode=2
        ) from error
    if missing:
        option = "" if alias == "default" else f" --database {alias}"
        raise CommandError(
            f"The tables of django_q are missing in {alias!r}. Run: manage.py migrate{option}", returncode=2
        )
