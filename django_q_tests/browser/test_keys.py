"""The keys of the lists: each does what the help says, and nothing while somebody types."""

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import expect

from django_q.models import OrmQ
from django_q_tests.browser.deeds import REQUEUE, Keyboard, confirm, list_of, page_of


@pytest.fixture
def failures(boss):
    return boss.open(list_of("failure"))


def rows_of(page):
    return page.locator("#result_list tbody tr")


def test_slash_goes_to_the_search_where_keys_are_letters(failures):
    failures.keyboard.press("/")
    failures.keyboard.type("jkxor?/")

    expect(failures.locator("#searchbar")).to_be_focused()
    expect(failures.locator("#searchbar")).to_have_value("jkxor?/")
    expect(failures.get_by_role("dialog")).to_be_hidden()
    expect(failures.locator("input.action-select:checked")).to_have_count(0)


def test_j_and_k_move_through_the_rows(failures):
    rows = rows_of(failures)

    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        failures.keyboard.press(key)
        expect(rows.nth(place).get_by_role("link").first).to_be_focused()


def test_x_selects_the_row_and_says_so(failures):
    box = rows_of(failures).nth(1).get_by_role("checkbox")
    failures.keyboard.type("jj")

    failures.keyboard.press("x")
    expect(box).to_be_checked()
    expect(failures.get_by_role("status")).to_contain_text(": selected")

    failures.keyboard.press("x")
    expect(box).not_to_be_checked()
    expect(failures.get_by_role("status")).to_contain_text(": not selected")


@pytest.mark.parametrize("key", ["o", "Enter"])
def test_the_row_is_opened(boss, failures, scenery, key):
    failures.keyboard.press("j")
    failures.keyboard.press(key)

    expect(failures).to_have_url(boss.origin + page_of("failure", scenery.failed["tried often"]))


def test_r_requeues_the_row_when_it_was_confirmed(failures, scenery):
    failures.keyboard.type("jr")
    expect(failures.get_by_role("link", name="No, take me back")).to_be_visible()
    confirm(Keyboard(failures), REQUEUE)

    expect(failures.get_by_text(REQUEUE.done)).to_be_visible()
    assert OrmQ.objects.filter(requeued_from=scenery.failed["tried often"]).exists()


def test_r_cancels_what_was_selected_in_the_queue(boss, scenery):
    page = boss.open(list_of("ormq"))

    page.keyboard.type("jxjjxr")

    expect(page.get_by_role("button", name="Yes, cancel them")).to_be_visible()
    expect(page.locator("#content li")).to_have_count(2)


def test_r_does_nothing_for_who_may_only_look(looker, scenery):
    page = looker.open(list_of("failure"))

    page.keyboard.type("jr")

    expect(rows_of(page).first.get_by_role("link").first).to_be_focused()
    assert not LogEntry.objects.exists()


def test_the_help_opens_and_closes(boss, failures):
    link = rows_of(failures).nth(0).get_by_role("link").first
    help = failures.get_by_role("dialog", name="Keys")
    failures.keyboard.press("j")

    failures.keyboard.press("?")
    expect(help).to_be_visible()
    boss.audit()
    failures.keyboard.press("j")
    failures.keyboard.press("Escape")

    expect(help).to_be_hidden()
    expect(link).to_be_focused()

    failures.keyboard.press("?")
    expect(help).to_be_visible()
    failures.keyboard.press("Enter")
    expect(help).to_be_hidden()
