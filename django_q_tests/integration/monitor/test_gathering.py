"""What the screens read of the database: enough, and in few queries however much there is."""

import json
from datetime import timedelta

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.utils import timezone

from django_q.brokers.orm import OrmBroker
from django_q.kernel import clock, ids
from django_q.kernel.messages import Advance
from django_q.kernel.states import TaskKind, TaskState
from django_q.management.monitor.details import details_of
from django_q.management.monitor.gathering import Gatherer
from django_q.management.monitor.printing import as_object, printed
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import State
from django_q.models import Incarnation, OrmQ, Progress, Schedule, Task
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import Later
from django_q.tasks import backlog, schedule
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db

# Clusters that live and that ended, the counts, and what only this tab shows.
QUERIES = {
    Tab.CLUSTERS: 3,
    Tab.MEMORY: 3,
    Tab.RUNNING: 5,
    # MySQL and MariaDB are asked for one name after the other, and once more.
    Tab.QUEUE: 15 if connection.vendor == "mysql" else 11,
    Tab.SCHEDULES: 6,
    Tab.FAILURES: 4,
    Tab.THROUGHPUT: 8,
}


def look(tab):
    return Gatherer().look(tab)


def cluster(workers=(), **stats):
    """Register a living cluster that says what its workers run."""
    id = factories.register(name="web", host="here", pid=4711)
    told = [{"pid": pid, "running": [func], "tasks": [task], "given": 1} for pid, func, task in workers]
    Incarnation.objects.filter(pk=id).update(stats=json.dumps({"state": "working", "workers": told, **stats}))
    return id


def claim(owner, count=1):
    claims = OrmBroker().claim(count, queues=["default"], incarnation=owner, generation=1)
    return [(each.envelope.id, each.envelope.token) for each in claims]


def running(seconds, owner, **columns):
    """Put a task that a cluster has been running for so many seconds."""
    id = factories.put(1, **columns)
    (pair,) = claim(owner)
    OrmQ.objects.mark_running([pair])
    OrmQ.objects.filter(pk=id).update(running_since=dialect_for("default").later_expression(-seconds))
    return id


def ended(count=1, *, success=False, ago=1.0, **columns):
    stopped = clock.now() - timedelta(seconds=ago)
    known = {"func": "app.tasks.mail", "enqueued_at": stopped, "started": stopped, "stopped": stopped}
    rows = [
        Task(id=ids.new_id(), name=f"task {number}", success=success, **{**known, **columns}) for number in range(count)
    ]
    Task.objects.bulk_create(rows)


def fill(number):
    """Put something of each kind into the database, more of it for a greater number."""
    for queue in ("default", "mails", "reports", "rest")[: number + 1]:
        factories.put_many([(1,)] * 20 * number, queue=queue)
    factories.put_many([(1,)] * 5 * number, state=TaskState.DEFERRED, run_after=Later(3600))
    factories.put_many([(1,)] * 5 * number, state=TaskState.WAITING)
    for _ in range(number):
        owner = cluster(workers=[(11, "app.tasks.new", ids.new_id())])
        Progress.objects.note([Advance(running(60, owner), 1.0, 2.0, "")])
        claim(owner, 3)
    ended(20 * number), ended(20 * number, success=True)
    for each in range(3 * number):
        one = schedule("operator.neg", 1, name=f"schedule {number} {each}", schedule_type="H")
        Schedule.objects.filter(pk=one.pk).update(task=Task.objects.first().pk)


# --- in few queries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", list(Tab))
def test_a_look_costs_as_many_queries_however_much_there_is(tab, django_assert_num_queries):
    fill(1), fill(3)

    with django_assert_num_queries(QUERIES[tab]):
        look(tab)


@pytest.mark.parametrize("tab", list(Tab))
def test_an_empty_database_costs_no_more(tab, django_assert_max_num_queries):
    with django_assert_max_num_queries(QUERIES[tab]):
        look(tab)


@pytest.mark.parametrize("tab", list(Tab))
def test_no_payload_is_read_and_every_list_has_an_end(tab, django_assert_max_num_queries):
    fill(1)

    with django_assert_max_num_queries(QUERIES[tab]) as captured:
        look(tab)

    for sql in (query["sql"] for query in captured.captured_queries):
        assert not any(f"{quote}{name}{quote}" in sql for name in ("args", "kwargs", "result") for quote in '"`'), sql
        # Aggregates have one row; the tasks of schedules are asked for by their ids.
        assert "LIMIT" in sql or " IN (" in sql, sql


def test_the_last_hour_is_not_read_with_every_look(django_assert_num_queries):
    ended(3, success=True)
    gatherer = Gatherer()
    first = gatherer.look(Tab.THROUGHPUT)
    ended(3, success=True)

    with django_assert_num_queries(3):
        second = gatherer.look(Tab.THROUGHPUT)

    assert second.last_hour == first.last_hour
    assert second.totals.succeeded == 6


@pytest.mark.parametrize("tab", list(Tab))
def test_a_project_without_time_zones_sees_the_same(tab, settings):
    settings.USE_TZ = False
    id = cluster(workers=[(11, "app.tasks.new", ids.new_id())])
    running(60, id)
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(3600))
    moment = timezone.make_naive(clock.now())
    Task.objects.create(
        id=ids.new_id(), name="x", func="f", success=False, enqueued_at=moment, started=moment, stopped=moment
    )
    one = schedule("operator.neg", 1, name="hourly", schedule_type="H")

    first = State(tabs=(tab,), tab=tab)
    found = look(tab)

    assert list(printed(first, found)) and json.dumps(as_object(first, found), cls=DjangoJSONEncoder)
    keys = {Tab.CLUSTERS: id, Tab.MEMORY: id, Tab.SCHEDULES: str(one.pk)}
    assert details_of(tab, keys.get(tab, Task.objects.get().pk), found)


# --- enough ----------------------------------------------------------------------------------------------------------


def test_the_counts_are_those_of_the_queue_and_the_history():
    factories.put_many([(1,)] * 3)
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(3600))
    factories.put(1, state=TaskState.WAITING)
    claim(cluster())
    ended(2), ended(4, success=True)

    assert look(Tab.CLUSTERS).totals == backlog.Totals(1, 1, 2, 1, 4, 2)


def test_a_count_ends(monkeypatch):
    monkeypatch.setattr(backlog, "MOST", 2)
    factories.put_many([(1,)] * 5)
    ended(5)

    totals = look(Tab.CLUSTERS).totals

    assert (totals.ready, totals.failed) == (3, 3)


def test_clusters_are_those_that_live_and_those_that_ended_lately():
    living, dead = cluster(backlog=3, unrecorded=2, cpu=1.5), cluster()
    Incarnation.objects.bury(dead, expired_only=False)

    found = look(Tab.CLUSTERS)

    assert [view.id for view in found.living] == [living]
    assert [view.id for view in found.ended] == [dead]
    assert (found.living[0].backlog, found.living[0].unrecorded, found.living[0].cpu) == (3, 2, 1.5)


def test_the_memory_of_a_cluster_is_told_by_role_and_with_what_its_host_has():
    stats = {
        "processes": {"pusher": [13], "monitor": [14], "keeper": [15, 16]},
        "memory": {"4711": 30, "11": 50, "14": 7, "15": 1, "16": 2},
        "host_memory": {"total": 4096, "available": 1024},
    }
    cluster([(11, "f", "1")], **stats)

    (view,) = look(Tab.MEMORY).living

    kilobytes = {role: size // 1024 for role, size in view.memory_of.items()}
    assert kilobytes == {"sentinel": 30, "worker": 50, "monitor": 7, "keeper": 3}
    assert (view.host_available, view.host_total) == (2**20, 4 * 2**20)


def test_what_runs_is_told_with_its_worker_the_longest_first_and_what_has_just_begun_last():
    owner, new = factories.register(name="web", host="here"), ids.new_id()
    short, long = running(5, owner, func="app.short"), running(50, owner, func="app.long", options='{"timeout": 60}')
    told = [{"pid": 11, "running": ["app.long"], "tasks": [long], "given": 1}]
    told.append({"pid": 12, "running": ["app.new", "app.short"], "tasks": [new, short], "given": 2})
    Incarnation.objects.filter(pk=owner).update(stats=json.dumps({"workers": told}))

    found = look(Tab.RUNNING).running

    assert [(each.func, each.worker) for each in found] == [("app.long", 11), ("app.short", 12), ("app.new", 12)]
    assert found[0].timeout == 60 and 45 < found[0].seconds < 90
    assert (found[2].id, found[2].seconds, found[2].cluster) == (new, None, "web on here")


def test_what_runs_says_how_far_it_is_on_the_list_and_on_its_page():
    owner, new = factories.register(), ids.new_id()
    marked, silent = running(50, owner), running(5, owner)
    told = {"workers": [{"pid": 12, "running": ["app.new"], "tasks": [new], "given": 1}]}
    Incarnation.objects.filter(pk=owner).update(stats=json.dumps(told))
    Progress.objects.note([Advance(marked, 3.0, 4.0, "nearly"), Advance(new, 7.0, None, "")])

    found = {each.id: each.progress and each.progress.text for each in look(Tab.RUNNING).running}

    assert found == {marked: "3 of 4 (75 %): nearly", silent: None, new: "7"}
    (line,) = [line for line in details_of(Tab.RUNNING, marked, look(Tab.RUNNING)) if line.startswith("progress")]
    assert line.startswith("progress   ████████░░ 3 of 4 (75 %): nearly at 2")
    assert not any(line.startswith("progress") for line in details_of(Tab.RUNNING, silent, look(Tab.RUNNING)))


def test_the_page_of_a_task_that_has_ended_says_how_far_it_came():
    ended()
    task = Task.objects.get()
    Progress.objects.note([Advance(task.pk, 3.0, 4.0, "")])

    assert any(line.startswith("progress") for line in details_of(Tab.FAILURES, task.pk, look(Tab.FAILURES)))


def test_a_task_that_was_asked_to_stop_says_so():
    id = running(5, cluster())
    OrmQ.objects.filter(pk=id).request_stop()

    assert look(Tab.RUNNING).running[0].is_stopping


def test_the_queue_lists_what_comes_next_in_its_order():
    low, high = factories.put(1), factories.put(1, priority=5)
    later, soon = (factories.put(1, state=TaskState.DEFERRED, run_after=Later(each)) for each in (900, 60))
    waiting = factories.put(1, state=TaskState.WAITING)
    held = factories.put(1, priority=9)
    claim(cluster())

    found = look(Tab.QUEUE).queued

    assert [each.id for each in found] == [held, high, low, soon, later, waiting]
    assert [each.state for each in found] == ["claimed", "ready", "ready", "deferred", "deferred", "waiting"]


def test_a_hook_in_the_queue_is_told_from_a_task():
    factories.put(1, kind=TaskKind.HOOK)

    assert look(Tab.QUEUE).queued[0].is_hook


def test_queues_are_those_that_hold_something_those_served_and_those_of_the_settings():
    factories.register(queues='["served"]')
    for queue in ("b", "a", "c", "a"):
        factories.put(1, queue=queue)

    depths = {depth.queue: depth.ready for depth in look(Tab.QUEUE).depths}

    assert depths == {"a": 2, "b": 1, "c": 1, "default": 0, "served": 0}


def test_so_many_queues_have_an_end():
    factories.put_many([(1,)])
    for number in range(60):
        factories.put(1, queue=f"queue{number:03}")

    assert len(look(Tab.QUEUE).depths) == backlog.MOST_QUEUES


def test_schedules_are_listed_by_what_is_due_next_and_those_that_are_not_due_last():
    rows = {}
    for name, hours in (("later", 5), ("paused", 1), ("soon", 2)):
        moment = clock.now() + timedelta(hours=hours)
        rows[name] = schedule("operator.neg", 1, name=name, schedule_type="I", minutes=7, next_run=moment)
    over = schedule("operator.neg", 1, schedule_type="C", cron="0 3 * * *", cluster="slow")
    Schedule.objects.filter(pk=over.pk).update(repeats=0)
    Schedule.objects.filter(name="paused").pause()

    found = look(Tab.SCHEDULES).schedules

    assert [each.name for each in found] == ["soon", "later", "paused", f"#{over.pk}"]
    assert [each.condition for each in found] == ["active", "active", "paused", "over"]
    assert (found[0].rule, found[3].rule, found[3].queue) == ("every 7 min", "0 3 * * *", "slow")
    assert found[3].next_run is None and found[0].next_run is not None


def test_a_schedule_says_how_its_last_task_ended():
    ended(1, reason="timeout"), ended(1, success=True)
    bad, good = Task.objects.get(success=False), Task.objects.get(success=True)
    for name, task in (("bad", bad.pk), ("good", good.pk), ("open", ids.new_id()), ("never", None)):
        one = schedule("operator.neg", 1, name=name, schedule_type="H")
        Schedule.objects.filter(pk=one.pk).update(task=task)

    found = {each.name: each.last for each in look(Tab.SCHEDULES).schedules}

    assert found == {"bad": "timeout", "good": "succeeded", "open": "not ended", "never": ""}


def test_failures_are_listed_the_newest_first():
    ended(1, ago=60, func="app.old"), ended(1, ago=5, func="app.new", reason="lost", error="WorkerLost: gone")

    found = look(Tab.FAILURES).failures

    assert [each.func for each in found] == ["app.new", "app.old"]
    assert (found[0].reason, found[0].error, found[1].reason) == ("lost", "WorkerLost: gone", "error")


def test_the_throughput_is_that_of_the_last_hour_and_the_last_day():
    ended(3, success=True), ended(1)

    found = look(Tab.THROUGHPUT)

    assert sum(bar.succeeded for bar in found.last_hour.bars) == 3
    assert (found.last_day.succeeded, found.last_day.failed) == (3, 1)
