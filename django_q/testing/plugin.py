"""The plugin of pytest: fixtures. Importing it loads nothing of Django, since pytest does so in every project."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django_q.testing.live import RunningCluster


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "q_cluster(**settings): keys of Q_CLUSTER for the fixture q_cluster")


@pytest.fixture
def q_eager() -> Iterator[None]:
    """Let tasks run at once, in the process that enqueues them, for the length of a test."""
    with import_module("django_q.testing.eager").eager_tasks():
        yield


@pytest.fixture
def q_cluster(request: pytest.FixtureRequest, transactional_db: None) -> "Iterator[RunningCluster]":
    """Run a real cluster on the database of the test, and drain it afterwards.

    ``@pytest.mark.q_cluster(workers=1)`` replaces keys of ``Q_CLUSTER`` for it.
    """
    marker = request.node.get_closest_marker("q_cluster")
    settings = dict(marker.kwargs) if marker else {}
    run_cluster, errors = import_module("django_q.testing.live").run_cluster, import_module("django_q.exceptions")
    try:
        with run_cluster(**settings) as cluster:
            yield cluster
            sys.stdout.write(cluster.log)  # pytest shows it beside a failure
    except errors.ClusterError as error:
        pytest.fail(str(error), pytrace=False)
