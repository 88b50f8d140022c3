"""The dashboard: what it shows, to whom, and what it costs."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_q import conf
from django_q.kernel import clock, ids
from django_q.kernel.messages import Advance
from django_q.kernel.states import TaskState
from django_q.models import Incarnation, OrmQ, Progress, Task
from django_q.models.dialects.base import Later
from django_q.tasks import activity, backlog
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client):
    """Somebody who may see these models only."""

    def come(*models):
        user = User.objects.create_user("visitor", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=[f"view_{model}" for model in models]))
        client.force_login(user)
        return client

    return come


@pytest.fixture
def noon(monkeypatch, settings):
    """Half a minute after noon, when the page is looked at."""
    moment = clock.now().replace(hour=12, minute=0, second=30, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


def ended(moment, *, run=1.0, wait=0.5, count=1, **columns):
    """Record tasks that ended then."""
    started = moment - timedelta(seconds=run)
    fields = {"func": "shop.tasks.mail", "attempt_count": 1, **columns}
    return Task.objects.bulk_create(
        Task(
            id=(id := ids.new_id()),
            name=f"task {id[-6:]}",
            enqueued_at=started - timedelta(seconds=wait),
            started=started,
            stopped=moment,
            **fields,
        )
        for _ in range(count)
    )


def failed(moment, reason="error", error="ValueError: broken pipe", **more):
    return ended(moment, success=False, reason=reason, error=error, **more)


def running(name, *, cluster, options="", seconds=0.0):
    id = factories.put(1, name=name, options=options)
    rows = OrmQ.objects.filter(pk=id)
    claimed = OrmQ.objects.claim(1, queues=["default"], incarnation=cluster, generation=1)
    OrmQ.objects.mark_running([(id, claimed[0]["token"])])
    if seconds:
        rows.update(running_since=rows.get().running_since - timedelta(seconds=seconds))
    return id


def text(client, query=""):
    response = client.get(reverse("admin:django_q_dashboard") + query)
    assert response.status_code == 200
    return response.content.decode()


def counters(page):
    """Return the counters by their words."""
    found = re.findall(r"<dt>(.*?)</dt><dd>(?:<a [^>]*>)?(.*?)(?:</a>)?</dd>", page)
    return {word: count for word, count in found}


def section(page, name):
    return re.search(rf'<section aria-labelledby="django-q-{name}">(.*?)</section>', page, re.DOTALL)[1]


def lines(page, name):
    """Return the cells of a table, line by line, without their markup."""
    rows = re.findall(r"<tr>(.*?)</tr>", section(page, name), re.DOTALL)[1:]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)] for row in rows
    ]


# --- counters --------------------------------------------------------------------------------------------------------


def test_with_nothing_there_it_can_be_seen(boss):
    page = text(boss)

    assert counters(page)["ready"] == "0"
    assert "Nothing has been running" in page and "Nothing ended." in page


def test_what_is_queued_is_counted_by_state(boss):
    cluster = factories.register()
    running("busy", cluster=cluster)
    factories.put_many([(1,), (2,)])
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(3600))
    factories.put(1, state=TaskState.WAITING, waits_for="x" * 32)

    found = counters(text(boss))

    names = ("ready", "claimed", "deferred", "waiting for a step before")
    assert [found[name] for name in names] == ["2", "1", "1", "1"]


def test_what_ended_is_counted_for_the_hour_and_the_day_and_canceled_tasks_are_neither(boss):
    now = timezone.now()
    ended(now - timedelta(minutes=5), count=3)
    ended(now - timedelta(hours=5), count=2)
    ended(now - timedelta(hours=25))
    failed(now - timedelta(minutes=5)), failed(now - timedelta(hours=2), reason="timeout")
    failed(now - timedelta(minutes=5), reason="canceled")

    found = counters(text(boss))

    assert found["succeeded, last hour"] == "3" and found["succeeded, last 24 hours"] == "5"
    assert found["failed, last hour"] == "1" and found["failed, last 24 hours"] == "2"


def test_counting_has_an_end_and_says_so(boss, monkeypatch):
    monkeypatch.setattr(activity, "MOST", 3)
    monkeypatch.setattr(backlog, "MOST", 3)
    ended(timezone.now(), count=5), failed(timezone.now(), count=5)
    factories.put_many([(number,) for number in range(5)])

    found = counters(text(boss))

    assert found["succeeded, last hour"] == found["failed, last 24 hours"] == found["ready"] == "3+"


# --- the last hour ---------------------------------------------------------------------------------------------------


def test_ends_stand_in_their_minutes(boss, noon):
    ended(noon - timedelta(minutes=1), count=2), failed(noon - timedelta(minutes=1))
    ended(noon)

    table = lines(text(boss), "lately")

    assert len(table) == 60
    assert [line[:3] for line in table[-3:]] == [["11:58", "0", "0"], ["11:59", "2", "1"], ["12:00", "1", "0"]]
    assert table[0][0] == "11:01"


def test_half_and_95_of_100_of_the_waits_and_run_times_are_told(boss, noon):
    for seconds in range(1, 101):
        ended(noon - timedelta(minutes=2), run=seconds, wait=seconds / 10)

    page = text(boss)

    assert "Run time: half of the tasks at most 50.0 s, 95 of 100 at most 1 min 35 s." in page
    assert "to the start: half of the tasks at most 5.000 s, 95 of 100 at most 9.500 s." in page
    assert lines(page, "lately")[-3] == ["11:58", "100", "0", "5.000 s", "9.500 s", "50.0 s", "1 min 35 s"]


def test_what_was_canceled_and_what_was_tried_again_does_not_blur_the_waits(boss, noon):
    ended(noon, wait=2.0)
    (
        ended(noon, wait=900.0, attempt_count=2),
        ended(noon, wait=900.0, crashes=1),
        ended(noon, wait=900.0, chain="x" * 32),
    )
    failed(noon, reason="canceled", wait=900.0, run=0.0)

    assert "to the start: half of the tasks at most 2.000 s, 95 of 100 at most 2.000 s." in text(boss)


def test_a_sample_that_is_cut_is_drawn_for_the_span_that_it_covers_and_says_so(boss, noon, monkeypatch):
    monkeypatch.setattr(activity, "MOST", 20)
    for minute in range(30):
        ended(noon - timedelta(minutes=minute), count=2)

    page = text(boss)
    table = lines(page, "lately")

    assert "More than 20 tasks ended within the hour" in page
    assert [line[1] for line in table] == ["2"] * len(table) and 9 <= len(table) <= 10


def test_a_busy_minute_is_drawn_by_the_second(boss, noon, monkeypatch):
    monkeypatch.setattr(activity, "MOST", 20)
    for second in range(30):
        ended(noon - timedelta(seconds=second), count=2)

    page = text(boss)
    table = lines(page, "lately")

    assert "per 1 s" in page
    assert table[-1][:2] == ["12:00:30", "2"] and table[-2][:2] == ["12:00:29", "2"]
    assert 9 <= len(table) <= 10


def test_a_worker_whose_clock_is_ahead_counts_as_now(boss, noon):
    ended(noon + timedelta(minutes=5))

    assert lines(text(boss), "lately")[-1][:2] == ["12:00", "1"]


def test_pictures_have_names_and_descriptions_and_their_numbers_as_a_table(boss, noon):
    ended(noon, count=2), failed(noon)

    page = section(text(boss), "lately")

    assert len(re.findall(r'<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)"', page)) == 3
    assert "Tasks that succeeded since 11:01: 2; that failed: 1." in page
    assert "<details" in page and page.count('<th scope="row">') == 60


# --- lists -----------------------------------------------------------------------------------------------------------


def test_what_runs_is_shown_with_its_cluster_its_worker_and_its_time_limit(boss):
    cluster = factories.register(name="web", host="here", pid=4711)
    id = running("long one", cluster=cluster, options='{"timeout": 60}', seconds=15)
    free = running("free one", cluster=cluster)
    stats = {"workers": [{"pid": 99, "running": ["math.copysign"], "tasks": [id], "given": 1}]}
    Incarnation.objects.filter(pk=cluster).update(stats=json.dumps(stats))

    page = text(boss)
    (first, second) = lines(page, "running")

    assert first[0] == "long one" and first[3] == "web on here, worker 99"
    assert re.fullmatch(r"1\d\.\d s of 1 min 0 s", first[4])
    assert re.search(r'<progress value="1\d" max="60.000" aria-label="\S+', section(page, "running"))
    assert second[0] == "free one" and section(page, "running").count("<progress") == 1
    assert reverse("admin:django_q_ormq_change", args=[free]) in section(page, "running")


def test_what_runs_says_how_far_it_is(boss):
    id = running("import", cluster=factories.register())
    Progress.objects.note([Advance(id, 1.0, 4.0, "files")])

    page = text(boss)

    assert lines(page, "running")[0][1] == "math.copysign 1 of 4 (25 %) files"
    assert '<progress value="25.00" max="100"' in section(page, "running")


def test_a_task_that_was_asked_to_stop_says_so(boss):
    id = running("unwanted", cluster=factories.register())
    OrmQ.objects.filter(pk=id).request_stop()

    assert "asked to stop" in lines(text(boss), "running")[0][4]


def test_the_oldest_that_wait_are_shown_with_the_reason_whatever_their_priority(boss):
    factories.register()
    factories.put(1, name="oldest", enqueued_at=Later(-300), priority=-1)
    factories.put(1, name="urgent", enqueued_at=Later(-20), priority=5)
    factories.put(1, name="elsewhere", enqueued_at=Later(-100), queue="reports")

    found = lines(text(boss), "oldest")

    assert [line[0] for line in found] == ["oldest", "elsewhere", "urgent"]
    assert found[0][3].startswith("5 min") and "in line" in found[0][4]
    assert "no cluster serves &quot;reports&quot;" in found[1][4]


def test_recent_failures_are_shown_the_newest_first_with_reason_and_error(boss):
    now = timezone.now()
    failed(now - timedelta(minutes=2), error="ValueError: older")
    failed(now - timedelta(minutes=1), reason="timeout", error="TaskTimeout: newer")

    (first, second) = lines(text(boss), "failures")

    assert first[3:] == ["timed out", "TaskTimeout: newer"]
    assert second[3:] == ["failed with an error", "ValueError: older"]


def test_a_queue_that_holds_tasks_and_is_not_served_is_complained_of(boss):
    factories.register()
    factories.put(1, queue="reports", enqueued_at=Later(-60))

    page = text(boss)

    assert re.search(
        r'<p class="django-q-notice">no cluster serves &quot;reports&quot;; start manage.py qcluster', page
    )
    queues = {line[0]: line for line in lines(page, "queues")}
    assert queues["default"][1:] == ["0", "0", "0", "0", "-", ""]
    assert queues["reports"][1] == "1" and queues["reports"][5].startswith("1 min")


def test_functions_that_no_worker_knows_are_shown(boss):
    errors = [{"at": timezone.now().isoformat(), "reason": "unknown", "error": "no such function"}]
    factories.put(1, func="shop.tasks.gone", state=TaskState.DEFERRED, run_after=Later(5))
    OrmQ.objects.update(errors=json.dumps(errors))

    assert [line[:2] for line in lines(text(boss), "unknown")] == [["shop.tasks.gone", "1"]]


def test_clusters_are_shown_at_a_glance_those_that_are_gone_included(boss):
    alive = factories.register(name="web", host="here", pid=1)
    stats = {"state": "working", "memory": {"1": 2048}, "workers": [{"pid": 2, "running": ["f"], "given": 1}]}
    Incarnation.objects.filter(pk=alive).update(stats=json.dumps(stats))
    factories.register(name="lost", lease=-5)
    Incarnation.objects.bury(factories.register(name="over"), expired_only=False)

    page = text(boss)
    found = {line[0].split()[0]: line for line in lines(page, "clusters")}

    assert found["web"][1:5] == ["working", "default", "1 of 1 busy", "2 MiB"]
    assert found["lost"][1] == "not heard of, possibly dead" and found["over"][1] == "ended"
    assert counters(page)["worker busy, of 1"] == "1"


# --- who sees what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("models", "seen"),
    [
        (["ormq"], {"now", "running", "oldest", "queues"}),
        (["incarnation"], {"now", "clusters"}),
        (["success"], {"now", "lately"}),
        (["failure"], {"now", "lately", "failures"}),
    ],
)
def test_each_sees_what_he_may_see(visitor, models, seen):
    failed(timezone.now()), factories.put(1), factories.register()

    page = text(visitor(*models))

    assert set(re.findall(r'<section aria-labelledby="django-q-(\w+)">', page)) == seen


def test_who_may_see_successes_only_is_not_told_of_failures(visitor, noon):
    ended(noon), failed(noon)

    page = text(visitor("success"))

    assert "failed, last hour" not in page and "broken pipe" not in page
    assert lines(page, "lately")[-1][:3] == ["12:00", "1", "0"]


def test_who_may_see_the_queue_only_gets_no_link_to_a_cluster(visitor):
    running("long one", cluster=factories.register(name="web", host="here"))

    page = text(visitor("ormq"))

    assert lines(page, "running")[0][3] == "web on here"
    assert "/incarnation/" not in section(page, "running")


def test_who_may_see_nothing_is_shut_out(visitor):
    assert visitor().get(reverse("admin:django_q_dashboard")).status_code == 403


def test_who_is_not_logged_in_is_asked_to(client):
    answer = client.get(reverse("admin:django_q_dashboard"))

    assert answer.status_code == 302 and reverse("admin:login") in answer.url


def test_a_model_that_the_site_does_not_show_is_not_shown_here_either(boss, monkeypatch):
    monkeypatch.delitem(admin.site._registry, OrmQ)
    factories.put(1)

    page = text(boss)

    assert 'aria-labelledby="django-q-queues"' not in page


@pytest.mark.parametrize("name", ["app_list", "success", "failure", "ormq", "incarnation"])
def test_the_index_of_the_application_and_each_list_lead_here(boss, name):
    index = reverse("admin:app_list", args=["django_q"])
    page = boss.get(index if name == "app_list" else reverse(f"admin:django_q_{name}_changelist"))

    assert f'href="{reverse("admin:django_q_dashboard")}"' in page.content.decode()


# --- refreshing, cost, safety ----------------------------------------------------------------------------------------


def test_it_refreshes_by_itself_for_who_asks_for_it_and_until_he_ends_it(boss):
    url = reverse("admin:django_q_dashboard")

    plain, asked = boss.get(url), boss.get(f"{url}?refresh=10")

    assert "Refresh" not in plain.headers and asked.headers["Refresh"] == "10"
    assert 'href="?refresh=10"' in plain.content.decode()
    assert re.search(r'<a href="\?">Stop refreshing</a>', asked.content.decode())
    assert "http-equiv" not in asked.content.decode()


@pytest.mark.parametrize(("asked", "header"), [("1", "5"), ("99999", "3600"), ("0", None), ("x", None), ("²", None)])
def test_it_refreshes_neither_too_often_nor_on_nonsense(boss, asked, header):
    answer = boss.get(reverse("admin:django_q_dashboard"), {"refresh": asked})

    assert answer.headers.get("Refresh") == header


def test_its_queries_do_not_grow_with_rows(boss):
    def queries():
        with CaptureQueriesContext(connections[conf.current().orm]) as captured:
            text(boss)
        return [query["sql"] for query in captured]

    cluster = factories.register()
    running("one", cluster=cluster), factories.put(1), ended(timezone.now()), failed(timezone.now())
    few = queries()
    for number in range(8):
        running(f"more {number}", cluster=factories.register(host=f"host{number}"))
    factories.put_many([(number,) for number in range(30)])
    ended(timezone.now(), count=20), failed(timezone.now(), count=20)
    many = queries()

    assert len(many) == len(few) <= 22
    for sql in many:  # each has an end, or asks for one row of a kind
        if "django_q_progress" in sql:  # of the rows that were found
            continue
        assert "LIMIT" in sql or "django_session" in sql or "auth_user" in sql or "django_q_incarnation" in sql, sql


def test_no_payload_is_read(boss):
    ended(timezone.now()), failed(timezone.now()), factories.put(1)
    running("one", cluster=factories.register())

    with CaptureQueriesContext(connections[conf.current().orm]) as captured:
        text(boss)

    for query in captured:
        assert not re.search(r"\bargs\W|kwargs|\bresult\b|traceback", query["sql"]), query["sql"]


def test_a_script_is_text_wherever_it_stands(boss):
    script = "<script>alert(1)</script>"
    cluster = factories.register(name=script, host=script, queues=json.dumps([script]))
    running(script, cluster=cluster), factories.put(1, name=script, func=script, queue=script)
    failed(timezone.now(), error=script)

    page = text(boss)

    assert script not in page and "style=" not in page and "<script>" not in page
