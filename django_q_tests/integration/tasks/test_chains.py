from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_q import signals
from django_q.exceptions import InvalidOption, InvalidValue
from django_q.kernel.states import TaskState
from django_q.models import Failure, OrmQ, Task
from django_q.tasks import (
    Chain,
    aasync_chain,
    async_chain,
    cancel,
    count_group,
    delete,
    fetch_group,
    queue_size,
    result_group,
    why,
)
from django_q.testing import run_all
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import add, ended_before, fail, fail_until, seen

pytestmark = pytest.mark.django_db(transaction=True)

COPYSIGN = "math.copysign"


@pytest.fixture(autouse=True)
def nothing_called():
    functions.calls.clear()


def states():
    return [TaskState(state) for state in OrmQ.objects.order_by("pk").values_list("state", flat=True)]


def test_all_steps_are_in_the_queue_from_the_beginning_and_the_later_ones_wait():
    async_chain([(COPYSIGN, (1, -1)), (COPYSIGN, (2, -1)), (COPYSIGN, (3, -1))])

    assert states() == [TaskState.READY, TaskState.WAITING, TaskState.WAITING]
    assert queue_size() == 3
    assert "it follows" in why(OrmQ.objects.order_by("pk").last().pk)


def test_steps_run_one_after_the_other_in_one_group():
    group = async_chain([ended_before, ended_before, ended_before])

    run_all()

    assert result_group(group) == [0, 1, 2]
    assert count_group(group) == 3


@pytest.mark.parametrize("link", [COPYSIGN, (COPYSIGN,), [COPYSIGN, [1, -1]], (COPYSIGN, (1,), {}), ended_before])
def test_a_step_is_a_function_or_a_tuple_that_begins_with_one(link):
    async_chain([link])

    assert states() == [TaskState.READY]


@pytest.mark.parametrize("link", [(), 5, (COPYSIGN, 1), (COPYSIGN, "ab"), (COPYSIGN, (), ()), (COPYSIGN, (), {}, 1)])
def test_what_is_no_step_is_refused_with_the_way_to_write_one(link):
    with pytest.raises(InvalidValue, match="Write"):
        async_chain([COPYSIGN, link])
    assert not OrmQ.objects.exists()


def test_a_chain_without_steps_is_refused():
    with pytest.raises(InvalidValue, match="at least one"):
        async_chain([])


def test_the_callers_list_is_left_as_it_was():
    links = [(add, (1,), {"second": 2}), ended_before]

    async_chain(links, sync=False)

    assert links == [(add, (1,), {"second": 2}), ended_before]


def test_options_of_a_step_go_with_it_and_those_of_the_chain_with_all():
    async_chain([(add, (1,), {"task_name": "first", "second": 1, "priority": 7}), (add, (2,))], priority=3, timeout=9)

    first, second = OrmQ.objects.order_by("pk")
    assert (first.name, first.priority, second.priority) == ("first", 7, 3)
    assert '"timeout":9' in first.options and '"timeout":9' in second.options


def test_a_later_step_cannot_say_when_it_begins():
    with pytest.raises(InvalidValue, match="begins when the one before"):
        async_chain([COPYSIGN, (COPYSIGN, (1, 1), {"run_after": timedelta(1)})])


def test_an_unknown_option_is_refused_before_anything_is_written():
    with pytest.raises(InvalidOption, match="priority"):
        async_chain([(add, (1,)), (add, (2,), {"priorty": 1})])
    assert not OrmQ.objects.exists()


def test_the_given_group_is_the_one_that_is_returned():
    assert async_chain([ended_before], group="nightly") == "nightly"
    assert OrmQ.objects.get().group == "nightly"


def test_a_chain_is_rolled_back_with_the_callers_transaction():
    with pytest.raises(RuntimeError), transaction.atomic():
        async_chain([ended_before, ended_before])
        raise RuntimeError

    assert not OrmQ.objects.exists()


def test_a_failed_step_ends_the_chain_and_each_later_step_says_which_one_failed():
    group = async_chain([(add, (1,)), (fail, ()), (add, (2,)), (add, (3,), {"hook": seen})])

    run_all()

    first, failed, *later = fetch_group(group)
    assert (first.success, failed.success, [task.reason for task in later]) == (True, False, ["canceled", "canceled"])
    assert all(failed.pk in task.error and failed.name in task.error for task in later)
    assert functions.calls == [(later[1].pk, False, True)]  # the hook of a step that never ran
    assert result_group(group) == [1]
    assert not OrmQ.objects.exists()


def test_a_chain_goes_on_after_a_failure_if_asked_to():
    group = async_chain([(fail, ()), (add, (2,))], on_failure="continue")

    run_all()

    assert [task.success for task in fetch_group(group)] == [False, True]


@pytest.mark.parametrize("on_failure", ["go on", None, True])
def test_another_policy_is_refused(on_failure):
    with pytest.raises(InvalidValue, match="'stop' or 'continue'"):
        async_chain([add], on_failure=on_failure)


def test_a_step_that_is_tried_again_releases_the_next_one_once():
    group = async_chain([(fail_until, (3,), {"max_attempts": 3, "backoff": 1}), (add, (5,))])

    run_all(deferred=True)

    assert result_group(group) == [3, 5]


def test_a_chain_needs_no_row_of_history_to_go_on():
    group = async_chain([(add, (1,)), (add, (2,))], save=False)

    run_all()

    assert not OrmQ.objects.exists()
    assert count_group(group) == 0


@pytest.mark.parametrize("end", [cancel, delete])
def test_a_step_that_is_taken_out_ends_what_follows(end):
    async_chain([(add, (1,)), (add, (2,)), (add, (3,))])
    second = OrmQ.objects.order_by("pk")[1]

    assert end(second.pk)

    assert states() == [TaskState.READY]
    assert Failure.objects.filter(error__contains=second.name).count() == 1


def test_signals_tell_of_every_step():
    told = []

    def remember(task, **kwargs):
        told.append(task["args"])

    signals.pre_enqueue.connect(remember)
    signals.post_enqueue.connect(remember)
    try:
        async_chain([(add, (1,)), (add, (2,))])
    finally:
        signals.pre_enqueue.disconnect(remember)
        signals.post_enqueue.disconnect(remember)

    assert told == [(1,), (2,), (1,), (2,)]


def test_a_coroutine_enqueues_a_chain():
    group = async_to_sync(aasync_chain)([(add, (1,)), (add, (2,))])

    run_all()

    assert result_group(group) == [1, 2]


# --- here and now --------------------------------------------------------------------------------------------------


def test_sync_runs_all_steps_here():
    group = async_chain([(add, (1,)), (add, (2,))], sync=True)

    assert result_group(group) == [1, 2]


def test_sync_records_what_a_failure_ends_and_raises_it():
    with pytest.raises(ValueError, match="no"):
        async_chain([(add, (1,)), (fail, ()), (add, (3,)), (add, (4,))], group="here", sync=True)

    assert [task.reason for task in fetch_group("here")] == [None, "error", "canceled", "canceled"]
    assert not OrmQ.objects.exists()


def test_sync_goes_on_if_asked_to_and_raises_the_first_error_at_the_end():
    with pytest.raises(ValueError, match="one"):
        async_chain([(fail, ("one",)), (fail, ("two",)), (add, (3,))], "here", sync=True, on_failure="continue")

    assert [task.success for task in fetch_group("here")] == [False, False, True]


# --- as an object --------------------------------------------------------------------------------------------------


def test_a_chain_object_is_filled_and_run_and_asked():
    chain = Chain()
    assert (chain.append(add, 1), chain.append(add, 2, second=3)) == (1, 2)
    assert (chain.current(), chain.result(), chain.fetch(), chain.length()) == (None, None, None, 2)

    group = chain.run()
    assert (chain.current(), chain.result()) == (0, None)
    run_all()

    assert (chain.current(), chain.result(wait=1000), chain.result()) == (2, [1, 5], [1, 5])
    assert [task.group for task in chain.fetch()] == [group, group]


def test_a_step_that_is_added_after_the_run_deletes_what_it_left():
    chain = Chain([(add, (1,))], sync=True)
    chain.run()
    assert chain.result() == [1]

    chain.append(add, 2)

    assert chain.result() is None
    assert not Task.objects.exists()
    chain.run()
    assert chain.result() == [1, 2]


def test_a_chain_object_passes_its_policy_on():
    chain = Chain([(fail, ()), (add, (2,))], on_failure="continue")
    chain.run()
    run_all()

    assert [task.success for task in chain.fetch()] == [False, True]
    assert [task.success for task in chain.fetch(failures=False)] == [True]
