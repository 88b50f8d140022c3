"""``user_task_stopped``: once for each row that ends, after the commit."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from django_q.contrib.user_tasks import user_task_stopped
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.receivers import sweep
from django_q.models import OrmQ
from django_q.tasks import async_chain, async_iter, cancel
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed
from django_q_tests.contrib.user_tasks.followed import bare, counts, fails, state_of


@pytest.fixture
def heard():
    """Name and state of each row that the signal told of, as the object and as the database has it."""
    found = []

    def receive(sender, status, **kwargs):
        assert sender is UserTaskStatus and not connection.in_atomic_block
        found.append((status.name, status.state, state_of(status)))

    user_task_stopped.connect(receive)
    yield found
    user_task_stopped.disconnect(receive)


@pytest.fixture
def user(transactional_db):
    return followed.make_user()


@pytest.mark.parametrize(
    ("task", "state"),
    [
        (bare, "Succeeded"),
        (fails, "Failed"),
        (followed.fails_by_hand, "Failed"),
        (followed.fails_once, "Succeeded"),
        (followed.is_canceled_meanwhile, "Canceled"),
        (followed.counts_async, "Succeeded"),
    ],
)
def test_the_end_of_a_run_is_told_once(user, heard, task, state):
    task.delay(user.pk)
    assert heard == []

    run_all(deferred=True)

    assert [told[1:] for told in heard] == [(state, state)]


def test_a_cancel_before_the_start_is_told_once_and_sees_it(user, heard):
    bare.delay(user.pk)
    row = UserTaskStatus.objects.get()
    with transaction.atomic():
        row.cancel()
        assert heard == []
    assert heard == [("bare", "Canceled", "Canceled")]

    row.cancel()
    run_all()
    assert len(heard) == 1


def test_a_cancel_of_the_core_task_is_told_once(user, heard):
    cancel(bare.delay(user.pk))

    assert heard == [("bare", "Canceled", "Canceled")]


@pytest.mark.parametrize("task", [bare, fails])
def test_a_cancel_of_what_has_ended_tells_nothing(user, heard, task):
    task.delay(user.pk)
    run_all()
    UserTaskStatus.objects.get().cancel()

    assert len(heard) == 1 and heard[0][1] != "Canceled"


def test_a_cancel_that_is_rolled_back_is_not_told(user, heard):
    bare.delay(user.pk)
    with transaction.atomic():
        UserTaskStatus.objects.get().cancel()
        transaction.set_rollback(True)

    assert heard == []
    run_all()
    assert heard == [("bare", "Succeeded", "Succeeded")]


def test_a_container_is_told_of_once_after_its_tasks(user, heard):
    async_chain([(counts, (user.pk, 1), {"user_task_name": "Chain"}), (bare, (user.pk,))])
    run_all()

    assert [told[:2] for told in heard] == [("Count to 1", "Succeeded"), ("bare", "Succeeded"), ("Chain", "Succeeded")]


def test_a_canceled_container_is_told_of_once_and_so_are_its_tasks(user, heard):
    async_iter(counts, [(user.pk, 1), (user.pk, 2)], user_task_name="Group")
    UserTaskStatus.objects.get(parent=None).cancel()
    run_all()

    assert sorted(told[:2] for told in heard) == [
        ("Count to 1", "Canceled"), ("Count to 2", "Canceled"), ("Group", "Canceled"),
    ]  # fmt: skip


def test_a_chain_that_fails_tells_of_every_row_once(user, heard):
    async_chain([(fails, (user.pk,)), (counts, (user.pk, 1)), (counts, (user.pk, 2), {"user_task_name": "Chain"})])
    run_all()

    assert sorted(told[:2] for told in heard) == [
        ("Chain", "Failed"), ("Count to 1", "Canceled"), ("Count to 2", "Canceled"), ("fails", "Failed"),
    ]  # fmt: skip


def test_a_receiver_that_raises_is_logged_and_changes_nothing(user, heard, caplog):
    def receive(**kwargs):
        raise RuntimeError("the mail server is gone")

    user_task_stopped.connect(receive)
    try:
        bare.delay(user.pk)
        run_all()
    finally:
        user_task_stopped.disconnect(receive)

    assert len(heard) == 1 and "the mail server is gone" in caplog.text
    assert UserTaskStatus.objects.get().state == "Succeeded"


def test_in_sync_mode_it_is_told_too(user, heard):
    bare.apply_async([user.pk], sync=True)

    assert heard == [("bare", "Succeeded", "Succeeded")]


def test_what_left_the_queue_without_a_word_is_told_of_by_the_sweep(user, heard):
    bare.delay(user.pk)
    OrmQ.objects.all().delete()
    sweep(using="default")
    assert heard == []

    row = UserTaskStatus.objects.get()
    UserTaskStatus.objects.update(modified=row.modified - timedelta(hours=2))
    sweep(using="default")
    assert heard == [("bare", "Failed", "Failed")] and row.artifacts.get().text.startswith("The task was interrupted")


@pytest.mark.parametrize(
    ("task", "state"), [(bare, "Succeeded"), (fails, "Failed"), (followed.must_not_run, "Canceled")]
)
def test_the_sweep_reads_in_the_history_how_a_task_ended(user, heard, task, state):
    handle = task.delay(user.pk)
    cancel(handle) if state == "Canceled" else run_all()
    lost = UserTaskStatus.objects.get().modified - timedelta(hours=2)
    UserTaskStatus.objects.update(state="In Progress", modified=lost)
    heard.clear()

    sweep(using="default")

    assert [told[1] for told in heard] == [state]


def test_the_sweep_leaves_alone_what_was_reset_after_its_end(user, heard):
    bare.delay(user.pk)
    run_all()
    row = UserTaskStatus.objects.get()
    row.reset()
    with patch("django_q.contrib.user_tasks.receivers._LOST_AFTER", timedelta(0)):
        sweep(using="default")

    assert state_of(row) == "Pending"


def test_the_sweep_ends_a_container_whose_end_nobody_saw(user, heard):
    async_iter(counts, [(user.pk, 1), (user.pk, 2)], user_task_name="Group")
    sweep(using="default")
    UserTaskStatus.objects.filter(is_container=False).update(state="Succeeded")

    sweep(using="default")
    sweep(using="default")

    assert heard == [("Group", "Succeeded", "Succeeded")]
