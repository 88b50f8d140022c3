"""``queues: ["*"]``: every queue is served, and everything that asks who serves it knows."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_q import conf
from django_q.brokers.base import DUE, STOP, is_meant
from django_q.cluster.rota import Rota
from django_q.exceptions import InvalidValue
from django_q.kernel.queues import named, serves
from django_q.kernel.states import TaskState
from django_q.management.commands import qrun
from django_q.management.doctor import clusters as doctor
from django_q.management.doctor.finding import Level
from django_q.management.monitor.gathering import Gatherer
from django_q.management.monitor.screens.tasks import queue as queue_screen
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import State
from django_q.models import OrmQ
from django_q.models.dialects import dialect_for
from django_q.status import Stat
from django_q.tasks import async_task, get_broker, why
from django_q.tasks.backlog import queue_names, ready_queues, served_queues
from django_q.tasks.health import OK, judge
from django_q.tasks.overview import overview, standing
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db


def open_rota(every=60.0):
    return Rota(["*"], every=every)


# --- the words -----------------------------------------------------------------------------------------------------


def test_a_star_serves_what_nobody_has_named():
    assert serves(["*"], "mails") and serves(["mails"], "mails") and not serves(["mails"], "reports")
    assert named(["*", "mails"]) == {"mails"}


def test_no_task_can_be_put_into_a_queue_of_that_name():
    with pytest.raises(InvalidValue, match=r"cluster='\*' cannot be used; it must be the name of one queue"):
        async_task("math.copysign", 1, -1, cluster="*")


def test_who_serves_every_queue_hears_every_bell_but_those_of_the_keepers():
    assert is_meant(["*"], "mails") and not is_meant(["*"], DUE) and not is_meant(["*"], STOP)
    assert is_meant([DUE], DUE) and not is_meant(["mails"], "reports")


# --- the rota ------------------------------------------------------------------------------------------------------


def test_queues_with_ready_rows_are_found_however_many_rows_are_put_off():
    factories.put_many([()] * 300, queue="a", state=TaskState.DEFERRED)
    for queue in ("b", "c"):
        factories.put(queue=queue)

    assert ready_queues() == ["b", "c"] and open_rota().next() == ["c", "b"]


def test_more_queues_than_one_walk_finds_are_found(monkeypatch):
    monkeypatch.setattr("django_q.models.dialects.base._WALK", 2)
    for queue in ("a", "b", "c", "d"):
        factories.put(queue=queue)

    assert ready_queues() == ["a", "b", "c", "d"]
    assert dialect_for("default").walk_queues("b", 1) == [("c", True)]


def test_each_queue_comes_first_in_its_turn():
    for queue in ("a", "b", "c"):
        factories.put(queue=queue)
    rota = open_rota()

    assert [rota.next()[0] for _ in range(6)] == ["b", "c", "a"] * 2


def test_a_queue_that_appears_is_looked_for_when_there_is_a_reason_to():
    factories.put(queue="a")
    rota = open_rota()
    rota.next()
    factories.put(queue="b")

    assert rota.next() == ["a"]  # nobody rang, and the last look found something
    assert rota.doubt()  # it found nothing: the names are old, so it looks again at once
    assert set(rota.next()) == {"a", "b"}
    assert not rota.doubt()


def test_a_queue_is_found_in_time_though_nobody_rings_and_another_one_is_never_empty():
    factories.put(queue="a")
    rota = open_rota(every=0.0)
    rota.next()
    factories.put(queue="b")

    assert set(rota.next()) == {"a", "b"}


def test_named_queues_keep_their_order_and_cost_no_query(django_assert_num_queries):
    rota = Rota(["first", "second"], every=0.0)

    with django_assert_num_queries(0):
        assert [rota.next() for _ in range(2)] == [["first", "second"]] * 2
    assert not rota.doubt()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="about the planner of PostgreSQL")
def test_the_look_for_names_reads_a_few_entries_of_an_index():
    factories.put_many([()] * 2000, queue="a", state=TaskState.DEFERRED)
    factories.put_many([()] * 2000, queue="b")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE django_q_queue")
        with CaptureQueriesContext(connection) as captured:
            assert ready_queues() == ["b"]
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT TEXT) {captured[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Seq Scan" not in plan, plan


# --- who asks who serves -------------------------------------------------------------------------------------------


@pytest.fixture
def everywhere():
    """A cluster that serves every queue, and a task in a queue that nobody names."""
    factories.register(queues='["*"]')
    return factories.put(queue="mails")


def test_nobody_complains_of_a_queue_when_a_cluster_serves_every_one(everywhere):
    assert served_queues() == {"*"} and "*" not in queue_names(served_queues())
    assert {queue.name: queue.is_served for queue in standing().queues} == {"mails": True}
    assert judge(standing()).code == OK and judge(overview()).code == OK
    assert why(everywhere).startswith('it is the next in the queue "mails" and waits for a free worker')


def test_what_is_put_off_has_a_cluster_too(everywhere):
    OrmQ.objects.update(state=TaskState.DEFERRED, run_after=OrmQ.objects.get().enqueued_at)

    assert "no cluster serves" not in why(everywhere)


def test_the_cluster_is_that_of_any_broker(everywhere):
    assert len(Stat.get_all(get_broker("mails"))) == len(Stat.get_all(get_broker("reports"))) == 1


def test_a_command_to_start_names_no_queue_where_the_settings_serve_every_one(settings):
    settings.Q_CLUSTER = {"queues": ["*"]}

    assert "start manage.py qcluster;" in why(factories.put(queue="mails"))
    assert conf.current().queues == ("*",)


def test_neither_qcheck_nor_qinfo_nor_qmonitor_nor_qrun_complains(everywhere, capsys):
    (found,) = [finding for finding in doctor.findings(overview()) if finding.check == "clusters"]
    call_command("qinfo")
    above = str(queue_screen(Gatherer().look(Tab.QUEUE), State(tuple(Tab), Tab.QUEUE)).above)

    assert found.level is Level.OK and found.seen.endswith("serves *")
    assert "mails" in above and "no cluster serves" not in above
    printed = capsys.readouterr().out
    assert "serves *" in printed and "no cluster serves" not in printed
    assert qrun._is_served("mails", "default")


def test_the_admin_complains_of_nothing_and_counts_all_that_is_ready(everywhere, client):
    client.force_login(User.objects.create_superuser("boss"))
    factories.put(queue="reports")

    lists = [client.get(reverse(f"admin:django_q_{name}_changelist")) for name in ("ormq", "incarnation")]
    pages = [*lists, client.get(reverse("admin:django_q_dashboard"))]

    assert all("no cluster serves" not in page.content.decode() for page in pages)
    (row,) = lists[1].context["cl"].result_list
    assert vars(row)["ready"] == [2]
    choices = [spec for spec in lists[0].context["cl"].filter_specs if spec.title == "queue"][0].lookup_choices
    assert ("mails", "mails") in choices and ("*", "*") not in choices
