import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from django_q.engine import gathering
from django_q.exceptions import InvalidOption, InvalidValue
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import OrmQ, Success, Task
from django_q.tasks import (
    Iter,
    aasync_iter,
    async_iter,
    cancel,
    count_group,
    delete,
    fetch,
    queue_size,
    requeue,
    result,
    result_group,
    why,
)
from django_q.testing import run_all
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import add, add_later, fail, fail_until, seen

pytestmark = pytest.mark.django_db(transaction=True)

NO_CACHE = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.fixture(autouse=True)
def nothing_left():
    functions.calls.clear()
    cache.clear()


@override_settings(CACHES=NO_CACHE)
def test_the_result_is_the_list_of_all_results_in_the_order_of_the_items_and_needs_no_cache():
    iter_id = async_iter(add, [(number, 1) for number in range(20)], priority=0)
    OrmQ.objects.filter(pk__in=[row.pk for row in OrmQ.objects.order_by("-pk")[:5]]).update(
        priority=9
    )  # some end before the others

    assert result(iter_id) is None
    run_all()

    assert result(iter_id) == list(range(1, 21))
    assert fetch(iter_id).result == result(iter_id)
    assert fetch(iter_id).success


def test_an_item_that_is_no_tuple_is_the_one_argument():
    iter_id = async_iter(str, [1, "a", [2]])

    run_all()

    assert result(iter_id) == ["1", "a", "[2]"]


def test_keywords_go_with_every_call():
    iter_id = async_iter(add, (1, 2), second=10)

    run_all()

    assert result(iter_id) == [11, 12]


@pytest.mark.parametrize("items", [(1,), iter([1]), {1: 2}, (number for number in [1])])
def test_anything_that_can_be_iterated_over_will_do(items):
    iter_id = async_iter(add, items)

    run_all()

    assert result(iter_id) == [1]


@pytest.mark.parametrize("items", [5, None, "abc", b"abc"])
def test_what_cannot_be_is_refused(items):
    with pytest.raises(InvalidValue, match="Pass a list"):
        async_iter(add, items)


def test_no_items_give_an_empty_list_at_once():
    iter_id = async_iter(add, [])

    run_all()

    assert result(iter_id) == []


def test_coroutine_functions_are_awaited():
    iter_id = async_iter(add_later, [(1, 2), (3, 4)])

    run_all()

    assert result(iter_id) == [3, 7]


def test_the_task_that_stands_for_all_waits_for_the_items_and_says_so():
    iter_id = async_iter(add, [1, 2, 3])

    row = OrmQ.objects.get(pk=iter_id)
    assert (row.kind, row.state) == (TaskKind.GATHER, TaskState.WAITING)
    assert queue_size() == 3
    assert why(iter_id) == "it collects the results of 3 items, which have not ended"


def test_the_items_are_tasks_of_the_group_with_its_id():
    iter_id = async_iter(add, [1, 2])

    run_all()

    assert count_group(iter_id) == 2
    assert result_group(iter_id) == [1, 2]
    assert fetch(iter_id).func == "django_q_tests.integration.tasks.functions.add"
    assert fetch(iter_id).args == ([(1,), (2,)],)


def test_an_item_that_fails_makes_the_whole_a_failure_that_keeps_what_the_others_returned():
    iter_id = async_iter("math.sqrt", [4, -1, 9, -2])

    run_all()

    whole = fetch(iter_id)
    assert not whole.success
    assert whole.result[0] == 2.0 and whole.result[2] == 3.0
    assert "ValueError" in whole.result[1] and "ValueError" in whole.result[3]
    assert whole.error.startswith("ItemsFailed: 2 of 4 items did not succeed; the first of them, ")


def test_items_have_attempts_of_their_own_and_the_gather_has_one():
    iter_id = async_iter(fail_until, [2, 1], max_attempts=2, backoff=1)
    failing = async_iter(fail, ["a"], max_attempts=2, backoff=1)

    run_all(deferred=True)

    assert result(iter_id) == [2, 1]
    assert fetch(failing).attempt_count == 1


@pytest.mark.parametrize("end", [cancel, delete])
def test_an_item_that_is_taken_out_does_not_hold_up_the_others(end):
    iter_id = async_iter(add, [1, 2])

    for row in OrmQ.objects.filter(chain=iter_id):
        assert end(row.pk)

    assert OrmQ.objects.get().state == TaskState.READY
    run_all()
    assert not fetch(iter_id).success


def test_items_that_are_gone_from_the_history_are_named_as_lost():
    iter_id = async_iter(add, [1, 2, 3])
    for row in OrmQ.objects.filter(chain=iter_id)[:1]:
        delete(row.pk)

    run_all()

    assert fetch(iter_id).error == "ItemsLost: Of 3 items 1 are no longer in the history."


def test_items_are_not_pruned_before_their_results_are_collected():
    iter_id = async_iter(add, [1])
    run_one()

    assert Success.objects.delete_oldest(10) == 0

    run_all()
    assert result(iter_id) == [1]
    assert Success.objects.delete_oldest(10) == 2


def run_one():
    """Let the item end, but not the gather."""
    OrmQ.objects.filter(kind=TaskKind.GATHER).update(queue="later")
    run_all(queues="default")
    OrmQ.objects.filter(kind=TaskKind.GATHER).update(queue="default")


def test_a_gather_that_was_overlooked_is_found_again():
    iter_id = async_iter(add, [1])
    OrmQ.objects.filter(chain=iter_id).delete()  # by hand: nobody looks after what followed

    assert gathering.release_all("default")
    assert not gathering.release_all("default")
    assert OrmQ.objects.get().state == TaskState.READY


def test_what_is_not_saved_leaves_no_rows_of_items_either():
    async_iter(add, [1, 2], save=False)

    run_all()

    assert not Task.objects.exists()


def test_what_is_cached_leaves_no_rows():
    iter_id = async_iter(add, [1, 2], cached=60)

    run_all()

    assert result(iter_id) == result(iter_id, cached=True) == [1, 2]
    assert not Task.objects.exists()


@override_settings(Q_CLUSTER={"cached": 60, "save": False})
def test_settings_that_save_nothing_do_not_keep_the_results_apart():
    iter_id = async_iter(add, [1, 2])

    run_all()

    assert result(iter_id) == [1, 2]


def test_an_iteration_is_rolled_back_with_the_callers_transaction():
    with pytest.raises(RuntimeError), transaction.atomic():
        async_iter(add, [1, 2])
        raise RuntimeError

    assert not OrmQ.objects.exists()


def test_what_is_wrong_with_one_item_is_told_before_anything_is_written():
    with pytest.raises(InvalidOption, match="cannot call"):
        async_iter(add, [(1,), (1, 2, 3)])
    assert not OrmQ.objects.exists()


def test_a_hook_is_not_called_and_a_warning_says_so():
    with pytest.warns(UserWarning, match="calls no hook"):
        async_iter(add, [1], hook=seen)

    run_all()

    assert functions.calls == []


def test_sync_runs_all_here():
    assert result(async_iter(add, [1, 2], sync=True)) == [1, 2]


def test_sync_records_all_and_raises_the_first_error():
    with pytest.raises(ValueError, match="one"):
        async_iter(fail, ["one", "two"], sync=True)

    whole = Task.objects.get(chain=None)
    assert whole.error.startswith("ItemsFailed: 2 of 2")
    assert Task.objects.count() == 3


def test_a_coroutine_enqueues_an_iteration():
    iter_id = async_to_sync(aasync_iter)(add, [1])

    run_all()

    assert result(iter_id) == [1]


def test_an_iteration_is_requeued_with_all_its_items():
    first = async_iter(add, [1, 2], second=5, timeout=9, priority=2)
    run_all()

    second = requeue(first)
    run_all()

    assert first != second
    assert result(second) == result(first) == [6, 7]
    assert '"timeout": 9' in fetch(second).options.replace('":9', '": 9')


def test_an_iteration_is_canceled_with_all_its_items():
    iter_id = async_iter(add, [1, 2])

    assert cancel(iter_id)

    assert not OrmQ.objects.exists()
    assert [task.reason for task in Task.objects.all()] == ["canceled"] * 3


# --- as an object --------------------------------------------------------------------------------------------------


def test_an_iter_object_is_filled_and_run_and_asked():
    iteration = Iter(add)
    assert (iteration.append(1), iteration.append(2, 3)) == (1, 2)
    assert (iteration.length(), iteration.result(), iteration.fetch()) == (2, None, None)

    iter_id = iteration.run()
    run_all()

    assert iteration.id == iter_id
    assert iteration.result(wait=1000) == [1, 5]
    assert iteration.fetch().pk == iter_id


def test_an_item_that_is_added_after_the_run_asks_for_another_run():
    iteration = Iter(add, [(1,)], sync=True)
    iteration.run()
    assert iteration.result() == [1]

    iteration.append(2)

    assert iteration.result() is None
    iteration.run()
    assert iteration.result() == [1, 2]


def test_a_cached_iter_object_reads_the_cache():
    iteration = Iter(add, [1, 2], kwargs={"second": 1}, cached=60, sync=True)
    iteration.run()

    assert iteration.result() == [2, 3]
    assert not Task.objects.exists()


def test_an_iter_object_without_a_function_says_what_to_set():
    with pytest.raises(InvalidValue, match="set its func"):
        Iter(args=[1]).run()
