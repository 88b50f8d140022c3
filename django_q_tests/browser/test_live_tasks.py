"""A live task in a browser: from its first word to its last, on both servers, whatever happens in between."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from django_q.contrib.publish.models import PublishedTask
from django_q_tests.support.asgi_servers import AsgiServer
from django_q_tests.support.browser import callers

ITEMS = 30


@pytest.fixture
def server(request, own_database, tmp_path):
    one = AsgiServer(request.param, own_database, tmp_path / "server.log").start()
    yield one
    one.kill()


@pytest.fixture
def come(browser, server):
    with callers(browser, server.address) as come:
        yield come


@pytest.fixture
def drill(drill):
    """A cluster whose task rests until the test goes on."""
    drill.start(env={"DJANGO_SETTINGS_MODULE": "django_q_tests.settings.live"}, workers=1)
    return drill


@pytest.mark.parametrize("server", ["daphne", "uvicorn"], indirect=True)
def test_the_page_of_the_text_shows_all_to_whoever_comes_before_during_or_after(come, server, drill):
    user = User.objects.create_user("ada")
    before, during, after = come(user), come(user), come(user)
    before.open("/")
    expect(before.page.locator("ptig-task")).to_have_count(1)

    drill.ids.append(before.page.evaluate("fetch('/start/').then((answer) => answer.json())")["ret"])
    allow(drill, 9)
    see(before.page, 10)
    expect(before.page.get_by_text("Finish")).to_be_hidden()
    during.open("/")
    see(during.page, 10)

    server.kill()
    for visitor in (before, during):
        expect(visitor.page.locator("ptig-task")).to_have_attribute("data-state", "away")
        expect(visitor.page.get_by_text("The connection is lost")).to_be_visible()
    allow(drill, 19)
    server.start()
    for visitor in (before, during):
        see(visitor.page, 20)
    before.audit("light")

    allow(drill, ITEMS)
    after_end = [before, during, after]
    for visitor in after_end[:2]:
        see(visitor.page, ITEMS)
    drill.finish()
    after.open("/")
    for visitor in after_end:
        see(visitor.page, ITEMS)
        expect(visitor.page.get_by_text("Finish")).to_be_visible()
        expect(visitor.page.get_by_text("The connection is lost")).to_be_hidden()
        visitor.complaints[:] = [each for each in visitor.complaints if "WebSocket" not in each]
    assert PublishedTask.objects.get().owner == str(user.pk)


@pytest.mark.parametrize("server", ["uvicorn"], indirect=True)
def test_others_may_not_watch_and_the_tag_starts_the_task(come, drill):
    ada, ben = (come(User.objects.create_user(name)) for name in ("ada", "ben"))
    allow(drill, ITEMS)

    ada.open("/tag/")
    see(ada.page, ITEMS, "q-task")
    ben.open("/")

    expect(ben.page.get_by_text("You may not watch this task.").first).to_be_visible()
    ben.audit("light")
    assert any("PUBLISH['anyone'] = ['demo']" in each for each in ben.complaints)
    ben.complaints.clear()


def allow(drill, rests: int) -> None:
    """Let the task rest so often, and then be held up."""
    (drill.folder / "allowed").write_text(str(rests))


def see(page: Page, count: int, element: str = "ptig-task") -> None:
    """See so many items, in their order, each once."""
    items = page.locator(f"{element} ul.data > li")
    expect(items).to_have_text([f"item {number}" for number in range(count)])
