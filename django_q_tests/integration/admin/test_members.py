"""The pages of groups and chains: how far they are, who belongs to them, and what they cost."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_q import conf
from django_q.admin import members
from django_q.brokers.orm import OrmBroker
from django_q.kernel import ids
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import OrmQ, Task
from django_q.models.dialects.base import Later
from django_q.tasks import async_task, progress
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db

CHAIN = "c" * 32


def login(client, *models):
    user = User.objects.create_user("visitor", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"view_{model}" for model in models]))
    client.force_login(user)
    return client


def ended(*, count=1, reason=None, at=0.0, **columns):
    """Record tasks that ended so many seconds ago."""
    stopped = timezone.now() - timedelta(seconds=at)
    fields = {"func": "math.copysign", "success": reason is None, "reason": reason, "attempt_count": 1, **columns}
    moments = {"enqueued_at": stopped - timedelta(seconds=9), "started": stopped - timedelta(seconds=1)}
    rows = [Task(**{"id": ids.new_id(), "name": "done", **moments, "stopped": stopped, **fields}) for _ in range(count)]
    return [row.pk for row in Task.objects.bulk_create(rows)]


def page(client, kind, name, status=200):
    response = client.get(reverse(f"admin:django_q_{kind}", args=[name]))
    assert response.status_code == status
    return response.content.decode()


def counts(shown):
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown))


def bar(shown):
    return re.search(r'<progress value="(\d+)" max="(\d+)"', shown).groups()


def names(shown):
    table = shown[shown.index('<table class="django-q-table">') :]
    return [re.sub(r"<[^>]+>", "", name) for name in re.findall(r'<th scope="row">(.*?)</th>', table)]


# --- groups ----------------------------------------------------------------------------------------------------------


def test_a_group_shows_how_far_it_is_and_how_its_members_stand(boss):
    owner = factories.register()
    factories.put_many([(1,), (2,)], group="g")
    OrmBroker().claim(1, queues=["default"], incarnation=owner, generation=1)
    factories.put(1, group="g", state=TaskState.DEFERRED, run_after=Later(60))
    ended(count=3, group="g"), ended(group="g", reason="error"), ended(count=2, group="g", reason="timeout")
    factories.put(1, group="other"), ended(group="other")

    shown = page(boss, "group", "g")

    assert "6 of 9 have ended" in shown and bar(shown) == ("6", "9")
    assert counts(shown) == {
        "ready": "1",
        "claimed": "1",
        "deferred": "1",
        "succeeded": "3",
        "failed with an error": "1",
        "timed out": "2",
    }


def test_what_runs_is_told_from_what_is_only_claimed(boss):
    owner = factories.register()
    factories.put_many([(1,), (2,)], group="g")
    first, _ = OrmBroker().claim(2, queues=["default"], incarnation=owner, generation=1)
    OrmQ.objects.mark_running([(first.envelope.id, first.envelope.token)])

    assert counts(page(boss, "group", "g")) == {"claimed": "1", "running": "1"}


def test_hooks_are_no_members(boss):
    factories.put(1, group="g", kind=TaskKind.HOOK), ended(group="g")

    assert bar(page(boss, "group", "g")) == ("1", "1")


def test_each_member_leads_to_its_own_page(boss):
    queued = factories.put(1, group="g")
    (good,), (bad,) = ended(group="g"), ended(group="g", reason="lost")

    shown = page(boss, "group", "g")

    for model, pk in (("ormq", queued), ("success", good), ("failure", bad)):
        assert f'href="{reverse(f"admin:django_q_{model}_change", args=[pk])}"' in shown


def test_a_group_tells_when_its_first_was_enqueued_and_its_last_ended(boss):
    ended(group="g", at=100), ended(group="g", at=50)
    first = Task.objects.earliest("enqueued_at").enqueued_at
    last = Task.objects.latest("stopped").stopped

    shown = page(boss, "group", "g")

    assert f"First enqueued: {first:%Y-%m-%d %H:%M:%S}; last ended: {last:%Y-%m-%d %H:%M:%S}" in shown


@pytest.mark.parametrize("name", ["nightly", "a/b", "..", "50 % off?", "<b>", "größe_1_", "_5f_", "#&;=+", "a\nb"])
def test_a_group_may_have_any_name(boss, name):
    async_task("operator.add", 1, 2, sync=True, group=name)

    assert bar(page(boss, "group", name)) == ("1", "1")


def test_what_has_no_members_is_not_found_and_the_page_says_so(boss):
    shown = page(boss, "group", "<nobody>", status=404)

    assert "No task is in the group &#x27;&lt;nobody&gt;&#x27;." in shown
    assert "No task is in the chain" in page(boss, "chain", "x", status=404)


def test_a_large_group_lists_its_first_members_and_says_how_many_more_there_are(boss, monkeypatch):
    monkeypatch.setattr(members, "SHOWN", 4)
    factories.put_many([(1,), (2,)], group="g"), ended(count=5, group="g")

    shown = page(boss, "group", "g")

    assert len(names(shown)) == 4 and "and 3 more" in shown


def test_the_ends_of_a_very_large_group_are_told_of_its_first_members_and_the_page_says_so(boss, monkeypatch):
    monkeypatch.setattr(progress, "MOST_TOLD", 3)
    ended(count=5, group="g")

    shown = page(boss, "group", "g")

    assert bar(shown) == ("5", "5") and counts(shown) == {"succeeded": "3"}
    assert "How they ended is told of the first 3 only." in shown


def test_counting_has_an_end_and_then_there_is_no_bar(boss, monkeypatch):
    monkeypatch.setattr(progress, "MOST", 3)
    ended(count=5, group="g")

    shown = page(boss, "group", "g")

    assert "3+ have ended. There are more members than are counted here." in shown
    assert "<progress" not in shown


def test_members_are_looked_for_among_the_newest_rows_of_the_queue(boss, monkeypatch):
    monkeypatch.setattr(progress, "WINDOW", 2)
    factories.put(1, group="g", name="far behind"), factories.put(1), factories.put(1, group="g", name="found")

    assert names(page(boss, "group", "g")) == ["found"]


# --- chains ----------------------------------------------------------------------------------------------------------


def test_a_chain_shows_its_steps_in_their_order(boss):
    ended(chain=CHAIN, name="first", at=20), ended(chain=CHAIN, name="second", at=10)
    last, third, fourth = sorted(ids.new_id() for _ in range(3))  # the order of keys is not that of the steps
    factories.put(1, id=last, name="fifth", chain=CHAIN, state=TaskState.WAITING, waits_for=fourth)
    factories.put(1, id=fourth, name="fourth", chain=CHAIN, state=TaskState.WAITING, waits_for=third)
    factories.put(1, id=third, name="third", chain=CHAIN)

    shown = page(boss, "chain", CHAIN)

    assert names(shown) == ["first", "second", "third", "fourth", "fifth"]
    assert bar(shown) == ("2", "5")
    assert counts(shown) == {"ready": "1", "waiting for a step before": "2", "succeeded": "2"}


def test_a_chain_that_broke_shows_what_was_canceled(boss):
    ended(chain=CHAIN, name="first", at=20, reason="error", error="ValueError: no")
    ended(chain=CHAIN, name="second", at=10, reason="canceled")

    shown = page(boss, "chain", CHAIN)

    assert counts(shown) == {"failed with an error": "1", "canceled": "1"}
    assert names(shown) == ["first", "second"] and "ValueError: no" in shown


def test_steps_that_wait_for_each_other_in_a_circle_break_no_page(boss):
    one, two = ids.new_id(), ids.new_id()
    factories.put(1, id=one, chain=CHAIN, state=TaskState.WAITING, waits_for=two)
    factories.put(1, id=two, chain=CHAIN, state=TaskState.WAITING, waits_for=one)

    shown = page(boss, "chain", CHAIN)

    assert bar(shown) == ("0", "2") and len(names(shown)) == 2


# --- who sees what, and what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "seen"),
    [("ormq", {"ready": "1"}), ("success", {"succeeded": "2"}), ("failure", {"timed out": "3"})],
)
def test_each_sees_what_he_may_see_and_is_told_that_there_may_be_more(client, model, seen):
    factories.put(1, group="g"), ended(count=2, group="g"), ended(count=3, group="g", reason="timeout")

    shown = page(login(client, model), "group", "g")

    assert counts(shown) == seen
    assert "Only what you have the right to see is counted." in shown


def test_a_group_of_which_he_may_see_nothing_is_not_found(client):
    ended(group="g")

    page(login(client, "ormq"), "group", "g", status=404)


def test_who_may_see_no_tasks_is_shut_out(client):
    page(login(client, "incarnation"), "group", "g", status=403)


@pytest.mark.parametrize("kind", ["group", "chain"])
def test_a_page_needs_as_many_queries_for_many_members_as_for_one_of_each_and_reads_no_payload(boss, kind):
    def queries():
        with CaptureQueriesContext(connections[conf.current().orm]) as captured:
            page(boss, kind, CHAIN)
        return [query["sql"] for query in captured]

    column = {kind: CHAIN}
    factories.put(1, **column), ended(**column), ended(reason="error", **column)
    few = queries()
    factories.put_many([(number,) for number in range(20)], **column), ended(count=150, **column)
    many = queries()

    # Session, user; edge of the queue, members and rows; the same of the history: number, ends, keys, rows.
    assert len(few) == len(many) == 9
    for sql in many:
        assert "LIMIT" in sql or " IN (" in sql, sql
        assert not re.search(r"\bargs\W|kwargs|\bresult\b|traceback", sql), sql


def test_a_script_is_text_wherever_it_stands(boss):
    script = "<script>alert(1)</script>"
    factories.put(1, name=script, func=script, group=script), ended(group=script, reason="error", error=script)

    shown = page(boss, "group", script)

    assert script not in shown and "style=" not in shown
