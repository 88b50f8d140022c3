"""How far tasks are can be read by their ids, and where a process is its own cluster it is written at once."""

import logging
import threading
from contextvars import copy_context

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection, transaction

from django_q.engine import progress
from django_q.exceptions import InvalidValue
from django_q.kernel import clock, ids
from django_q.kernel.messages import Advance
from django_q.models import Progress
from django_q.tasks import aprogress_of, async_task, current_task, progress_of, progress_of_many
from django_q.testing import run_all
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db
seen = []
moment = [100.0]


@pytest.fixture(autouse=True)
def nothing_seen_yet():
    seen.clear()
    progress.complain.clear()


def note(id, done, total=None, message=""):
    Progress.objects.note([Advance(id, float(done), total, message)])
    return id


def counts(id):
    found = progress_of(id)
    return None if found is None else (found.done, found.total, found.message)


# --- reading -------------------------------------------------------------------------------------------------------


def test_a_task_that_said_nothing_has_none():
    assert progress_of(factories.put(1, 2)) is None
    assert progress_of("nobody") is None


def test_it_is_found_by_the_id_and_by_the_name_before_the_end_and_after_it():
    queued = note(factories.put(1, 2, name="waiting"), 1, 4.0, "one of four")
    ended = note(async_task("math.copysign", 2, -2, sync=True, task_name="done"), 4, 4.0)

    assert progress_of(queued) == progress_of("waiting")
    assert progress_of(ended) == progress_of("done")
    assert progress_of("waiting").text == "1 of 4 (25 %): one of four"


@pytest.mark.parametrize(
    ("done", "total", "percent", "text"),
    [
        (420, 1000.0, 42.0, "420 of 1000 (42 %)"),
        (7, None, None, "7"),
        (0.5, 2.5, 20.0, "0.5 of 2.5 (20 %)"),
        (2.0**40, 2.0**41, 50.0, "1099511627776 of 2199023255552 (50 %)"),
        (999, 1000.0, 99.9, "999 of 1000 (99 %)"),
    ],
)
def test_counts_are_told_as_they_were_said(done, total, percent, text):
    found = progress_of(note(ids.new_id(), done, total))

    assert (found.done, found.total, found.percent, found.text) == (done, total, percent, text)
    assert isinstance(found.done, int) == (found.done == int(found.done))


def test_many_are_read_in_one_query(django_assert_num_queries):
    many = [note(ids.new_id(), number) for number in range(20)]

    with django_assert_num_queries(1):
        found = progress_of_many([*many, ids.new_id()])

    assert {id: each.done for id, each in found.items()} == dict(zip(many, range(20), strict=True))


def test_none_are_read_without_a_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert progress_of_many([]) == {}


def test_what_is_no_id_is_refused():
    with pytest.raises(InvalidValue, match="5 is not the id"):
        progress_of_many([5])


@pytest.mark.django_db(transaction=True)
def test_coroutines_read_it_too():
    id = note(ids.new_id(), 3)

    assert async_to_sync(aprogress_of)(id).done == 3


# --- written by the process itself ---------------------------------------------------------------------------------


def count_to(total):
    for number in range(1, total + 1):
        current_task().progress(number, total, f"step {number}")
        seen.append(counts(current_task().id))


def count_in_tenths_of_a_second(total):
    for number in range(1, total + 1):
        current_task().progress(number, total)
        seen.append(counts(current_task().id))
        moment[0] += 0.1


async def acount_to(total):
    for number in range(1, total + 1):
        current_task().progress(number, total)


def count_in_a_thread(total):
    thread = threading.Thread(target=copy_context().run, args=(current_task().progress, total, total, "elsewhere"))
    thread.start()
    thread.join()


def count_and_undo(total):
    current_task().progress(1, total, "kept")
    try:
        with transaction.atomic():
            current_task().progress(2, total, "kept")
            raise InvalidValue("undo this")
    except InvalidValue:
        seen.append("undone")


def count_and_fail(total):
    current_task().progress(total, total, "well")
    raise ValueError("after all")


def count_and_break_the_transaction(total):
    current_task().progress(total, total, "before")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


@pytest.fixture(params=["sync", "run_all"])
def run(request):
    """Run a function in this process, in both of the ways that there are; return its id."""

    def call(func, *args):
        if request.param == "run_all":
            task = async_task(func, *args)
            run_all()
            return task
        try:
            return async_task(func, *args, sync=True, task_name="inline")
        except (ValueError, DatabaseError):
            return Progress.objects.get().pk

    return call


@pytest.fixture
def now(monkeypatch):
    """A clock that the tasks move."""
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    return moment


def test_the_last_value_is_always_there(run):
    assert counts(run(count_to, 100)) == (100, 100, "step 100")


def test_within_a_quarter_of_a_second_only_the_first_value_is_written_meanwhile(run, now):
    run(count_to, 100)

    assert set(seen) == {(1, 100, "step 1")}


def test_after_a_quarter_of_a_second_the_newest_one_is(run, now):
    run(count_in_tenths_of_a_second, 7)

    assert [found[0] for found in seen] == [1, 1, 1, 4, 4, 4, 7]


@pytest.mark.parametrize("func", [acount_to, count_in_a_thread])
def test_coroutines_and_threads_leave_their_last_value(run, func):
    found = counts(run(func, 50))

    assert found[:2] == (50, 50)


def test_what_a_task_undoes_in_the_database_does_not_undo_it(run):
    assert counts(run(count_and_undo, 5)) == (2, 5, "kept")


def test_a_task_that_fails_has_come_as_far_as_it_said(run):
    assert counts(run(count_and_fail, 5)) == (5, 5, "well")


def test_an_error_of_the_database_in_a_task_does_not_take_it_away(run):
    assert counts(run(count_and_break_the_transaction, 5)) == (5, 5, "before")


def test_a_table_that_is_not_there_is_no_error_of_the_task(caplog):
    def refuse(execute, sql, params, many, context):
        if "django_q_progress" in sql:
            raise DatabaseError("no such table")
        return execute(sql, params, many, context)

    caplog.set_level(logging.WARNING, "django_q.tasks")
    task = async_task(count_to_silently, 100)
    with connection.execute_wrapper(refuse):
        [ran] = run_all()

    assert ran.success
    assert progress_of(task) is None
    assert [record.getMessage() for record in caplog.records] == [
        "The progress of tasks cannot be written: no such table"
    ]


def count_to_silently(total):
    for number in range(total):
        current_task().progress(number, total)
