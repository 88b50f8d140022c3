"""What delay() returns, retries that a task asks for, and tasks that expire."""

from datetime import timedelta

import pytest

from django_q import shared_task
from django_q.exceptions import InvalidOption, InvalidValue, TaskFailed
from django_q.kernel import clock
from django_q.kernel.states import Event
from django_q.models import OrmQ, Task
from django_q.tasks import async_task, fetch, requeue, result
from django_q.testing import run_all, time_travel
from django_q_tests.integration.tasks import shared
from django_q_tests.integration.tasks.functions import add

pytestmark = pytest.mark.django_db


# --- the handle ----------------------------------------------------------------------------------------------------


def test_a_handle_is_the_id_of_the_task():
    handle = shared.add.delay(1, right=2)

    assert handle == handle.id == OrmQ.objects.get().pk
    assert type(handle.id) is str and str(handle) == handle.id and handle in {handle.id}


def test_a_handle_tells_where_its_task_stands():
    handle = shared.add.delay(1, right=2)
    assert (handle.status, handle.state, handle.ready(), handle.result) == ("PENDING", "PENDING", False, None)

    run_all()

    assert (handle.status, handle.ready(), handle.successful(), handle.failed()) == ("SUCCESS", True, True, False)
    assert handle.get() == handle.result == 3


def test_a_handle_tells_that_its_task_runs_rests_or_was_revoked():
    running, resting, revoked = (shared.add.delay(number) for number in range(3))
    OrmQ.objects.filter(pk=running).move(Event.CLAIM, token="t", claimed_by="c", running_since=clock.now())
    OrmQ.objects.filter(pk=resting).move(Event.RESCHEDULE, attempts=1, run_after=clock.now() + timedelta(hours=1))
    assert revoked.revoke()

    assert [handle.status for handle in (running, resting, revoked)] == ["STARTED", "RETRY", "REVOKED"]


def test_waiting_for_a_failure_raises_its_error():
    handle = shared.gives_up.delay()
    run_all()

    with pytest.raises(TaskFailed, match="DoNotRetry: no use"):
        handle.get(timeout=1)
    assert handle.status == "FAILURE" and handle.failed()


def test_waiting_in_vain_raises_with_the_reason():
    handle = shared.add.delay(1)

    with pytest.raises(TimeoutError, match=f"{handle} has not ended after 0.01 s: .*no cluster serves"):
        handle.get(timeout=0.01)


def test_a_task_can_be_forgotten():
    handle = shared.add.delay(1)
    run_all()

    assert handle.forget() and not Task.objects.exists() and not handle.forget()


# --- retries -------------------------------------------------------------------------------------------------------


def test_a_task_asks_to_be_run_again_after_a_while():
    handle = shared.stubborn.delay(2)

    (first,) = run_all()

    row = OrmQ.objects.get()
    assert first.is_deferred and row.attempts == 1 and "OSError: attempt 0" in row.errors
    assert abs((row.run_after - clock.now()).total_seconds() - 7) < 5
    with time_travel(timedelta(seconds=60)):
        run_all()
    with time_travel(timedelta(seconds=120)):
        run_all()
    assert result(handle) == 2 and fetch(handle).attempt_count == 3


def test_after_the_last_retry_a_task_fails_of_its_error():
    handle = shared.stubborn.apply_async([9])
    for minute in range(4):
        with time_travel(timedelta(minutes=minute)):
            run_all()

    task = fetch(handle)
    assert (task.success, task.attempt_count, task.error) == (False, 4, "OSError: attempt 3")


def test_a_task_without_an_error_to_raise_gives_up():
    handle = shared.gives_up_after_one_retry.delay()
    for minute in range(2):
        with time_travel(timedelta(minutes=minute)):
            run_all()

    assert "was run 1 times more than once" in fetch(handle).error


def test_retries_follow_one_another_at_once_in_sync_mode(settings):
    settings.Q_CLUSTER = {"sync": True}

    assert fetch(shared.stubborn.delay(2)).attempt_count == 3


def test_outside_of_a_task_a_retry_raises_the_error():
    with pytest.raises(OSError, match="attempt None"):
        shared.stubborn(1)


@pytest.mark.parametrize("name", ["max_retries", "default_retry_delay"])
@pytest.mark.parametrize("value", [-1, "5", True])
def test_a_number_of_retries_or_a_delay_that_cannot_be_used_is_refused(name, value):
    with pytest.raises(InvalidValue, match=f"{name}="):
        shared_task(**{name: value})


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("link", "Use hook="),
        ("autoretry_for", "Use max_attempts="),
        ("ignore_result", "Use save=False"),
        ("soft_time_limit", "Use timeout="),
        ("routing_key", "Use queue="),
    ],
)
def test_an_option_of_celery_that_we_lack_names_its_replacement(name, instead):
    with pytest.raises(InvalidOption, match=f"'{name}' of Celery is no option here. {instead}"):
        shared.add.apply_async((1,), **{name: "x"})


# --- expiry --------------------------------------------------------------------------------------------------------


def test_a_task_that_begins_in_time_runs():
    handle = shared.add.apply_async((1,), expires=60)

    run_all()

    assert handle.get() == 1


def test_a_task_that_would_begin_too_late_is_canceled_unrun():
    handle = async_task(add, 1, expires=clock.now() - timedelta(seconds=1))

    run_all()

    task = fetch(handle)
    assert (task.success, task.reason) == (False, "canceled")
    assert "TaskExpired: The task did not begin before" in task.error


def test_a_task_that_lapsed_can_be_run_again():
    handle = async_task(add, 1, expires=clock.now() - timedelta(seconds=1), timeout=60)
    run_all()

    again = requeue(handle)
    run_all()

    assert result(again) == 1 and fetch(again).options == '{"timeout":60}'
