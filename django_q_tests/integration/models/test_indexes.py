"""The queries that run again and again are served by an index, however many rows there are."""

import json

import pytest
from django.db import connection

from django_q.kernel import clock
from django_q.kernel.states import TaskState
from django_q.models import Failure, OrmQ, Success, Task
from django_q.models.dialects import dialect_for
from django_q_tests.support.factories import put_many, register

pytestmark = pytest.mark.django_db


def gather_statistics():
    """Do what autovacuum does on PostgreSQL; the others plan these queries by their rules, or gather by themselves."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


@pytest.fixture
def full_queue():
    put_many([(n, n) for n in range(1500)], queue="other")
    put_many([(n, n) for n in range(1500)])
    put_many([(n, n) for n in range(500)], state=TaskState.DEFERRED, run_after=clock.now())
    for number in range(20):
        OrmQ.objects.claim(20, queues=["default"], incarnation=register(f"{number:032x}"), generation=1)
    gather_statistics()


def plan(sql, params):
    """Return what the database says it would do."""
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (FORMAT TEXT) ", "mysql": "EXPLAIN FORMAT=JSON "}
    with connection.cursor() as cursor:
        cursor.execute(explain[connection.vendor] + sql, params)
        return json.dumps([[str(value) for value in row] for row in cursor.fetchall()])


def plan_of(queryset):
    return plan(*queryset.query.sql_with_params())


def test_the_claim_reads_ready_rows_in_their_order(full_queue):
    sql = dialect_for("default").ready()

    found = plan(sql, ["default", "0" * 32, 100])

    assert "django_q_claim" in found
    assert "TEMP B-TREE" not in found and "Sort" not in found and "filesort" not in found


def test_the_promotion_reads_only_what_is_due(full_queue):
    due = OrmQ.objects.deferred().order_by("run_after").values_list("run_after")[:1]

    assert "django_q_due" in plan_of(due)


def test_what_a_cluster_holds_is_found_by_its_owner(full_queue):
    assert "django_q_owner" in plan_of(OrmQ.objects.filter(claimed_by="0" * 32).values_list("pk"))


def test_a_task_is_found_by_its_name(full_queue):
    assert "django_q_name" in plan_of(OrmQ.objects.filter(name="quiet-fox").values_list("pk"))


def test_the_next_step_of_a_chain_is_found_by_its_predecessor(full_queue):
    assert "django_q_waits" in plan_of(OrmQ.objects.filter(waits_for="f" * 32).values_list("pk"))


@pytest.fixture
def long_history():
    rows = []
    for n in range(3000):
        rows.append(
            Task(
                id=f"{n:032x}",
                name=f"name-{n}",
                func="math.copysign",
                group=f"group-{n % 50}",
                success=n % 10 > 0,
                enqueued_at="2026-01-01T00:00:00Z",
                started="2026-01-01T00:00:00Z",
                stopped=f"2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}Z",
            )  # fmt: skip
        )
    Task.objects.bulk_create(rows)
    gather_statistics()


@pytest.mark.parametrize("proxy", [Success, Failure])
def test_the_newest_successes_and_failures_are_read_without_sorting(long_history, proxy):
    found = plan_of(proxy.objects.order_by("-stopped").only("name")[:100])

    assert "django_q_ended" in found
    assert "TEMP B-TREE" not in found and "Sort" not in found and "filesort" not in found


def test_a_finished_task_is_found_by_its_name(long_history):
    assert "django_q_hist_name" in plan_of(Task.objects.filter(name="name-7").order_by("-stopped").only("name")[:1])


def test_a_group_is_found_by_its_name(long_history):
    assert "django_q_hist_group" in plan_of(Task.objects.filter(group="group-7").only("name"))


def test_pruning_reads_the_oldest_rows_only(long_history):
    old = Task.objects.ended_before(60, success=True).order_by("stopped").values_list("pk", flat=True)[:100]

    assert "django_q_ended" in plan_of(old)


@pytest.mark.skipif(connection.vendor == "mysql", reason="knows no index of a part of its rows")
@pytest.mark.parametrize(
    "name",
    [
        "django_q_due",
        "django_q_owner",
        "django_q_waits",
        "django_q_chain",
        "django_q_hist_group",
        "django_q_hist_chain",
    ],
)
def test_rows_without_a_value_cost_no_entry_in_an_index_that_finds_values(name):
    sql = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = %s",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = %s",
    }
    with connection.cursor() as cursor:
        cursor.execute(sql[connection.vendor], [name])
        [[definition]] = cursor.fetchall()

    assert definition.rstrip(")").endswith("IS NOT NULL")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about what Django adds on PostgreSQL")
def test_no_column_of_queue_and_history_has_two_indexes_of_the_same_kind():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename IN (%s, %s) AND indexdef LIKE %s",
            [OrmQ._meta.db_table, Task._meta.db_table, "%pattern_ops%"],
        )
        assert cursor.fetchall() == []
