"""A browser for all tests of this folder, a site with one of everything, and those who visit it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, sync_playwright

from django_q_tests.browser.scenery import Scenery
from django_q_tests.support.browser import NoBrowser, Visitor, callers, find_chromium, launch, served
from django_q_tests.support.clusters import ClusterProcess, Drill
from django_q_tests.support.own_database import OwnDatabase


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        path = find_chromium()
    except NoBrowser as reason:
        if "chromium" in os.environ.get("REQUIRE", "").split(","):
            pytest.fail(f"REQUIRE names chromium, but {reason}")
        pytest.skip(f"chromium: {reason}")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs a loop in the thread of the tests, which makes Django think that they are coroutines.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def origin() -> Iterator[str]:
    """The address of the test project."""
    with served(list(settings.MIDDLEWARE)) as address:
        yield address


@pytest.fixture
def scenery(own_database: OwnDatabase) -> Scenery:
    """One of everything, in a database that other processes can share."""
    return Scenery.build()


@pytest.fixture
def visit(browser: Browser, origin: str, scenery: Scenery) -> Iterator[Callable[..., Visitor]]:
    """Let somebody come: a user by his name. What he complains of fails the test."""
    with callers(browser, origin) as come:
        yield lambda name="", **options: come(User.objects.get(username=name) if name else None, **options)


@pytest.fixture
def guest(browser: Browser, origin: str, own_database: OwnDatabase) -> Iterator[Callable[..., Visitor]]:
    """Let somebody come to a site without the scenery."""
    with callers(browser, origin) as come:
        yield come


@pytest.fixture
def drill(own_database: OwnDatabase, tmp_path: Path) -> Iterator[Drill]:
    """Real clusters beside a site without the scenery; the test calls ``finish()`` to have them judged."""
    one = Drill(own_database, tmp_path)
    try:
        yield one
    finally:
        one.clean_up()


@pytest.fixture
def boss(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody who may do everything."""
    return visit("boss")


@pytest.fixture
def looker(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody who may look at everything but at payloads."""
    return visit("looker")


@pytest.fixture
def cluster(own_database: OwnDatabase, tmp_path: Path) -> Iterator[ClusterProcess]:
    """A real cluster beside the site."""
    one = ClusterProcess(own_database, tmp_path / "cluster.log", env={}, workers=1, poll=0.2)
    yield one.until_complete()
    one.stop()
    one.kill_everything()
