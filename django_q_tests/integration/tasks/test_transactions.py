from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from django_q.brokers import current_broker
from django_q.brokers.base import DUE
from django_q.exceptions import UnpicklableError
from django_q.models import OrmQ
from django_q.tasks import async_task, queue_size

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_task_is_rolled_back_with_its_transaction(rung):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        async_task("math.floor", 1)
        assert queue_size() == 1
        raise ZeroDivisionError

    assert queue_size() == 0
    assert rung == []


def test_a_task_is_announced_when_its_transaction_is_committed(rung):
    with transaction.atomic():
        async_task("math.floor", 1, cluster="slow")
        assert rung == []

    assert rung == ["slow"]


def test_a_transaction_rings_once_for_each_queue(rung):
    with transaction.atomic():
        for _ in range(3):
            async_task("math.floor", 1)
        async_task("math.floor", 1, cluster="slow")
        async_task("math.floor", 1)

    assert sorted(rung) == ["default", "slow"]


def test_a_savepoint_that_is_rolled_back_does_not_take_the_ring_with_it(rung):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            async_task("math.floor", 1)
            raise ZeroDivisionError
        async_task("math.floor", 1)
        with transaction.atomic():
            async_task("math.floor", 1)

    assert rung == ["default"]


def test_the_keepers_are_told_of_a_task_that_is_due_later(rung, monkeypatch):
    told = []
    monkeypatch.setattr(current_broker(), "tell_keepers", told.append)

    async_task("math.floor", 1, run_after=timedelta(seconds=1))

    assert told == [DUE]
    assert rung == []


def test_an_announcement_that_fails_does_not_reach_the_caller(monkeypatch, caplog):
    def fail(queues):
        raise RuntimeError("no bell")

    monkeypatch.setattr(current_broker(), "announce", fail)

    async_task("math.floor", 1)
    with transaction.atomic():
        async_task("math.floor", 1)

    assert queue_size() == 2


def test_a_caller_that_commits_by_hand_is_served(rung):
    transaction.set_autocommit(False)
    try:
        async_task("math.floor", 1)
        transaction.rollback()
        async_task("math.floor", 2)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)

    assert [row.args for row in OrmQ.objects.all()] == [(2,)]


def test_the_transaction_of_another_database_is_waited_for(other, rung):
    with transaction.atomic(using=other):
        values = [1]
        task_id = async_task("math.fsum", values)
        values.append(2)
        assert queue_size() == 0

    assert OrmQ.objects.get(pk=task_id).args == ([1],)
    assert rung == ["default"]


def test_what_cannot_be_pickled_is_refused_before_the_other_database_commits(other):
    with transaction.atomic(using=other), pytest.raises(UnpicklableError):
        async_task("math.fsum", lambda: None)


def test_a_task_ends_with_the_rolled_back_transaction_of_another_database(other):
    with pytest.raises(ZeroDivisionError), transaction.atomic(using=other):
        async_task("math.floor", 1)
        raise ZeroDivisionError

    assert queue_size() == 0


def test_our_own_transaction_comes_before_that_of_another_database(other):
    with transaction.atomic(using=other), transaction.atomic():
        async_task("math.floor", 1)
        assert queue_size() == 1


@pytest.mark.django_db
def test_a_broken_transaction_is_djangos_error():
    with pytest.raises(TransactionManagementError), transaction.atomic():
        transaction.set_rollback(True)
        async_task("math.floor", 1)


def test_the_callers_connection_stays_open():
    connection.ensure_connection()
    before = connection.connection

    async_task("math.floor", 1)

    assert connection.connection is before
