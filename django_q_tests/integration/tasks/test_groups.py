import threading
import time

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import override_settings

from django_q import conf
from django_q.engine import cached
from django_q.exceptions import InvalidValue
from django_q.models import Task
from django_q.tasks import (
    acount_group,
    adelete_group,
    afetch_group,
    aresult_group,
    async_task,
    count_group,
    count_group_cached,
    delete_cached,
    delete_group,
    delete_group_cached,
    fetch,
    fetch_cached,
    fetch_group,
    fetch_group_cached,
    result,
    result_cached,
    result_group,
    result_group_cached,
)
from django_q.testing import run_all
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import add, fail, seen

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_left():
    functions.calls.clear()
    cache.clear()


def done(*numbers, group="sums", failures=0, **options):
    """Run tasks of a group, and as many that fail."""
    for number in numbers:
        async_task(add, number, group=group, **options)
    for _ in range(failures):
        async_task(fail, group=group, **options)
    run_all()


def test_results_come_in_the_order_of_enqueueing():
    async_task(add, 1, group="sums")
    async_task(add, 2, group="sums", priority=9)
    run_all()

    assert result_group("sums") == [1, 2]
    assert [task.result for task in fetch_group("sums")] == [1, 2]


def test_a_group_of_which_nothing_has_ended_is_none():
    async_task(add, 1, group="sums")

    assert result_group("sums") is None
    assert fetch_group("sums") is None
    assert count_group("sums") == 0


def test_results_are_of_successes_unless_failures_are_asked_for():
    done(1, failures=1)

    assert result_group("sums") == [1]
    assert result_group("sums", failures=True)[1].startswith("ValueError: no")
    assert len(fetch_group("sums")) == 2
    assert len(fetch_group("sums", failures=False)) == 1


def test_a_count_is_of_all_or_of_failures():
    done(1, 2, failures=1)

    assert (count_group("sums"), count_group("sums", failures=True)) == (3, 1)


def test_other_groups_are_not_counted():
    done(1)
    done(2, group="others")

    assert (count_group("sums"), result_group("others")) == (1, [2])


def test_deleting_a_group_takes_its_label_off():
    done(1, 2)

    assert delete_group("sums") == 2
    assert fetch_group("sums") is None
    assert Task.objects.count() == 2


def test_deleting_a_group_with_its_tasks_says_what_was_deleted():
    done(1, 2)

    assert delete_group("sums", tasks=True) == (2, {"django_q.Task": 2})
    assert not Task.objects.exists()


def test_a_task_knows_its_group():
    done(1, failures=1)
    task = Task.objects.first()

    assert task.group_result() == Task.get_result_group("sums") == [1]
    assert len(task.group_result(failures=True)) == 2
    assert task.group_count() == Task.get_group_count("sums") == 2
    assert task.group_count(failures=True) == 1
    assert [each.pk for each in Task.get_task_group("sums", failures=False)] == [Task.objects.get(success=True).pk]
    assert Task.get_task(task.pk) == Task.get_task(task.name) == task
    assert task.group_delete() == 2
    assert Task.objects.first().group_result() is None


@pytest.mark.parametrize("group", ["", None, 5])
def test_what_names_no_group_is_refused(group):
    for read in (result_group, fetch_group, count_group, delete_group):
        with pytest.raises(InvalidValue, match="name of a group"):
            read(group)


# --- waiting -------------------------------------------------------------------------------------------------------


def in_another_thread(call):
    def run():
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_wait_ends_with_the_first_result():
    async_task(add, 1, group="sums")
    thread = in_another_thread(run_all)

    assert result_group("sums", wait=20_000) == [1]
    thread.join()


def test_a_count_waits_until_so_many_have_ended():
    for number in range(5):
        async_task(add, number, group="sums")
    thread = in_another_thread(run_all)

    assert result_group("sums", count=5) == [0, 1, 2, 3, 4]
    thread.join()


def test_a_count_that_is_not_reached_ends_with_the_wait_and_what_there_is():
    done(1)

    began = time.monotonic()
    assert result_group("sums", count=2, wait=100) == [1]
    assert 0.1 <= time.monotonic() - began < 5


@pytest.mark.parametrize("count", [-1, True, "2", 1.5])
def test_a_count_is_a_number_of_tasks(count):
    with pytest.raises(InvalidValue, match="number of tasks"):
        result_group("sums", count=count, wait=1)


# --- from coroutines -----------------------------------------------------------------------------------------------


def test_coroutines_read_groups_too():
    done(1, failures=1)

    assert async_to_sync(aresult_group)("sums") == [1]
    assert async_to_sync(aresult_group)("sums", count=2) == [1]
    assert len(async_to_sync(afetch_group)("sums", wait=10)) == 2
    assert async_to_sync(acount_group)("sums", failures=True) == 1
    assert async_to_sync(adelete_group)("sums") == 2
    assert async_to_sync(afetch_group)("sums") is None
    assert async_to_sync(aresult_group)("sums", wait=1) is None


# --- in the cache --------------------------------------------------------------------------------------------------


def test_a_cached_group_is_read_from_the_cache():
    done(1, 2, 3, cached=60)

    assert not Task.objects.exists()
    assert count_group("sums") == 0
    assert count_group("sums", cached=True) == 3
    assert result_group("sums", cached=True) == [1, 2, 3]
    assert [task.name for task in fetch_group("sums", cached=True)]
    assert result_group("sums", cached=True, count=3) == [1, 2, 3]


def test_a_group_that_the_cache_lacks_is_none():
    for read in (result_group, fetch_group, count_group):
        assert read("nobody", cached=True) is None


def test_failures_of_cached_tasks_are_in_the_history():
    done(1, failures=1, cached=60)

    assert count_group("sums", failures=True, cached=True) == 0
    assert count_group("sums", failures=True) == 1


@override_settings(Q_CLUSTER={"cached": 60})
def test_the_setting_sends_all_reading_to_the_cache():
    done(1, 2)

    assert (count_group("sums"), result_group("sums")) == (2, [1, 2])
    assert count_group("sums", cached=False) == 0


def test_a_wide_cached_group_is_read_whole():
    names = [f"t{number}" for number in range(120)]
    for name in names:
        async_task(add, 1, task_name=name, group="wide", cached=60)
    run_all()

    assert sorted(task.name for task in fetch_group("wide", cached=True)) == sorted(names)


def test_threads_that_add_to_one_cached_group_take_a_place_each():
    settings = conf.current()
    tasks = [{"id": f"{number:032d}", "group": "wide"} for number in range(40)]
    threads = [threading.Thread(target=cached.store, args=(task, 60, settings)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cached.members("wide", settings) == tasks


def test_a_cache_that_takes_no_place_holds_nothing_up(monkeypatch, caplog):
    monkeypatch.setattr(LocMemCache, "add", lambda *args, **kwargs: False)

    task_id = async_task(add, 1, group="sums", cached=60)
    run_all()

    assert result(task_id) == 1
    assert "takes no place" in caplog.text


def test_a_task_that_is_stored_twice_is_one_member():
    task = {"id": "1" * 32, "group": "wide"}
    for _ in range(2):
        cached.store(task, 60, conf.current())

    assert cached.members("wide", conf.current()) == [task]


def test_a_cached_group_is_deleted_with_its_tasks():
    done(1, 2, cached=60)
    [first, _] = fetch_group("sums", cached=True)

    assert delete_group("sums", cached=True) is None

    assert fetch_group("sums", cached=True) is None
    assert fetch(first.pk, cached=True) is None


def test_a_cached_result_is_deleted_alone():
    task_id = async_task(add, 1, cached=60)
    run_all()
    assert result(task_id, cached=True) == 1
    assert result(task_id, cached=False) is None

    assert delete_cached(task_id)
    assert not delete_cached(task_id)
    assert result(task_id, cached=True) is None


def test_the_names_of_django_q_read_the_cache_only():
    task_id = async_task(add, 1, group="sums", cached=60)
    stored = async_task(add, 2, group="stored")
    run_all()

    assert (result_cached(task_id), fetch_cached(task_id).pk, result_cached(stored)) == (1, task_id, None)
    assert (result_group_cached("sums"), count_group_cached("sums"), count_group_cached("stored")) == ([1], 1, None)
    assert [task.pk for task in fetch_group_cached("sums")] == [task_id]
    delete_group_cached("sums")
    assert result_cached(task_id) is None


def test_a_cached_task_can_be_saved():
    task_id = async_task(add, 1, cached=60)
    run_all()

    fetch(task_id, cached=True).save()

    assert result(task_id, cached=False) == 1


def test_the_hook_of_a_cached_task_is_called():
    task_id = async_task(add, 1, cached=60, hook=seen)
    run_all()

    assert functions.calls == [(task_id, True, True)]
