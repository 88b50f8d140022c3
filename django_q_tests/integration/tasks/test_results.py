import threading
import time
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from django_q.exceptions import InvalidValue
from django_q.models import Failure, Success, Task
from django_q.tasks import afetch, aresult, async_task, delete, fetch, get_task, result
from django_q.tasks.results import wait_for
from django_q_tests.integration.tasks.functions import add, fail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def done(func=add, *args, **options):
    """Run a task to its end and return its id."""
    return async_task(func, *(args or (1, 2)), sync=True, **options)


def failed():
    with pytest.raises(ValueError):
        async_task(fail, sync=True, task_name="the failure")
    return Task.objects.get(name="the failure").pk


def test_a_result_is_none_until_the_task_was_executed():
    waiting = async_task(add, 1, 2)

    assert result(waiting) is None
    assert fetch(waiting) is None
    assert result(done()) == 3


@pytest.mark.parametrize("read", [result, fetch])
def test_an_id_or_a_name_that_nobody_has_gives_nothing(read):
    assert read("nobody") is None
    assert read("f" * 32) is None


def test_a_task_is_found_by_id_by_name_and_by_uuid():
    task_id = done(task_name="sum")

    for key in (task_id, "sum", UUID(task_id)):
        assert result(key) == 3
        assert fetch(key).pk == task_id
    assert Task.get_result("sum") == Task.get_result(task_id) == 3


def test_the_newest_of_several_tasks_with_one_name_is_found():
    done(add, 1, 1, task_name="sum")
    done(add, 1, 2, task_name="sum")

    assert result("sum") == 3


def test_a_result_of_none_is_none():
    task_id = done("builtins.print")

    assert result(task_id) is None
    assert fetch(task_id).success


def test_a_failure_says_what_went_wrong():
    task_id = failed()

    task = fetch(task_id)
    assert not task.success
    assert "ValueError: no" in result(task_id)
    assert "functions.py" in task.traceback


def test_the_proxies_show_only_their_own():
    succeeded, broken = done(), failed()

    assert [task.pk for task in Success.objects.all()] == [succeeded]
    assert [task.pk for task in Failure.objects.all()] == [broken]


def test_a_task_knows_when_it_ran_and_how_long():
    task = fetch(done())

    assert task.started <= task.stopped
    assert task.time_taken() == (task.stopped - task.started).total_seconds() >= 0
    assert (task.func, task.hook, task.args, task.kwargs) == (f"{add.__module__}.add", None, (1, 2), {})


def test_a_look_by_id_is_one_query():
    task_id = done()

    with CaptureQueriesContext(connection) as statements:
        fetch(task_id)
    assert len(statements) == 1

    with CaptureQueriesContext(connection) as statements:
        fetch("0" * 12 + "7" + "0" * 3 + "8" + "0" * 15)
    assert len(statements) == 1


def test_the_old_name_of_fetch_still_works_and_is_deprecated():
    task_id = done()

    with pytest.warns(DeprecationWarning, match=r"fetch\(\)") as caught:
        assert get_task(task_id).pk == task_id

    assert caught[0].filename == __file__


def test_a_coroutine_reads_results():
    task_id = done()

    async def view():
        return await aresult(task_id), (await afetch(task_id)).pk, await aresult("nobody", wait=20)

    assert async_to_sync(view)() == (3, task_id, None)


# --- waiting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [-2, -0.5, float("nan"), "5", None, True])
@pytest.mark.parametrize("read", [result, fetch, async_to_sync(aresult), async_to_sync(afetch)])
def test_a_wait_that_cannot_be_is_refused(read, wait):
    with pytest.raises(InvalidValue, match="wait="):
        read("x", wait)


@pytest.mark.parametrize("key", [5, None, b"x"])
def test_what_is_no_id_is_refused(key):
    with pytest.raises(InvalidValue, match="id or name"):
        fetch(key)


def test_no_wait_is_one_look():
    looks = []

    assert wait_for(lambda: looks.append(1), 0) is None
    assert len(looks) == 1


def test_a_wait_ends_when_its_time_is_over():
    looks = []
    started = time.monotonic()

    wait_for(lambda: looks.append(1), 100)

    assert 0.1 <= time.monotonic() - started < 1
    assert 4 <= len(looks) <= 12


def test_a_wait_for_ever_ends_when_there_is_something():
    answers = iter([None, None, None, 0])

    assert wait_for(lambda: next(answers), -1) == 0


@pytest.mark.django_db(transaction=True)
def test_a_result_is_seen_while_it_is_waited_for():
    def run_soon():
        try:
            time.sleep(0.05)
            done(task_name="soon")
        finally:
            connection.close()

    thread = threading.Thread(target=run_soon)
    thread.start()
    try:
        assert result("soon", wait=5000) == 3
    finally:
        thread.join()


# --- the cache -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeping", [True, 60])
def test_a_cached_result_has_no_row_and_is_found_all_the_same(keeping):
    task_id = done(cached=keeping, group="a")

    task = fetch(task_id)
    assert not Task.objects.exists()
    assert (task.pk, task.result, task.group, task.success) == (task_id, 3, "a", True)
    assert task._state.adding
    assert result(task_id) == 3


@override_settings(Q_CLUSTER={"cached": True})
def test_the_settings_may_send_all_results_to_the_cache():
    kept, cached = done(cached=False), done()

    assert [task.pk for task in Task.objects.all()] == [kept]
    assert result(cached) == result(kept) == 3


def test_a_failure_is_never_only_cached():
    with pytest.raises(ValueError):
        async_task(fail, sync=True, cached=True, task_name="broken")

    assert not fetch("broken").success


def test_a_success_that_nobody_wants_leaves_nothing():
    task_id = done(save=False)

    assert fetch(task_id) is None


def test_a_cached_result_can_be_deleted():
    task_id = done(cached=True)

    assert delete(task_id) is True
    assert fetch(task_id) is None
    assert delete(task_id) is False
