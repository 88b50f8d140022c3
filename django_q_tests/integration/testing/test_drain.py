import time
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from django_q.exceptions import FunctionNotFound, InvalidValue, TaskTimeout
from django_q.kernel.states import Event, TaskState
from django_q.models import Failure, OrmQ, Task
from django_q.tasks import aasync_task, async_task, cancel, current_task, fetch, result
from django_q.testing import TooManyRuns, run_all
from django_q_tests.integration.testing import jobs

PATH = "django_q_tests.integration.testing.jobs"

no_transaction = pytest.mark.django_db(transaction=True)


# --- what runs -----------------------------------------------------------------------------------------------------


def test_a_task_runs_and_is_recorded(either_db):
    task_id = async_task(jobs.add, 1, second=2, group="sums", task_name="sum")

    [run] = run_all()

    assert (run.id, run.name, run.func, run.group, run.queue) == (task_id, "sum", f"{PATH}.add", "sums", "default")
    assert (run.success, run.reason, run.result, run.error, run.attempt) == (True, "succeeded", 3, "", 1)
    assert result(task_id) == 3
    assert not OrmQ.objects.exists()


def test_nothing_is_run_twice_and_nothing_is_a_list_without_runs(either_db):
    async_task(jobs.note, 1)

    run_all()

    assert run_all() == []
    assert jobs.calls == [1]


def test_what_a_task_enqueues_runs_as_well(either_db):
    async_task(jobs.enqueue_another, 3)

    assert [run.result for run in run_all()] == [3, 2, 1, 0]


def test_a_hook_runs_after_its_task(either_db):
    task_id = async_task(jobs.add, 1, 2, hook=jobs.hook)

    runs = run_all()

    assert jobs.calls == [(task_id, True, 3)]
    assert [run.is_hook for run in runs] == [False, True]
    assert (len(runs.tasks), len(runs.hooks)) == (1, 1)


def test_the_hook_of_a_failure_runs_too(either_db):
    async_task(jobs.fail, hook=f"{PATH}.hook")

    run_all()

    assert [success for _, success, _ in jobs.calls] == [False]


def test_a_hook_that_fails_leaves_the_result_and_is_among_the_runs(either_db):
    task_id = async_task(jobs.add, 1, hook=jobs.broken_hook)

    runs = run_all()

    assert [run.error for run in runs.failed] == ["RuntimeError: hook"]
    assert fetch(task_id).hook_error


def test_a_later_step_runs_when_its_predecessor_has_succeeded(either_db):
    first, second = async_task(jobs.note, 1), async_task(jobs.note, 2, priority=9)
    OrmQ.objects.filter(pk=first).update(chain="c" * 32)
    waiting = {"state": TaskState.WAITING.value, "waits_for": first, "chain": "c" * 32}
    OrmQ.objects.filter(pk=second).update(**waiting)

    run_all()

    assert jobs.calls == [1, 2]


def test_the_greatest_priority_runs_first_and_then_who_came_first(either_db):
    for value, priority in ((1, 0), (2, 5), (3, 0), (4, 5)):
        async_task(jobs.note, value, priority=priority)

    run_all()

    assert jobs.calls == [2, 4, 1, 3]


def test_all_queues_are_worked_on_unless_some_are_named(either_db):
    for queue in ("default", "slow", "mail"):
        async_task(jobs.note, queue, cluster=queue)

    run_all(queues="slow")
    assert jobs.calls == ["slow"]
    run_all(queues=["mail", "slow"])
    assert jobs.calls == ["slow", "mail"]
    run_all()
    assert jobs.calls == ["slow", "mail", "default"]


def test_what_a_cluster_holds_is_left_to_it(either_db):
    task_id = async_task(jobs.note, 1)
    OrmQ.objects.filter(pk=task_id).move(Event.CLAIM, token="t", claimed_by="another")

    assert run_all() == []


def test_a_task_that_was_canceled_does_not_run(either_db):
    cancel(async_task(jobs.note, 1))

    assert run_all() == []


def test_a_success_that_is_not_kept_is_still_among_the_runs(either_db):
    async_task(jobs.add, 1, 2, save=False)

    assert [run.result for run in run_all()] == [3]
    assert not Task.objects.exists()


def test_the_running_task_is_known_inside_only(either_db):
    async_task(jobs.fail_until, 1)
    async_task(jobs.write_user_later, "anna")

    assert all(run.success for run in run_all())
    assert current_task() is None


# --- failures ------------------------------------------------------------------------------------------------------


def test_a_failure_is_recorded_and_not_raised(either_db):
    async_task(jobs.fail)

    [run] = run_all()

    assert (run.success, run.reason, run.error, run.is_deferred) == (False, "failed", "ValueError: no", False)
    assert isinstance(run.exception, ValueError)
    assert "ValueError: no" in run.result
    assert Failure.objects.get().error == "ValueError: no"


def test_a_failure_is_raised_if_that_is_asked_for_and_recorded_all_the_same(either_db):
    async_task(jobs.fail, "no")
    async_task(jobs.note, 1)

    with pytest.raises(ValueError, match="^no$"):
        run_all(raise_errors=True)

    assert Failure.objects.count() == 1
    assert run_all().failed == []
    assert jobs.calls == [1]


def test_an_attempt_that_is_left_waits_for_its_time(either_db):
    task_id = async_task(jobs.fail_until, 2, max_attempts=3, backoff=60)

    [run] = run_all()

    assert run.is_deferred
    row = OrmQ.objects.get(pk=task_id)
    assert (row.state, row.attempts) == (TaskState.DEFERRED, 1)
    assert repr(run) == f"<task {PATH}.fail_until failed: ValueError: attempt 1, due again later>"


def test_attempts_without_a_pause_follow_at_once(either_db):
    task_id = async_task(jobs.fail_until, 3, max_attempts=5, backoff=0)

    assert [run.attempt for run in run_all()] == [1, 2, 3]
    assert result(task_id) == 3


def test_a_function_that_does_not_exist_is_raised_with_the_nearest_name(either_db):
    async_task(f"{PATH}.nota", 1)

    with pytest.raises(FunctionNotFound, match=f"Did you mean '{PATH}.note'"):
        run_all()


def test_a_time_limit_counts(either_db):
    async_task(time.sleep, 5, timeout=0.05)

    [run] = run_all()

    assert run.reason == "timed out"
    assert isinstance(run.exception, TaskTimeout)


def test_ctrl_c_reaches_the_test_run(either_db):
    async_task(jobs.interrupt)

    with pytest.raises(KeyboardInterrupt):
        run_all()


def test_skipping_inside_a_task_reaches_the_test_run(either_db, monkeypatch):
    monkeypatch.setattr(jobs, "note", pytest.skip)
    async_task(f"{PATH}.note", "not here")

    with pytest.raises(pytest.skip.Exception, match="not here"):
        run_all()


def test_tasks_that_enqueue_for_ever_are_stopped_with_a_reason(either_db):
    async_task(jobs.for_ever)

    with pytest.raises(TooManyRuns, match=rf"after 20 attempts, and more is ready: {PATH}.for_ever ran 20 times"):
        run_all(limit=20)


def test_as_many_as_the_limit_may_run(either_db):
    async_task(jobs.enqueue_another, 4)

    assert len(run_all(limit=5)) == 5


@override_settings(Q_CLUSTER={"hook_max_attempts": 0, "backoff": 0})
def test_a_hook_without_a_limit_is_stopped_too(either_db):
    async_task(jobs.add, 1, hook=jobs.broken_hook)

    with pytest.raises(TooManyRuns, match="broken_hook ran 9 times"):
        run_all(limit=10)


def test_a_task_that_gives_itself_back_is_stopped_too(either_db):
    async_task(jobs.is_stopped)

    with pytest.raises(TooManyRuns):
        run_all(limit=3)


@pytest.mark.parametrize("limit", [0, -1, True, "many"])
def test_a_limit_that_cannot_be_is_refused(limit):
    with pytest.raises(InvalidValue, match="write 1 or more"):
        run_all(limit=limit)


# --- what is due later ---------------------------------------------------------------------------------------------


def test_what_is_due_later_stays(either_db):
    async_task(jobs.note, 1, run_after=timedelta(hours=1))

    assert run_all() == []
    assert OrmQ.objects.count() == 1


def test_what_has_become_due_runs(either_db):
    task_id = async_task(jobs.note, 1, run_after=timedelta(hours=1))
    row = OrmQ.objects.get(pk=task_id)
    OrmQ.objects.filter(pk=task_id).update(run_after=row.enqueued_at)

    assert len(run_all()) == 1


def test_what_is_due_later_runs_in_its_order_if_asked_for(either_db):
    async_task(jobs.note, "later", run_after=timedelta(hours=2))
    async_task(jobs.note, "late", run_after=timedelta(hours=1))
    async_task(jobs.note, "now")

    run_all(deferred=True)

    assert jobs.calls == ["now", "late", "later"]


def test_the_attempts_that_are_left_run_if_what_is_deferred_does(either_db):
    async_task(jobs.fail, max_attempts=3, backoff=600)

    runs = run_all(deferred=True)

    assert [run.is_deferred for run in runs] == [True, True, False]
    assert Failure.objects.get().attempt_count == 3


# --- the database --------------------------------------------------------------------------------------------------


def test_a_coroutine_sees_and_shares_the_transaction_of_the_test(either_db):
    User.objects.create(username="anna")
    async_task(jobs.write_user_later, "berta")

    [run] = run_all()

    assert (run.error, run.result) == ("", 2)
    assert User.objects.count() == 2


@pytest.mark.parametrize("job", [jobs.enqueue_after_commit, jobs.enqueue_after_commit_later])
def test_what_a_task_leaves_for_after_its_commit_is_done(either_db, job):
    async_task(job)

    runs = run_all()

    assert jobs.calls == ["after commit"]
    assert len(runs) == 2


def test_what_a_task_rolled_back_is_not_done(either_db):
    async_task(jobs.enqueue_after_rollback)

    run_all()

    assert jobs.calls == ["after rollback"]


def test_an_error_after_the_commit_is_the_tasks(either_db):
    async_task(jobs.fail_after_commit)

    assert [run.error for run in run_all()] == ["ValueError: in a callback"]


@no_transaction
def test_what_a_task_left_for_after_its_commit_is_not_done_again_at_the_tests():
    with transaction.atomic():
        transaction.on_commit(lambda: jobs.note("the test's"))
        async_task(jobs.enqueue_after_commit)
        run_all()
        assert jobs.calls == ["after commit"]

    assert jobs.calls == ["after commit", "the test's"]


def test_an_error_of_the_database_leaves_the_test_usable(either_db):
    User.objects.create(username="anna")
    async_task(jobs.break_the_transaction)
    async_task(jobs.break_a_block_and_go_on)
    async_task(jobs.write_user, "berta")

    runs = run_all()

    assert [run.success for run in runs] == [False, True, True]
    assert User.objects.count() == 2


def test_a_task_that_swallows_an_error_of_the_database_leaves_the_test_usable(either_db):
    async_task(jobs.break_the_transaction_and_go_on)
    async_task(jobs.add, 1, 2)

    first, second = run_all()

    if connection.vendor == "postgresql" and connection.in_atomic_block:
        assert "Use TransactionTestCase for this task" in first.error
    else:
        assert first.result == "went on"
    assert second.result == 3


def test_a_task_that_hits_a_constraint_is_a_failure(either_db):
    User.objects.create(username="anna")
    async_task(jobs.write_user, "anna")

    assert "IntegrityError" in run_all()[0].error
    assert User.objects.count() == 1


@no_transaction
def test_the_connection_of_the_test_stays_open():
    connection.ensure_connection()
    before = connection.connection
    async_task(jobs.fail)

    run_all()

    assert connection.connection is before


class InATestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        async_task(jobs.note, "of the class")

    def setUp(self):
        jobs.calls.clear()

    def test_what_was_enqueued_for_the_class_runs_in_each_test(self):
        run_all()
        assert jobs.calls == ["of the class"]

    def test_and_again_in_the_next(self):
        run_all()
        assert jobs.calls == ["of the class"]

    def test_what_waits_for_the_commit_of_the_test_is_enqueued_by_djangos_own_means(self):
        with self.captureOnCommitCallbacks(execute=True):
            transaction.on_commit(lambda: async_task(jobs.note, "committed"))

        run_all()
        assert jobs.calls == ["of the class", "committed"]


class FromACoroutine(TestCase):
    async def test_tasks_of_both_kinds_run_in_the_transaction_of_the_test(self):
        await aasync_task(jobs.write_user_later, "anna")
        await aasync_task(jobs.write_user, "berta")
        await aasync_task(jobs.enqueue_after_commit_later)

        runs = await sync_to_async(run_all)()

        assert [run.error for run in runs] == [""] * 4
        assert await User.objects.acount() == 2
        assert jobs.calls[-1:] == ["after commit"]


class InATransactionTestCase(TransactionTestCase):
    def test_a_task_runs_outside_of_any_transaction(self):
        async_task(f"{PATH}.add", 1, 2)

        assert [run.result for run in run_all()] == [3]
        assert not connection.in_atomic_block
