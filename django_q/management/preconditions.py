"""What has to be there before a cluster can start; each refusal is one sentence and exit code 2."""

import os

from django.core.management.base import CommandError
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from django_q import conf
from django_q.cluster.cluster import require_a_system_that_can_run_clusters
from django_q.conf import Settings
from django_q.exceptions import ClusterError, InvalidSettings
from django_q.models.troubles import migrate_command


def require_all(name: str | None, *, anew: bool = False) -> Settings:
    """Return the settings of the cluster with this name, read ``anew`` if something was given to this process; raise
    CommandError where it could not work."""
    require_system()
    if anew:
        conf.reset()
    settings = settings_of(name)
    require_tables(settings.orm)
    return settings


def require_system() -> None:
    """Refuse to start on a system that cannot run clusters."""
    try:
        require_a_system_that_can_run_clusters()
    except ClusterError as error:
        raise CommandError(str(error), returncode=2) from error


def settings_of(name: str | None) -> Settings:
    """Return the settings under a name; children that start with an empty interpreter read it from the environment."""
    if name is not None:
        os.environ["Q_CLUSTER_NAME"] = name
        conf.reset()
    try:
        return conf.current()
    except InvalidSettings as error:
        raise CommandError(str(error), returncode=2) from error


def require_tables(alias: str, label: str = "django_q") -> None:
    """Refuse to start where the tables of an application are missing: every process would fail, one after the other."""
    try:
        executor = MigrationExecutor(connections[alias])
        targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == label]
        missing = executor.migration_plan(targets)
    except DatabaseError as error:
        raise CommandError(
            f"The database {alias!r} of Q_CLUSTER['orm'] cannot be used: {error}", returncode=2
        ) from error
    if missing:
        raise CommandError(
            f"The tables of {label} are missing in {alias!r}. Run: {migrate_command(alias)}", returncode=2
        )
