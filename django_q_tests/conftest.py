"""Databases for every test, and what each run says about them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from django_q_tests.support import databases, flushing
from django_q_tests.support.own_database import OwnDatabase, Template, pointed_at
from django_q_tests.support.servers import NoServer, PrivatePostgres

# These run by `python -m django_q_tests.acceptance`, with either package.
collect_ignore = ["acceptance/shared"]
MISSING = pytest.StashKey[str]()
# Folders whose tests get the marker of the same name.
MARKED_FOLDERS = ("process", "browser")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Find or start the server before Django is set up; workers of xdist get its address by the environment."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Whoever started this in the background had it ignored, and so would be Ctrl-C in all that the tests start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    database = settings.DATABASES["default"]
    vendor = databases.vendor_of(database)
    config.stash[MISSING] = ""
    try:
        databases.require_driver(vendor) if vendor != "sqlite" else None
        url = databases.provide(vendor)
    except NoServer as reason:
        if vendor in os.environ.get("REQUIRE", "").split(","):
            raise pytest.UsageError(f"REQUIRE names {vendor}, but {reason}") from reason
        config.stash[MISSING] = f"{vendor}: {reason}"
        # Tests that want no database still run; Django must be able to load its backend.
        database.update(databases.settings_for("sqlite"))
        return
    if url:
        database.update(databases.from_url(url))
    flushing.install()
    if not hasattr(config, "workerinput"):
        databases.sweep(url)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        if folder in MARKED_FOLDERS:
            item.add_marker(getattr(pytest.mark, folder))
        if config.stash[MISSING]:
            item.add_marker(pytest.mark.skip(reason=config.stash[MISSING]))


@pytest.fixture(scope="session")
def database_template(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Template]:
    template = Template(tmp_path_factory.mktemp("template"))
    yield template
    template.drop()


@pytest.fixture
def own_database(
    request: pytest.FixtureRequest, tmp_path: Path, database_template: Template, django_db_blocker
) -> Iterator[OwnDatabase]:
    """A database for this test and for the processes that it starts (see OwnDatabase)."""
    if request.node.get_closest_marker("django_db"):
        raise pytest.UsageError("own_database is a database already: do not mark the test with django_db")
    with django_db_blocker.unblock():
        database = database_template.copy(tmp_path)
        try:
            with pointed_at(database.name):
                yield database
        finally:
            database.drop()


@pytest.fixture
def private_postgres() -> Iterator[PrivatePostgres]:
    """A running PostgreSQL server that the test may stop and start again."""
    try:
        server = PrivatePostgres()
    except NoServer as reason:
        pytest.skip(str(reason))
    try:
        server.start()
        yield server
    finally:
        server.remove()
