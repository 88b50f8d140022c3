"""Every test of a real cluster ends with the same questions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_q_tests.support.clusters import Drill
from django_q_tests.support.own_database import OwnDatabase

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def drill(request: pytest.FixtureRequest, own_database: OwnDatabase, tmp_path: Path) -> Iterator[Drill]:
    """Clusters that may be hurt; when the test is over, nothing may be lost, doubled, stuck or left behind."""
    one = Drill(own_database, tmp_path)
    try:
        yield one
        if not request.node.stash.get(FAILED, True):
            one.finish()
    finally:
        one.clean_up()
