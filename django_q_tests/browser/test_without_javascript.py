"""All of it works where scripts are switched off."""

import pytest
from playwright.sync_api import expect

from django_q.models import OrmQ
from django_q_tests.browser import crawl
from django_q_tests.browser.deeds import CANCEL, Mouse, choose, confirm, list_of, page_of
from django_q_tests.browser.test_pages import lists, summaries


@pytest.fixture
def plain(visit):
    """Somebody who may do everything, in a browser that runs no script."""
    return visit("boss", java_script_enabled=False)


def test_every_page_can_be_seen(plain, scenery):
    for path in crawl.pages(plain, crawl.ROOT, *summaries(scenery), *lists()):
        assert plain.page.locator("#content h1").first.is_visible(), path


def test_a_task_can_be_canceled(plain, scenery):
    page = plain.open(list_of("ormq"))

    choose(Mouse(page), CANCEL.action, scenery.queued["later"])
    confirm(Mouse(page), CANCEL)

    expect(page.get_by_text(CANCEL.done)).to_be_visible()
    assert not OrmQ.objects.filter(pk=scenery.queued["later"]).exists()


def test_both_tracebacks_can_be_read(plain, scenery):
    page = plain.open(page_of("failure", scenery.failed["tried often"]))
    library = page.get_by_text("raw_decode").filter(visible=True)

    expect(page.get_by_text("a consequence in a line").filter(visible=True).first).to_be_visible()
    expect(library).to_have_count(0)
    page.get_by_text("Full traceback").click()
    expect(library.first).to_be_visible()


def test_the_dates_lead_through_the_history(plain, scenery):
    page = plain.open(list_of("success"))
    dates = page.get_by_role("navigation", name="By date")

    dates.get_by_role("link").first.click()

    expect(dates.locator("[aria-current]")).to_be_visible()
    expect(page.locator("#result_list tbody tr")).to_have_count(len(scenery.succeeded))
