"""Statements 22 to 37: groups, cached results, iterations, chains and calls as objects."""

from uuid import uuid4

import acceptance_jobs
import pytest
from django.contrib.auth.models import User

from django_q.models import Task
from django_q.tasks import (
    AsyncTask,
    Chain,
    Iter,
    async_chain,
    async_iter,
    async_task,
    count_group,
    delete_cached,
    delete_group,
    fetch,
    fetch_group,
    result,
    result_group,
)

statement = pytest.mark.statement
DOUBLE = "acceptance_jobs.double"
WAIT = 30_000


@pytest.fixture
def group(ended):
    """A group of three successes and a failure."""
    name = f"group {uuid4().hex}"
    ids = [async_task(DOUBLE, number, group=name) for number in (1, 2, 3)]
    ended(*ids, async_task(acceptance_jobs.fail, group=name))
    return name


@statement("22")
def test_results_are_of_successes_and_tasks_are_all(group):
    assert sorted(result_group(group)) == [2, 4, 6]
    assert len(list(result_group(group, failures=True))) == 4
    assert len(list(fetch_group(group))) == 4
    assert len(list(fetch_group(group, failures=False))) == 3


@statement("23")
def test_a_count_is_of_all_or_of_failures(group):
    assert (count_group(group), count_group(group, failures=True)) == (4, 1)
    assert count_group(f"missing {group}", cached=True) is None


@statement("24")
def test_a_count_waits_for_so_many(cluster):
    name = f"group {uuid4().hex}"
    for number in (1, 2, 3):
        async_task(DOUBLE, number, group=name)

    assert sorted(result_group(name, count=3, wait=WAIT)) == [2, 4, 6]


@statement("25")
def test_a_group_loses_its_label_or_its_tasks(group):
    ids = [task.id for task in fetch_group(group)]

    assert delete_group(group) == 4
    assert count_group(group) == 0 and Task.objects.filter(pk__in=ids).count() == 4
    Task.objects.filter(pk__in=ids).update(group=group)
    delete_group(group, tasks=True)
    assert not Task.objects.filter(pk__in=ids).exists()


@statement("26")
def test_a_task_asks_for_its_group(group):
    task = fetch_group(group)[0]

    assert sorted(task.group_result()) == sorted(Task.get_result_group(group)) == [2, 4, 6]
    assert task.group_count() == Task.get_group_count(group) == 4
    assert Task.get_group_count(group, failures=True) == 1
    assert Task.get_task_group(group).count() == 4
    assert task.group_delete() == 4


# --- cached --------------------------------------------------------------------------------------------------------


@statement("27", "28")
@pytest.mark.parametrize("cached", [True, 60])
def test_a_cached_result_is_in_the_cache_only(cluster, cached):
    task_id = async_task(DOUBLE, 4, cached=cached)

    assert result(task_id, wait=WAIT, cached=True) == 8
    assert not Task.objects.filter(pk=task_id).exists()
    task = fetch(task_id, cached=True)
    assert (task.id, task.result, task.success) == (task_id, 8, True)
    assert delete_cached(task_id) and fetch(task_id, cached=True) is None
    task.save()
    assert result(task_id) == 8


@statement("28")
def test_a_cached_group_is_deleted(cluster):
    name = f"group {uuid4().hex}"
    for number in (1, 2):
        async_task(DOUBLE, number, group=name, cached=60)

    assert sorted(result_group(name, count=2, wait=WAIT, cached=True)) == [2, 4]
    assert count_group(name, cached=True) == 2
    delete_group(name, cached=True)
    assert not count_group(name, cached=True)


# --- iterations ----------------------------------------------------------------------------------------------------


@statement("30")
def test_an_iteration_gives_the_list_of_all_results(cluster):
    task_id = async_iter("math.floor", [1.5, 2.5, (3.5,)])

    assert sorted(result(task_id, wait=WAIT)) == [1, 2, 3]
    assert sorted(fetch(task_id).result) == [1, 2, 3]


@statement("32")
def test_an_iteration_is_an_object_too(cluster):
    items = Iter("math.copysign")
    assert items.append(1, -1) == 1 and items.append(2, -1) == 2

    items.run()

    assert sorted(items.result(wait=WAIT)) == [-2.0, -1.0]
    assert sorted(items.fetch().result) == [-2.0, -1.0]
    assert items.length() == 2
    items.append(3, -1)
    assert items.result() is None


# --- chains --------------------------------------------------------------------------------------------------------


@statement("33")
def test_a_chain_takes_functions_and_tuples_and_runs_them_in_turn(cluster, lines):
    name = uuid4().hex
    mark = "acceptance_jobs.mark"
    steps = [(mark, (name, 1)), (mark, [name], {"word": 2}), ("acceptance_jobs.process",), acceptance_jobs.echo]

    group = async_chain(steps)

    found = list(result_group(group, count=4, wait=WAIT))
    assert 1 in found and 2 in found and ((), {}) in found
    assert lines(name) == ["1", "2"]
    tasks = sorted(fetch_group(group), key=lambda task: task.stopped)
    assert [task.func for task in tasks] == [mark, mark, "acceptance_jobs.process", "acceptance_jobs.echo"]


@statement("34")
def test_a_chain_is_an_object_too(cluster):
    chain = Chain()
    assert chain.append(DOUBLE, 1) == 1 and chain.append(DOUBLE, 2) == 2
    assert chain.current() is None

    chain.run()

    assert sorted(result_group(chain.group, count=2, wait=WAIT)) == [2, 4]
    assert (chain.length(), chain.current()) == (2, 2)
    assert sorted(chain.result()) == [2, 4] and len(list(chain.fetch())) == 2
    chain.append(DOUBLE, 3)
    assert count_group(chain.group) == 0


# --- AsyncTask -----------------------------------------------------------------------------------------------------


@statement("37")
def test_a_call_is_an_object_too(cluster):
    call = AsyncTask(DOUBLE, 5, group="thirty-seven")
    assert (call.func, call.args, call.group, call.started, call.result()) == (
        DOUBLE,
        (5,),
        "thirty-seven",
        False,
        None,
    )

    call.run()

    assert call.started and call.result(wait=WAIT) == 10
    assert (call.fetch().id, 10 in call.result_group(), len(list(call.fetch_group())) > 0) == (call.id, True, True)
    call.hook = "acceptance_jobs.hook"
    assert not call.started and call.result() is None


@statement("37")
def test_a_property_writes_into_the_options_where_there_are_any():
    options = AsyncTask(DOUBLE, 5, q_options={"group": "before"})
    options.group = "after"

    assert options.group == "after" and options.kwargs["q_options"]["group"] == "after"
    plain = AsyncTask(DOUBLE, 5)
    plain.save = False
    assert plain.kwargs["save"] is False


# --- the queue -----------------------------------------------------------------------------------------------------


@statement("39")
def test_a_task_that_runs_here_leaves_the_callers_transaction_alone():
    from django.db import transaction

    name = uuid4().hex
    with transaction.atomic():
        User.objects.create(username=name)
        async_task(DOUBLE, 2, sync=True)
        assert User.objects.filter(username=name).exists()
        transaction.set_rollback(True)

    assert not User.objects.filter(username=name).exists()


@statement("40")
def test_sizes_are_of_what_waits():
    from django_q.brokers import get_broker
    from django_q.tasks import queue_size

    broker = get_broker("forty")
    before = broker.queue_size()
    for number in (1, 2, 3):
        async_task(DOUBLE, number, cluster="forty")

    assert broker.queue_size() == before + 3 == queue_size(broker=broker)
    assert broker.lock_size() == 0
    assert broker.ping() and "ORM" in broker.info()
    broker.purge_queue()
    assert broker.queue_size() == 0
