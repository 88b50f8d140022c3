"""A hundred thousand calls that wait, and as many that ended: what is asked again and again reads a few of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_q.admin.paginator import MOST, CappedPaginator
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.pages import FromTheQueue
from django_q.models import OrmQ
from django_q.models import Task as Record
from django_q.testing import run_all
from django_q_tests.contrib.background.decorated import bare
from django_q_tests.support import factories

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="counts what PostgreSQL reads"),
]
MANY, SOME = 100_000, 20_000
FEW = 500  # rows, in place of so many


def multiply(id, *models, first, rows):
    """Copy a call, and what belongs to it, so many times."""
    with connection.cursor() as cursor:
        for model in models:
            fields = [field.column for field in model._meta.concrete_fields if field.column != "id"]
            table, columns = model._meta.db_table, ", ".join(f'"{column}"' for column in fields)
            cursor.execute(
                f"INSERT INTO {table} (id, {columns}) SELECT lpad(to_hex({first} + number), 32, '0'), {columns}"
                f" FROM {table}, generate_series(1, {rows}) AS number WHERE id = %s",
                [id],
            )


def fill(rows, **options):
    ended = bare(1, 2)
    run_all()
    multiply(ended.pk, Task, Record, first=rows, rows=rows)
    multiply(bare(1, 2, **options).pk, Task, OrmQ, first=0, rows=rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.fixture
def ready():
    fill(MANY)


@pytest.fixture
def deferred():
    fill(SOME, schedule=3600)


def rows_read(ask):
    """Ask, and return how many rows the last statement of it read, and the answer."""
    with CaptureQueriesContext(connection) as captured:
        found = list(ask())
    return read_by(captured[-1]["sql"]), found


def reads(ask):
    """Ask, and yield how many rows each statement of it read."""
    with CaptureQueriesContext(connection) as captured:
        assert len(ask()) == 50
    yield from (read_by(each["sql"]) for each in captured)


def read_by(statement):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        return sum(_read(cursor.fetchone()[0][0]["Plan"]))


def _read(node):
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    yield (node["Actual Rows"] + removed) * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _read(below)


def claim():
    return OrmQ.objects.claim(5, queues=["default"], incarnation=factories.register(), generation=1)


def test_what_runs_next_is_claimed_and_found_along_an_index(ready):
    read, found = rows_read(lambda: Task.objects.find_available()[:5])
    assert len(found) == 5 and read < FEW
    assert rows_read(lambda: Task.objects.find_available("default")[:5]) == (read, found)

    read, claimed = rows_read(claim)
    assert [one["id"] for one in claimed] == [task.pk for task in found] and read < FEW


def test_calls_that_are_put_off_are_in_nobodys_way(deferred):
    task = bare(3, 4)

    read, found = rows_read(lambda: Task.objects.find_available()[:5])
    assert found == [task] and read < FEW
    read, claimed = rows_read(claim)
    assert [one["id"] for one in claimed] == [task.pk] and read < FEW


def test_a_page_of_a_list_reads_a_page(deferred):
    """Those that wait are older than all that have ended, as what is put off for long is."""
    waiting = FromTheQueue(Task.objects.order_by("-entry__pk"), 50)
    ended = CappedPaginator(CompletedTask.objects.order_by("-record__pk"), 50)
    for pages in (waiting, ended):
        statements = list(reads(lambda pages=pages: list(pages.page(2).object_list)))
        assert max(statements) < 5 * MOST and sorted(statements)[-2] < FEW  # the first one counts, and ends


def test_equal_calls_are_found_by_their_hash(deferred):
    task = bare("another", 2)

    read, found = rows_read(lambda: Task.objects.get_task(task.task_name, ["another", 2]))

    assert found == [task] and read < FEW
