"""The pages of the admin, through the door that a browser uses."""

import json
import re

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from django_q import conf
from django_q.admin import paginator, search
from django_q.admin.printer import pretty
from django_q.brokers.orm import OrmBroker
from django_q.engine.completion import finish
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, TaskState
from django_q.models import Incarnation, OrmQ, Task
from django_q.models.dialects.base import Later
from django_q.tasks import async_task
from django_q_tests.support import factories

SCRIPT = "<script>alert(1)</script>"
LISTS = ("success", "failure", "ormq", "incarnation")

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def reader(client):
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="django_q", codename__startswith="view_")
    )
    client.force_login(user)
    return client


@pytest.fixture
def elsewhere(transactional_db, settings, tmp_path):
    """A second database that holds the queue, while users and the log of the admin stay on the first."""
    wanted = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "queue.sqlite3"), "OPTIONS": {}}
    connections.databases["elsewhere"] = {**connections.databases["default"], **wanted}
    try:
        connections["elsewhere"].connect()  # the alias came after the test had been allowed its own
        call_command("migrate", "django_q", database="elsewhere", verbosity=0)
        settings.Q_CLUSTER = {"orm": "elsewhere"}
        yield "elsewhere"
    finally:
        connections["elsewhere"].close()
        del connections["elsewhere"]
        del connections.databases["elsewhere"]


def page(client, model, query="", **kwargs):
    return client.get(reverse(f"admin:django_q_{model}_changelist") + query, **kwargs)


def detail(client, model, pk):
    return client.get(reverse(f"admin:django_q_{model}_change", args=[pk]))


def act(client, model, action, pks, *, confirmed=True, **more):
    data = {"action": action, "_selected_action": pks, **({"post": "yes"} if confirmed else {}), **more}
    return client.post(reverse(f"admin:django_q_{model}_changelist"), data, follow=confirmed)


def succeed(*args, func="operator.add", **options):
    return async_task(func, *args, sync=True, **options)


def fail(func="django_q_tests.support.jobs.fail", *args, **options):
    try:
        async_task(func, *args, sync=True, **options)
    except Exception:  # noqa: BLE001 - it was asked to
        pass
    return Task.objects.using(conf.current().orm).filter(success=False).latest("stopped").pk


def claim(incarnation, limit=1):
    return OrmBroker().claim(limit, queues=["default"], incarnation=incarnation, generation=1)


def text_of(response):
    return response.content.decode()


def statements(client, url):
    with CaptureQueriesContext(connections[conf.current().orm]) as captured:
        response = client.get(url)
    assert response.status_code == 200
    return [query["sql"] for query in captured]


# --- lists ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("model", "queries"), [("success", 4), ("failure", 4)])
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
    owner, past = factories.register(name="web", host="here"), succeed(1, 2)
    for _ in range(12):
        factories.put(1, requeued_from=past)
    claim(owner, 6)

    # Session, user, count, page, clusters that hold rows, history of the rows, queues for the filter.
    with django_assert_num_queries(7):
        response = page(boss, "ormq")

    assert text_of(response).count("web on here (1)") == 6
    assert text_of(response).count(reverse("admin:django_q_success_change", args=[past])) == 12


def test_the_clusters_need_four_queries(boss, django_assert_num_queries):
    for number in range(5):
        factories.register(host=f"host{number}")

    with django_assert_num_queries(4):
        assert "host4" in text_of(page(boss, "incarnation"))


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

    assert len(counts) == 1
    assert "LIMIT 4" in counts[0]
    assert "3+ " in text_of(boss.get(url))


def test_the_history_is_sorted_by_what_its_index_holds(boss):
    succeed(1, 2)

    read = [sql for sql in statements(boss, reverse("admin:django_q_success_changelist")) if "ORDER BY" in sql]
    count, rows = read

    assert "ORDER BY 1 DESC LIMIT" in count
    assert re.search(r"ORDER BY \S+stopped\W? DESC( LIMIT \d+)?$", rows)


def test_filters_ask_for_no_distinct_values(boss):
    succeed(1, 2), fail(), async_task("operator.add", 1, 2)

    for model in LISTS:
        assert not any("DISTINCT" in sql for sql in statements(boss, reverse(f"admin:django_q_{model}_changelist")))


# --- search --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["id", "name", "group", "beginning of the name", "beginning of the function"])
def test_the_search_finds_a_task_by(boss, what):
    wanted = succeed(1, 2, task_name="carrots and peas", group="dinner")
    succeed(-1, func="operator.neg", task_name="something else")
    terms = {"id": wanted, "name": "carrots and peas", "group": "dinner", "beginning of the name": "carr"}

    found = text_of(page(boss, "success", f"?q={terms.get(what, 'operator.a')}"))

    assert "carrots and peas" in found and "something else" not in found


def test_beginnings_are_looked_for_among_the_newest_only(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 2)
    for name in ("tea one", "tea two", "tea three"):
        succeed(1, 2, task_name=name)

    found = text_of(page(boss, "success", "?q=tea"))

    assert "tea three" in found and "tea two" in found and "tea one" not in found


def test_the_queue_can_be_searched_and_filtered(boss):
    async_task("operator.add", 1, 2, task_name="peas", cluster="kitchen")
    async_task("operator.add", 1, 2, task_name="nails")

    assert "nails" not in text_of(page(boss, "ormq", "?q=pea"))
    assert "peas" not in text_of(page(boss, "ormq", "?queue=default"))
    assert "nails" in text_of(page(boss, "ormq", f"?state__exact={TaskState.READY.value}"))


# --- details -------------------------------------------------------------------------------------------------------


def test_a_script_is_text_wherever_it_stands(boss):
    good = succeed([SCRIPT], [SCRIPT], group=SCRIPT, task_name=SCRIPT)
    bad = fail("django_q_tests.support.jobs.fail", SCRIPT)
    queued = async_task("operator.add", SCRIPT, SCRIPT)

    for shown in (detail(boss, "success", good), detail(boss, "failure", bad), detail(boss, "ormq", queued)):
        assert SCRIPT not in text_of(shown)
        assert escape(SCRIPT) in text_of(shown)
    assert SCRIPT not in text_of(page(boss, "failure")) + text_of(page(boss, "success"))


def test_a_success_shows_what_it_was_given_and_what_it_returned(boss):
    task = succeed({"answer": [1, 2]}, func="django_q_tests.support.jobs.echo", word="hello")

    shown = text_of(detail(boss, "success", task))

    assert escape("({'answer': [1, 2]},)") in shown
    assert escape("{'word': 'hello'}") in shown
    assert escape("(({'answer': [1, 2]},), {'word': 'hello'})") in shown
    assert "_save" not in shown


def test_a_failure_shows_its_traceback_and_its_earlier_attempts(boss):
    task = fail("django_q_tests.support.jobs.fail", "no luck", max_attempts=2, backoff=0)

    shown = text_of(detail(boss, "failure", task))

    assert re.search(r'<pre class="django-q-text">Traceback.*?jobs\.py.*?</pre>', shown, re.DOTALL)
    assert shown.count("ValueError: no luck") == 3  # the earlier attempt, the error, the traceback


def test_a_payload_that_cannot_be_trusted_is_a_notice_and_not_an_error(boss, settings):
    task, queued = succeed(1, 2), async_task("operator.add", 1, 2)
    settings.SECRET_KEY = "another"
    boss.force_login(User.objects.get(username="boss"))  # the key signs sessions too

    for shown in (detail(boss, "success", task), detail(boss, "ormq", queued)):
        assert shown.status_code == 200
        assert "Cannot be shown. The signature is wrong" in text_of(shown)


def test_a_value_whose_repr_raises_is_shown_by_its_class():
    class Shy:
        def __repr__(self):
            raise RuntimeError

    assert "<Shy instance at" in pretty([Shy()])


def test_a_long_value_is_one_item_a_line_and_cut_off():
    lines = pretty({"numbers": list(range(1000)), "text": "x" * 90}).splitlines()

    assert lines[:2] == ["{", "    'numbers': ["] and lines[2].startswith("        0, 1, 2, 3,")
    assert "… 800 more," in pretty(list(range(1000))) and max(map(len, lines)) <= 110
    assert len(pretty("x" * 10**6)) < 20_000


@pytest.mark.parametrize("value", [(1,), (), {}, set(), {1}, [[]], {"a": (None, True)}, b"x", 1.5, "a'b"])
def test_a_short_value_is_shown_as_python_writes_it(value):
    assert pretty(value) == repr(value)


def test_a_queued_task_says_since_when_its_function_is_unknown(boss):
    factories.put(func="app.tasks.ad", name="lost")
    owner = factories.register()
    (claimed,) = claim(owner)
    envelope = claimed.envelope
    finish(
        [Outcome(envelope.id, envelope.token, Ending.UNKNOWN, Report(0.0, 0.0, error="no such function"))], cluster="c"
    )

    listed, shown = page(boss, "ormq"), detail(boss, "ormq", envelope.id)

    assert re.search(r'field-unknown_function">\d{4}-', text_of(listed))
    assert "no such function" in text_of(shown)


def test_a_hook_is_told_from_a_task_and_leads_to_its_task(boss):
    task = succeed(1, 2)
    hook = factories.put(task, kind=1, func="app.hooks.tell", options=json.dumps({"task": task}))

    listed = text_of(page(boss, "ormq", "?kind__exact=1"))

    assert 'field-kind">hook' in listed
    assert reverse("admin:django_q_success_change", args=[task]) in listed
    assert detail(boss, "ormq", hook).status_code == 200


def test_a_cluster_shows_its_processes_and_what_they_run(boss):
    id = factories.register(name="web", pid=4711)
    stats = {
        "state": "working",
        "workers": [{"pid": 11, "running": ["app.tasks.mail"], "given": 1}, {"pid": 12, "running": [], "given": 0}],
        "processes": {"pusher": [13], "monitor": [14], "keeper": [15]},
        "held": 1,
        "succeeded": 7,
    }
    Incarnation.objects.filter(pk=id).update(stats=json.dumps(stats))

    listed, shown = text_of(page(boss, "incarnation")), text_of(detail(boss, "incarnation", id))

    assert "1 of 2 busy" in listed and "working" in listed
    assert "sentinel 4711; pusher 13; monitor 14; keeper 15" in shown
    assert "app.tasks.mail" in shown and "7 succeeded" in shown


def test_a_cluster_past_its_lease_is_marked(boss):
    factories.register(lease=-5)

    assert "not heard of" in text_of(page(boss, "incarnation"))


# --- actions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["requeue_selected", "delete_selected"])
def test_an_action_on_the_history_asks_first(boss, action):
    task = fail(task_name="the one")

    asked = act(boss, "failure", action, [task], confirmed=False)

    assert "Are you sure?" in text_of(asked) and "the one" in text_of(asked)
    assert Task.objects.filter(pk=task).exists() and not OrmQ.objects.exists()
    assert not LogEntry.objects.exists()


def test_requeue_enqueues_again_and_is_logged(boss):
    task = fail("django_q_tests.support.jobs.fail", "no luck", group="g")

    answer = act(boss, "failure", "requeue_selected", [task])

    again = OrmQ.objects.get()
    assert (again.func, again.args, again.group) == ("django_q_tests.support.jobs.fail", ("no luck",), "g")
    assert again.requeued_from == task
    assert "Requeued: 1." in text_of(answer)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag, str(entry.change_message)) == (task, CHANGE, "Requeued.")


def test_a_task_that_cannot_be_trusted_is_not_requeued_and_the_others_are(boss):
    good, bad = fail(), fail()
    Task.objects.filter(pk=bad).update(func="moved.here")

    answer = act(boss, "failure", "requeue_selected", [good, bad])

    assert OrmQ.objects.get().requeued_from == good
    assert "Requeued: 1." in text_of(answer) and "The signature is wrong" in text_of(answer)
    assert LogEntry.objects.get().object_id == good


def test_delete_removes_from_the_history_and_is_logged(boss):
    task, kept = succeed(1, 2), succeed(3, 4)

    act(boss, "success", "delete_selected", [task])

    assert list(Task.objects.values_list("pk", flat=True)) == [kept]
    assert LogEntry.objects.get().action_flag == DELETION


def test_cancel_moves_what_waits_to_the_history_and_asks_what_runs_to_stop(boss):
    running, waiting = factories.put(1, priority=9), factories.put(2)
    claim(factories.register())

    act(boss, "ormq", "cancel_selected", [running, waiting])

    assert OrmQ.objects.get().pk == running and OrmQ.objects.get().stop_requested_at is not None
    assert Task.objects.get(pk=waiting).reason == "canceled"
    assert LogEntry.objects.count() == 2


def test_only_what_nobody_has_claimed_is_deleted_from_the_queue(boss):
    running, waiting = factories.put(1, priority=9), factories.put(2)
    claim(factories.register())

    answer = act(boss, "ormq", "delete_selected", [running, waiting])

    assert OrmQ.objects.get().pk == running and not Task.objects.exists()
    assert "cancel it first" in text_of(answer)
    assert boss.post(reverse("admin:django_q_ormq_delete", args=[running]), {"post": "yes"}).status_code == 403


def test_an_action_can_take_all_that_match(boss):
    for _ in range(60):  # more than a page
        succeed(1, 2)
    first = Task.objects.first().pk

    asked = act(boss, "success", "delete_selected", [first], confirmed=False, select_across="1")
    act(boss, "success", "delete_selected", [first], select_across="1")

    assert "and 40 more" in text_of(asked)
    assert not Task.objects.exists()


@pytest.mark.parametrize("model", ["success", "failure"])
def test_one_row_can_be_deleted_on_its_page(boss, model):
    task = succeed(1, 2) if model == "success" else fail()
    url = reverse(f"admin:django_q_{model}_delete", args=[task])

    assert boss.get(url).status_code == 200
    boss.post(url, {"post": "yes"})

    assert not Task.objects.exists()
    assert LogEntry.objects.get().object_id == task


# --- rights --------------------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_lists_and_details_and_no_action(reader):
    tasks = {"success": succeed(1, 2), "failure": fail(), "ormq": factories.put(1), "incarnation": factories.register()}

    for model, pk in tasks.items():
        listed, shown = page(reader, model), detail(reader, model, pk)
        assert listed.status_code == shown.status_code == 200
        assert 'name="action"' not in text_of(listed)
        assert "_save" not in text_of(shown) and "deletelink" not in text_of(shown)


@pytest.mark.parametrize(
    ("model", "action"), [("failure", "requeue_selected"), ("ormq", "cancel_selected"), ("ormq", "delete_selected")]
)
def test_who_may_only_look_cannot_act_by_hand_either(reader, model, action):
    pk = fail() if model == "failure" else factories.put(1)

    act(reader, model, action, [pk])

    assert OrmQ.objects.filter(pk=pk).exists() or Task.objects.filter(pk=pk).exists()
    assert OrmQ.objects.count() + Task.objects.count() == 1


def test_who_may_change_may_requeue_but_not_delete(reader):
    user = User.objects.get(username="reader")
    user.user_permissions.add(Permission.objects.get(codename="change_failure"))
    task = fail()

    listed = text_of(page(reader, "failure"))
    act(reader, "failure", "requeue_selected", [task])

    assert "requeue_selected" in listed and "delete_selected" not in listed
    assert OrmQ.objects.get().requeued_from == task


@pytest.mark.parametrize("model", LISTS)
def test_nothing_can_be_added(boss, model):
    assert boss.get(f"{reverse(f'admin:django_q_{model}_changelist')}add/").status_code == 403


def test_nothing_can_be_edited(boss):
    task = succeed(1, 2)

    assert boss.post(reverse("admin:django_q_success_change", args=[task]), {"name": "forged"}).status_code == 403


def test_pages_hold_no_inline_script_or_style_of_ours(boss):
    task = fail()
    for response in (detail(boss, "failure", task), act(boss, "failure", "requeue_selected", [task], confirmed=False)):
        assert "style=" not in text_of(response)
        assert "django_q/admin.css" in text_of(response)


# --- another database ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_all_of_it_works_when_the_queue_is_in_another_database(elsewhere, boss):
    good, bad, queued = succeed(1, 2), fail(), async_task("operator.add", 1, 2)
    cluster = factories.register()

    for model, pk in (("success", good), ("failure", bad), ("ormq", queued), ("incarnation", cluster)):
        assert page(boss, model).status_code == 200
        assert detail(boss, model, pk).status_code == 200
    act(boss, "failure", "requeue_selected", [bad])
    act(boss, "ormq", "cancel_selected", [queued])
    boss.post(reverse("admin:django_q_success_delete", args=[good]), {"post": "yes"})

    assert OrmQ.objects.using(elsewhere).get().requeued_from == bad
    assert set(Task.objects.using(elsewhere).values_list("pk", flat=True)) == {bad, queued}
    assert not Task.objects.using("default").exists()
    assert LogEntry.objects.using("default").count() == 3


def test_a_deferred_task_shows_when_it_is_due(boss):
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(3600))

    assert "deferred" in text_of(page(boss, "ormq"))
