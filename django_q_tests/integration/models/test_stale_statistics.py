"""A queue is empty most of the time, and that is what PostgreSQL's statistics say of it when it is full."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_q.brokers import current_broker
from django_q.kernel.states import Ending, TaskState
from django_q.models import OrmQ
from django_q_tests.support import factories

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="about the planner of PostgreSQL"),
]
ROWS = 2000


@pytest.fixture
def full_queue():
    """A queue with rows of which the planner believes that there are none."""
    ids = factories.put_many([(1, 2)] * ROWS)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_class SET reltuples = 0, relpages = GREATEST(1, pg_relation_size(oid) / 8192)"
            " WHERE relname LIKE 'django_q_%' AND relkind IN ('r', 'i')"
        )
    return ids


def rows_read(statement):
    """Return how many rows of the queue a statement reads, loop by loop."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        return sum(_read(cursor.fetchone()[0][0]["Plan"]))


def _read(node):
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    yield (node["Actual Rows"] + removed) * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _read(below)


def test_a_claim_reads_no_row_again_and_again(full_queue):
    incarnation = factories.register()
    with CaptureQueriesContext(connection) as captured:
        assert len(OrmQ.objects.claim(50, queues=["default"], incarnation=incarnation, generation=1)) == 50

    assert rows_read(captured[0]["sql"]) < 5 * ROWS


def test_a_finish_reads_no_row_again_and_again(full_queue):
    OrmQ.objects.update(token="t")
    with CaptureQueriesContext(connection) as captured:
        assert len(OrmQ.objects.take([(id, "t") for id in full_queue[:100]])) == 100

    assert rows_read(captured[0]["sql"]) < 5 * ROWS


def test_giving_back_what_was_not_started_reads_no_row_again_and_again(full_queue):
    claims = current_broker().claim(ROWS, queues=["default"], incarnation=factories.register(), generation=1)
    with CaptureQueriesContext(connection) as captured:
        current_broker().finish([factories.outcome_of(each, Ending.UNSTARTED) for each in claims[:100]], cluster="c")

    updates = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]
    assert len(updates) == 1
    assert OrmQ.objects.filter(state=TaskState.READY).count() == 100
    assert rows_read(updates[0]) < 5 * ROWS


def test_a_finish_takes_a_row_with_its_own_token_only(full_queue):
    first, second = full_queue[:2]
    OrmQ.objects.filter(pk=first).update(token="a")
    OrmQ.objects.filter(pk=second).update(token="b")

    assert OrmQ.objects.take([(first, "b"), (second, "a")]) == []
    assert len(OrmQ.objects.take([(first, "b"), (first, "a")])) == 1
