"""The filters of the lists, their choices and their counts: whatever they cost has an end."""

import re
from datetime import timedelta

import pytest
from django.utils.html import strip_tags

from django_q.admin import filters, search
from django_q.kernel.states import TaskState
from django_q.models import Task
from django_q.tasks import async_task
from django_q_tests.support import factories
from django_q_tests.support.admin import claim, detail, fail, page, statements, succeed, text_of

pytestmark = pytest.mark.django_db


def choices(response, title):
    """Return what a filter offers, by its title."""
    found = re.search(rf'<details data-filter-title="{title}" open>(.*?)</details>', text_of(response), re.DOTALL)
    return [strip_tags(each).strip() for each in re.findall(r"<li.*?</li>", found[1], re.DOTALL)] if found else []


def names(response):
    return re.findall(r'field-name"><a [^>]*>(.*?)</a>', text_of(response))


@pytest.fixture
def week():
    """Tasks of two functions, groups, queues and clusters."""
    for number in range(3):
        succeed(1, 2, task_name=f"sum {number}", group="sums", cluster="math")
    succeed(-1, func="operator.neg", task_name="minus")
    Task.objects.filter(name="minus").update(cluster="night")


@pytest.mark.parametrize(
    ("title", "offered", "query", "found"),
    [
        ("function", ["All", "operator.add", "operator.neg"], "?func=operator.neg", ["minus"]),
        ("group", ["All", "sums"], "?group=sums", ["sum 2", "sum 1", "sum 0"]),
        ("queue", ["All", "default", "math"], "?queue=default", ["minus"]),
        ("cluster", ["All", "default", "night"], "?cluster=night", ["minus"]),
    ],
)
def test_the_history_can_be_narrowed_by(boss, week, title, offered, query, found):
    assert set(choices(page(boss, "success"), title)) >= set(offered) - {"default"}
    assert names(page(boss, "success", query)) == found


def test_a_chosen_value_is_offered_whether_the_newest_have_it_or_not(boss, week):
    assert "operator.gone" in choices(page(boss, "success", "?func=operator.gone"), "function")


def test_only_the_newest_rows_are_asked_what_there_is(boss, week, monkeypatch):
    monkeypatch.setattr(filters, "LATELY", 1)

    assert choices(page(boss, "success"), "function") == ["All", "operator.neg"]


def test_what_no_index_leads_to_is_looked_for_among_the_newest_and_the_page_says_so(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 2)
    for number in range(4):
        succeed(1, 2, task_name=f"sum {number}", group="sums")

    by_function = page(boss, "success", "?func=operator.add")
    by_group = page(boss, "success", "?group=sums")

    assert names(by_function) == ["sum 3", "sum 2"]
    assert "Only the newest 2 were looked at. Choose a date to look at older ones." in text_of(by_function)
    assert len(names(by_group)) == 4 and "were looked at" not in text_of(by_group)
    # Together with what an index leads to, all are looked at.
    assert len(names(page(boss, "success", "?func=operator.add&group=sums"))) == 4


def test_a_large_group_is_looked_for_among_the_newest_too(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 2)
    monkeypatch.setattr(search, "FEW", 3)
    for number in range(4):
        succeed(1, 2, task_name=f"sum {number}", group="sums")

    assert names(page(boss, "success", "?group=sums")) == names(page(boss, "success", "?q=sums")) == ["sum 3", "sum 2"]


def test_a_date_leads_to_rows_that_are_not_among_the_newest_of_all(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 2)
    for year in range(2020, 2025):
        old = succeed(1, 2, task_name=f"sum {year}")
        Task.objects.filter(pk=old).update(stopped=f"{year}-06-01T00:00:00Z")

    assert names(page(boss, "success", "?func=operator.add")) == ["sum 2024", "sum 2023"]
    assert names(page(boss, "success", "?func=operator.add&stopped__lt=2022-01-01")) == ["sum 2021", "sum 2020"]
    assert names(page(boss, "success", "?q=sum 20&stopped__lt=2022-01-01")) == ["sum 2021", "sum 2020"]


def test_a_condition_that_was_written_by_hand_is_looked_for_among_the_newest(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 2)
    for number in range(4):
        succeed(1, 2, task_name=f"sum {number}")

    assert names(page(boss, "success", "?priority__gte=0")) == ["sum 3", "sum 2"]


def test_reasons_are_told_apart(boss):
    fail(task_name="broke")

    assert choices(page(boss, "failure"), "reason") == ["All", "error", "timeout", "lost", "canceled", "stopped"]
    assert names(page(boss, "failure", "?reason__exact=error")) == ["broke"]
    assert names(page(boss, "failure", "?reason__exact=lost")) == []


def test_the_queue_is_narrowed_by_state_kind_queue_and_cluster_however_long_it_is(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 1)
    owner = factories.register(name="web", host="here")
    factories.put(name="running", priority=9)
    claim(owner)
    factories.put(name="peas", queue="kitchen", group="food")
    async_task("math.copysign", 1, 2, task_name="later", run_after=timedelta(minutes=1))
    factories.put(name="newest")

    # Each is older than the newest row; an index leads to it.
    assert names(page(boss, "ormq", f"?state__exact={TaskState.CLAIMED.value}")) == ["running"]
    assert names(page(boss, "ormq", f"?claimed_by={owner}")) == ["running"]
    assert names(page(boss, "ormq", "?queue=kitchen")) == ["peas"]
    assert names(page(boss, "ormq", "?queue=kitchen&group=food&kind__exact=0")) == ["peas"]
    assert names(page(boss, "ormq", "?group=food")) == []
    assert choices(page(boss, "ormq"), "held by") == ["All", "web on here (1)"]
    assert "kitchen" in choices(page(boss, "ormq"), "queue")


@pytest.mark.parametrize("query", ["?state__exact=ready", "?queue=%00", "?kind__exact=", "?func=%00&q=%00"])
def test_what_no_column_can_hold_is_refused_kindly(boss, query):
    assert page(boss, "ormq", query, follow=True).status_code == 200


# --- counts ----------------------------------------------------------------------------------------------------------


def test_counts_are_shown_when_they_are_asked_for(boss, week):
    plain, counted = page(boss, "success"), page(boss, "success", "?_facets=True")

    assert "Show counts" in text_of(plain) and "Hide counts" in text_of(counted)
    assert choices(plain, "group") == ["All", "sums"]
    assert choices(counted, "group") == ["All", "sums (3)"]
    assert choices(counted, "function") == ["All", "operator.add (3)", "operator.neg (1)"]
    assert choices(counted, "stopped")[:3] == ["Any date (4)", "Today (4)", "Past 7 days (4)"]
    assert "The counts beside the filters are of the newest 5,000 that match." in text_of(counted)


def test_a_count_leaves_its_own_filter_out_and_the_others_in(boss, week):
    counted = page(boss, "success", "?_facets=True&func=operator.add")

    assert choices(counted, "function") == ["All", "operator.add (3)", "operator.neg (1)"]
    assert choices(counted, "queue") == ["All", "default (0)", "math (3)"]
    assert names(counted) == ["sum 2", "sum 1", "sum 0"]


def test_counts_are_of_the_newest_only(boss, week, monkeypatch):
    monkeypatch.setattr(filters, "COUNTED", 2)

    assert choices(page(boss, "success", "?_facets=True"), "function") == [
        "All",
        "operator.add (1)",
        "operator.neg (1)",
    ]


@pytest.mark.parametrize(("model", "most"), [("success", 13), ("failure", 14), ("ormq", 19)])
@pytest.mark.parametrize("query", ["?_facets=True", "?_facets=True&func=operator.add&group=sums&queue=default&q=sum"])
def test_counts_cost_a_query_for_each_filter_and_none_for_each_row(boss, week, model, most, query):
    factories.register()
    for number in range(30):
        factories.put(1, name=f"row {number}", group=f"g{number}")

    asked = statements(boss, f"/admin/django_q/{model}/{query}")

    # What is searched for is looked up by each of its indexes, and a filter by its own.
    assert len(asked) <= most + 5 * ("q=" in query), asked
    of_tasks = [sql for sql in asked if "django_q_queue" in sql or "django_q_history" in sql]
    # Django reads a list that has been counted to fill one page as it is.
    unlimited = [sql for sql in of_tasks if " LIMIT " not in sql and "requeued_from" not in sql]
    assert unlimited == []
    assert not any(" GROUP BY " in sql for sql in of_tasks)


def test_a_state_can_be_counted(boss):
    factories.put(1), factories.put(2, state=TaskState.DEFERRED)

    assert choices(page(boss, "ormq", "?_facets=True"), "state") == [
        "All",
        "deferred (1)",
        "waiting (0)",
        "ready (1)",
        "claimed (0)",
    ]


# --- what stands above -----------------------------------------------------------------------------------------------


def test_a_queue_with_work_that_no_cluster_serves_is_named_above_the_list(boss):
    factories.register()
    factories.put(1)
    served = text_of(page(boss, "ormq"))
    factories.put(1, queue="reports")

    listed = text_of(page(boss, "ormq"))

    assert "no cluster serves" not in served
    notice = re.search(r'<p class="django-q-notice">(.*?)</p>', listed)[1]
    assert notice == "no cluster serves &quot;reports&quot;; start manage.py qcluster -n reports"


def test_every_queued_task_says_why_it_waits(boss):
    factories.register()
    first, second = factories.put(1, name="first"), factories.put(2, name="second")

    listed = text_of(page(boss, "ormq"))

    assert listed.count("it is in line in the queue &quot;default&quot;") == 2
    assert "it is the next in the queue &quot;default&quot;" in text_of(detail(boss, "ormq", first))
    assert "it is behind 1 other in the queue &quot;default&quot;" in text_of(detail(boss, "ormq", second))
