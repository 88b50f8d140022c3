import traceback
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from django_q import signals
from django_q.exceptions import FunctionNotFound, TaskTimeout, UnpicklableError
from django_q.models import OrmQ, Task
from django_q.tasks import aasync_task, async_task, current_task, fetch, result
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import Counter, add, broken_hook, fail, fail_until, interrupt, seen

pytestmark = pytest.mark.django_db
PATH = "django_q_tests.integration.tasks.functions"


@pytest.fixture(autouse=True)
def nothing_called_yet():
    functions.calls.clear()


def test_a_task_runs_at_once_and_leaves_the_same_row():
    task_id = async_task(add, 1, 2, sync=True, group="a", task_name="sum")

    task = Task.objects.get()
    assert (task.pk, task.name, task.group, task.result, task.success) == (task_id, "sum", "a", 3, True)
    assert (task.attempt_count, task.cluster, task.queue) == (1, "default", "default")
    assert not OrmQ.objects.exists()


@override_settings(Q_CLUSTER={"sync": True})
def test_the_settings_make_every_task_run_at_once_unless_it_says_otherwise():
    assert result(async_task("math.copysign", 2, -2)) == -2.0
    assert result(async_task("math.copysign", 2, -2, sync=False)) is None


def test_what_is_due_later_runs_at_once_all_the_same():
    assert result(async_task(add, 1, sync=True, run_after=timedelta(hours=1))) == 1


@pytest.mark.parametrize("func", [Counter(5).plus, functions.add_later, "math.copysign"])
def test_every_kind_of_function_runs(func):
    args = (1,) if func == Counter(5).plus or hasattr(func, "__self__") else (1, 2)

    assert result(async_task(func, *args, sync=True)) is not None


def test_the_tasks_own_exception_is_raised_with_its_traceback():
    with pytest.raises(ValueError, match="^no$") as caught:
        async_task(fail, sync=True)

    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][-1] == "fail"
    task = Task.objects.get()
    assert (task.success, task.reason) == (False, "error")


def test_a_function_that_does_not_exist_fails_at_once():
    with pytest.raises(FunctionNotFound, match="nowhere"):
        async_task("nowhere.at_all", sync=True)

    assert not Task.objects.get().success


def test_a_result_that_cannot_be_stored_is_a_failure():
    with pytest.raises(UnpicklableError):
        async_task("threading.Lock", sync=True)

    assert not Task.objects.get().success


def test_attempts_that_are_left_follow_at_once():
    task_id = async_task(fail_until, 3, sync=True, max_attempts=5, backoff=3600)

    assert result(task_id) == 3
    assert fetch(task_id).attempt_count == 3


def test_the_last_attempts_exception_is_raised():
    with pytest.raises(ValueError, match="^2$"):
        async_task(fail_until, 9, sync=True, max_attempts=2)

    assert Task.objects.get().attempt_count == 2


def test_without_a_limit_there_is_one_attempt():
    with pytest.raises(ValueError):
        async_task(fail, sync=True, max_attempts=0)

    assert Task.objects.get().attempt_count == 1


def test_a_keyboard_interrupt_ends_the_task_and_reaches_the_caller():
    with pytest.raises(KeyboardInterrupt):
        async_task(interrupt, sync=True, max_attempts=3)

    assert Task.objects.get().reason == "canceled"


def test_a_time_limit_counts_here_too():
    with pytest.raises(TaskTimeout):
        async_task("time.sleep", 5, sync=True, timeout=0.05)

    assert Task.objects.get().reason == "timeout"


def test_the_hook_is_called_once_with_the_recorded_task():
    task_id = async_task(add, 1, sync=True, hook=seen)

    assert functions.calls == [(task_id, True, True)]
    assert not OrmQ.objects.exists()


def test_the_hook_of_a_failure_is_called_before_the_exception_is_raised():
    with pytest.raises(ValueError):
        async_task(fail, sync=True, hook=f"{PATH}.seen")

    assert [success for _, success, _ in functions.calls] == [False]


def test_a_hook_without_a_path_is_called():
    async_task(add, 1, sync=True, hook=Counter(7).hook)

    assert functions.calls == [(7, 1)]


@pytest.mark.parametrize("hook", [broken_hook, "nowhere.at_all"])
def test_a_hook_that_fails_is_logged_and_the_result_kept(hook, caplog):
    task_id = async_task(add, 1, sync=True, hook=hook)

    assert result(task_id) == 1
    assert fetch(task_id).hook_error
    assert "hook" in caplog.text
    assert not OrmQ.objects.exists()


@override_settings(Q_CLUSTER={"hook_max_attempts": 3})
def test_the_attempts_of_a_hook_follow_at_once():
    async_task(add, 1, sync=True, hook=broken_hook)

    assert not OrmQ.objects.exists()


@override_settings(Q_CLUSTER={"hook_max_attempts": 0})
def test_a_hook_without_a_limit_is_left_to_a_cluster_after_one_attempt():
    async_task(add, 1, sync=True, hook=broken_hook)

    assert OrmQ.objects.count() == 1


def test_a_success_that_is_not_kept_is_still_shown_to_its_hook():
    task_id = async_task(add, 1, sync=True, save=False, hook=seen)

    assert functions.calls == [(task_id, True, True)]
    assert not Task.objects.exists()


def test_the_signals_of_a_whole_life_are_sent():
    names = ("pre_enqueue", "post_enqueue", "pre_execute", "post_execute_in_worker", "post_execute")
    heard = []
    receivers = {name: lambda name=name, **_: heard.append(name) for name in names}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, weak=False)
    try:
        async_task(add, 1, sync=True)
    finally:
        for name, receiver in receivers.items():
            getattr(signals, name).disconnect(receiver)

    assert tuple(heard) == names


def test_the_running_task_is_known_inside_only():
    assert result(async_task(f"{PATH}.fail_until", 1, sync=True)) == 1
    assert current_task() is None


def test_a_coroutine_runs_a_task_at_once():
    async def view():
        return await aasync_task(functions.add_later, 1, 2, sync=True)

    assert result(async_to_sync(view)()) == 3


# --- the caller's transaction and connection -----------------------------------------------------------------------


def test_an_error_of_the_database_in_the_task_leaves_the_callers_transaction_usable():
    with transaction.atomic():
        with pytest.raises(DatabaseError):
            async_task(functions.break_the_transaction, sync=True)

        assert Task.objects.get().reason == "error"


def test_what_a_failed_task_wrote_stays_as_it_would_in_a_worker():
    with pytest.raises(ValueError):
        async_task(f"{PATH}.write_and_fail", sync=True)

    assert User.objects.filter(username="written").exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_is_rolled_back_with_the_callers_transaction():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        async_task(add, 1, sync=True)
        raise ZeroDivisionError

    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_task_runs_outside_of_a_transaction_if_the_caller_has_none():
    assert result(async_task(f"{PATH}.is_atomic", sync=True)) is False
    with transaction.atomic():
        assert result(async_task(f"{PATH}.is_atomic", sync=True)) is True


@pytest.mark.django_db(transaction=True)
def test_the_callers_connection_stays_open():
    connection.ensure_connection()
    before = connection.connection

    with pytest.raises(ValueError):
        async_task(fail, sync=True)

    assert connection.connection is before
