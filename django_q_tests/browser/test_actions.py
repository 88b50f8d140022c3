"""What can be done is asked first and done when it was confirmed, by mouse and by keyboard."""

import csv
import json
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import expect

from django_q.models import OrmQ, Success, Task
from django_q_tests.browser import deeds
from django_q_tests.browser.deeds import DEEDS, LISTS, Keyboard, Mouse, actions_on, choose, confirm, list_of, page_of
from django_q_tests.browser.scenery import SECRET, everything
from django_q_tests.support.clusters import PATIENCE
from django_q_tests.support.eventually import eventually


def said(value):
    return value.__name__.lower() if isinstance(value, type) else str(value)


def row_of(deed, scenery):
    return {"ormq": scenery.queued, "success": scenery.succeeded, "failure": scenery.failed}[deed.model][deed.row]


def is_done(deed, id):
    """Look at the database: has it been done?"""
    queued = OrmQ.objects.filter(pk=id).first()
    ended = Task.objects.filter(pk=id).first()
    return {
        deeds.REQUEUE: lambda: OrmQ.objects.filter(requeued_from=id).count() == 1,
        deeds.DELETE: lambda: ended is None,
        deeds.CANCEL: lambda: ended is not None and ended.reason == "canceled",
        deeds.DUPLICATE: lambda: OrmQ.objects.filter(run_after=queued.run_after).count() == 2,
        deeds.PRIORITY: lambda: queued.priority == 7,
        deeds.DELETE_QUEUED: lambda: queued is None and ended is None,
    }[deed]()


@pytest.mark.parametrize("model", LISTS)
def test_every_action_of_a_list_asks_first(boss, model):
    before, names = everything(), actions_on(boss.open(list_of(model)))

    for name in names:
        page = boss.open(list_of(model))
        choose(Mouse(page), name, page.locator("input.action-select").first.get_attribute("value"))
        assert page.get_by_role("link", name="No, take me back").is_visible(), name
        boss.audit()

    assert names
    assert everything() == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("deed", "by"),
    [*((deed, Mouse) for deed in DEEDS), *((deed, Keyboard) for deed in DEEDS if not deed.label)],
    ids=said,
)
def test_it_is_done_from_the_list(boss, scenery, deed, by):
    page = boss.open(list_of(deed.model))
    hand, id = by(page), row_of(deed, scenery)

    choose(hand, deed.action, id)
    assert not is_done(deed, id)
    confirm(hand, deed)

    expect(page.get_by_text(deed.done)).to_be_visible()
    assert is_done(deed, id)
    assert LogEntry.objects.get().object_id == id


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed.label], ids=str)
def test_it_is_done_from_the_page_of_a_task_without_a_mouse(boss, scenery, deed):
    id = row_of(deed, scenery)
    page = boss.open(page_of(deed.model, id))
    hand = Keyboard(page)

    hand.press(page.get_by_role("button", name=deed.label, exact=True))
    expect(page.get_by_role("link", name="No, take me back")).to_be_visible()
    assert not is_done(deed, id)
    confirm(hand, deed)

    expect(page.get_by_text(deed.done)).to_be_visible()
    assert is_done(deed, id)


def test_who_thinks_better_of_it_is_back_where_he_was(boss, scenery):
    here = page_of("failure", scenery.failed["timed_out"])
    page = boss.open(here)

    page.get_by_role("button", name="Requeue", exact=True).click()
    page.get_by_role("link", name="No, take me back").click()

    expect(page).to_have_url(boss.origin + here)
    assert not OrmQ.objects.filter(requeued_from=scenery.failed["timed_out"]).exists()


def test_what_cannot_be_done_is_not_offered(boss, scenery):
    """A hook is no task of its own, a claimed task keeps its priority, and one asked to stop is not asked again."""

    def offered(name):
        return boss.open(page_of("ormq", scenery.queued[name])).locator("button[name=action]").all_inner_texts()

    assert offered("later") == ["Cancel", "Duplicate", "Change priority"]
    assert offered("running") == ["Cancel", "Duplicate"]
    assert offered("stopping") == ["Duplicate"]
    assert offered("hook") == ["Change priority"]


def test_what_is_requeued_is_run_by_a_cluster(boss, scenery, cluster):
    page = boss.open(list_of("success"))

    choose(Mouse(page), "requeue_selected", scenery.succeeded["sum 3"])
    page.get_by_role("button", name="Yes, requeue").click()

    expect(page.get_by_text("Requeued: 1.")).to_be_visible()
    again = Success.objects.filter(requeued_from=scenery.succeeded["sum 3"])
    assert eventually(again.first, within=PATIENCE, saying=lambda: cluster.output).result == 4


def exported(visitor, model, kind, id, *, payloads=False):
    page = visitor.open(list_of(model))
    choose(Mouse(page), f"export_{kind}", id)
    if payloads:
        page.get_by_label("With arguments and results").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Yes, export").click()
    assert download.value.suggested_filename.endswith(f".{kind}")
    return Path(download.value.path()).read_text()


def test_rows_are_exported_as_a_table(boss, scenery):
    (line,) = csv.DictReader(exported(boss, "success", "csv", scenery.succeeded["rich"]).splitlines())

    assert line["id"] == scenery.succeeded["rich"]
    assert SECRET not in line.values() and "args" not in line


def test_rows_are_exported_as_json_with_their_payloads(boss, scenery):
    (row,) = json.loads(exported(boss, "failure", "json", scenery.failed["tried often"], payloads=True))

    assert row["id"] == scenery.failed["tried often"]
    assert SECRET in row["args"]


def test_who_may_not_see_payloads_exports_none(looker, scenery):
    text = exported(looker, "success", "json", scenery.succeeded["rich"])

    assert scenery.succeeded["rich"] in text
    assert SECRET not in text
