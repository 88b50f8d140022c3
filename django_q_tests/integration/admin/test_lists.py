"""The lists: what they show, and in how many queries."""

import json
import re

import pytest
from django.db import connection
from django.urls import reverse

from django_q.admin import paginator
from django_q.kernel.states import TaskState
from django_q.models.dialects.base import Later
from django_q.tasks import async_task
from django_q_tests.support import factories
from django_q_tests.support.admin import LISTS, act, claim, detail, fail, page, statements, succeed, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", LISTS)
def test_an_empty_list_can_be_seen(boss, model):
    assert page(boss, model).status_code == 200


def test_each_list_shows_its_own_tasks(boss):
    succeed(1, 2, task_name="good one")
    fail("django_q_tests.support.jobs.fail", "broken pipe", task_name="bad one")

    good, bad = text_of(page(boss, "success")), text_of(page(boss, "failure"))

    assert "good one" in good and "bad one" not in good
    assert "bad one" in bad and "good one" not in bad and "ValueError: broken pipe" in bad


def test_a_canceled_task_is_told_from_a_failed_one(boss):
    fail(task_name="broke")
    canceled = async_task("math.copysign", 1, 2, task_name="unwanted")
    act(boss, "ormq", "cancel_selected", [canceled])

    reasons = re.findall(r'django-q-badge django-q-(\w+)">(\w+)<', text_of(page(boss, "failure")))
    only = text_of(page(boss, "failure", "?reason__exact=canceled"))

    assert sorted(reasons) == [("bad", "error"), ("quiet", "canceled")]
    assert "unwanted" in only and "broke" not in only
    assert "Canceled before it started." in text_of(detail(boss, "failure", canceled))


# Session, user, what the filters offer, count, page, and the first and the last for the navigation by dates.
@pytest.mark.parametrize(("model", "queries"), [("success", 7), ("failure", 7)])
def test_a_list_of_the_history_needs_as_many_queries_for_many_rows_as_for_two(
    boss, model, queries, django_assert_num_queries
):
    for _ in range(2):
        succeed(1, 2), fail()
    few = len(statements(boss, reverse(f"admin:django_q_{model}_changelist")))
    for _ in range(8):
        succeed(1, 2), fail()

    with django_assert_num_queries(queries):
        page(boss, model)
    assert few == queries


def test_the_queue_needs_as_many_queries_for_many_rows_as_for_two(boss, django_assert_num_queries):
    owner = factories.register(name="web", host="here")
    for _ in range(12):
        factories.put(1)
    claim(owner, 6)

    # Session, user, what the filters offer, clusters that live, count, page, clusters that hold rows, why they wait,
    # how far those are that run, and which queues hold rows that no cluster serves: one statement for all names, or one
    # each.
    with django_assert_num_queries(12 if connection.vendor == "mysql" else 11):
        response = page(boss, "ormq")

    assert len(re.findall(r'field-held_by[^>]*"><a [^>]*>web on here', text_of(response))) == 6


@pytest.mark.parametrize("model", ["success", "failure", "ormq"])
def test_a_list_neither_loads_nor_decodes_payloads(boss, model, monkeypatch):
    succeed(1, 2), fail(), async_task("operator.add", 1, 2)
    monkeypatch.setattr("django_q.kernel.codec.Codec.decode", lambda *args, **kwargs: pytest.fail("decoded"))

    read = "\n".join(statements(boss, reverse(f"admin:django_q_{model}_changelist")))

    for column in ("args", "kwargs", "result"):
        assert f'{column}"' not in read and f"{column}`" not in read


@pytest.mark.parametrize("model", ["success", "failure", "ormq"])
def test_what_is_counted_has_an_end(boss, model, monkeypatch):
    monkeypatch.setattr(paginator, "MOST", 3)
    for _ in range(5):
        succeed(1, 2), fail(), async_task("operator.add", 1, 2)

    url = reverse(f"admin:django_q_{model}_changelist")
    counts = [sql for sql in statements(boss, url) if "COUNT(" in sql]

    assert "LIMIT 4" in counts[0]
    assert all("LIMIT" in sql for sql in counts)
    assert "3+ " in text_of(boss.get(url))


def test_the_history_is_sorted_by_what_its_index_holds(boss):
    succeed(1, 2)

    read = [sql for sql in statements(boss, reverse("admin:django_q_success_changelist")) if "ORDER BY" in sql]
    offered, count, rows, first, last = read

    assert "ORDER BY 1 DESC LIMIT" in count
    assert re.search(r"ORDER BY \S+stopped\W? DESC( LIMIT \d+)?$", rows)
    assert re.search(r"ORDER BY \S+ DESC LIMIT 1000$", offered)
    assert re.search(r"ORDER BY \S+ ASC LIMIT 1$", first) and re.search(r"ORDER BY \S+ DESC LIMIT 1$", last)


def test_filters_ask_for_no_distinct_values(boss):
    succeed(1, 2), fail(), async_task("operator.add", 1, 2)

    for model in LISTS:
        assert not any("DISTINCT" in sql for sql in statements(boss, reverse(f"admin:django_q_{model}_changelist")))


def test_a_hook_is_told_from_a_task_and_its_page_leads_to_its_task(boss):
    task = succeed(1, 2)
    hook = factories.put(task, kind=1, func="app.hooks.tell", options=json.dumps({"task": task}))

    listed = text_of(page(boss, "ormq", "?kind__exact=1"))

    assert 'field-kind">hook' in listed
    assert reverse("admin:django_q_success_change", args=[task]) in text_of(detail(boss, "ormq", hook))


def test_a_deferred_task_shows_when_it_is_due(boss):
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(3600))

    assert "deferred" in text_of(page(boss, "ormq"))
