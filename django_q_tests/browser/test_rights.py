"""Who may only look is offered no deed and no payload, and is refused what he posts by hand."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

from django_q.models import Failure, Incarnation, OrmQ, Success
from django_q_tests.browser import crawl
from django_q_tests.browser.deeds import actions_on, list_of, page_of
from django_q_tests.browser.scenery import SECRET, everything
from django_q_tests.browser.test_pages import rows, summaries

READING = {"export_csv", "export_json"}


def test_who_may_only_look_is_offered_no_deed_no_payload_and_no_closed_page(looker, scenery):
    audited, found = set(), set()

    for path in crawl.pages(looker, crawl.ROOT, *summaries(scenery), *rows(scenery)):
        page, kind = looker.page, crawl.kind_of(path)
        forms = page.locator("#content form[method=post i]:not(#changelist-form)")
        assert forms.locator("button, input[type=submit]").count() == 0, path
        assert set(actions_on(page)) <= READING, path
        assert SECRET not in page.content(), path
        if kind not in audited:
            looker.audit("light")
        audited.add(kind)
        found.update(crawl.links(looker))

    assert crawl.rotten(looker, found) == []


def test_payloads_are_shown_to_those_who_may_see_them(boss, scenery):
    assert SECRET in boss.open(page_of("success", scenery.succeeded["rich"])).content()
    assert SECRET in boss.open(page_of("ormq", scenery.queued["later"])).content()


@pytest.mark.parametrize("model", [Success, Failure, OrmQ, Incarnation])
def test_what_is_posted_by_hand_does_nothing(looker, scenery, model):
    made = {Success: scenery.succeeded, Failure: scenery.failed, OrmQ: scenery.queued, Incarnation: scenery.clusters}
    id, name = next(reversed(made[model].values())), model._meta.model_name
    deeds = set(admin.site.get_model_admin(model).actions) - READING
    looker.open(list_of("success"))
    before = everything()

    answers = {
        deed: looker.post(list_of(name), action=deed, _selected_action=id, post="yes", priority="7") for deed in deeds
    }
    answers["delete"] = looker.post(reverse(f"admin:django_q_{name}_delete", args=[id]), post="yes")
    answers["change"] = looker.post(page_of(name, id), name="another")

    assert set(answers.values()) == {403}, answers
    assert everything() == before
    assert not LogEntry.objects.exists()
    assert not Incarnation.objects.exclude(stop_requested_at=None).exists()


def test_who_has_no_right_sees_no_page(visit, scenery):
    User.objects.create_user("stranger", is_staff=True)
    stranger = visit("stranger")

    answers = {
        path: stranger.context.request.get(path, max_redirects=0).status
        for path in (
            *summaries(scenery),
            *rows(scenery),
            *map(list_of, ("success", "failure", "ormq", "incarnation", "schedule")),
        )
    }

    assert set(answers.values()) == {403}, answers
