"""@background in its first form."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from django.db import transaction
from django.utils import timezone as django_timezone

from django_q.contrib.background import background
from django_q.models import OrmQ
from django_q.tasks import async_task, fetch, result
from django_q_tests.examples import decorated

HERE = "django_q_tests.examples.decorated"


def row(task_id):
    return OrmQ.objects.get(pk=task_id)


def seconds_ahead(task_id):
    return (row(task_id).run_after - django_timezone.now()).total_seconds()


@pytest.mark.parametrize(
    ("proxy", "name", "schedule", "queue"),
    [
        (decorated.bare, f"{HERE}.bare", None, None),
        (decorated.called, f"{HERE}.called", None, None),
        (decorated.delayed, f"{HERE}.delayed", 60, None),
        (decorated.named, "n", None, "q"),
    ],
)
def test_the_decorator_returns_a_proxy(proxy, name, schedule, queue):
    assert (proxy.name, proxy.schedule, proxy.queue) == (name, schedule, queue)
    assert str(proxy) == f"TaskProxy({name})"


def test_the_proxy_looks_like_its_function():
    assert decorated.bare.__name__ == "bare" and decorated.bare.__doc__ == "Add two numbers."
    assert decorated.bare.task_function(2, 3) == 5


@pytest.mark.django_db
def test_now_runs_here_and_writes_nothing():
    assert decorated.bare.now(2, right=3) == 5
    assert not OrmQ.objects.exists()


@pytest.mark.django_db
def test_a_call_writes_one_row_and_returns_its_id():
    task_id = decorated.bare(2, right=3)

    assert OrmQ.objects.count() == 1
    found = row(task_id)
    assert (found.func, found.args, found.kwargs) == (f"{HERE}.bare", (2,), {"right": 3})
    assert found.get_state_display() == "ready"


@pytest.mark.django_db
def test_the_row_runs_the_function():
    task_id = async_task(row(decorated.bare(2, 3)).func, 2, 3, sync=True)

    assert result(task_id) == 5


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"{HERE}.bare", f"{HERE}:bare", decorated.bare])
def test_the_path_of_a_proxy_runs_the_function_and_enqueues_nothing(path):
    task_id = async_task(path, 2, 3, sync=True)

    assert result(task_id) == 5
    assert not OrmQ.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"{HERE}.again", f"{HERE}.again.task_function"])
def test_a_function_that_calls_its_proxy_enqueues_the_next_round(path):
    task_id = async_task(path, 2, sync=True)

    (following,) = OrmQ.objects.all()
    assert fetch(task_id).result == following.pk
    assert (following.func, following.args) == (f"{HERE}.again", (1,))


@pytest.mark.django_db
def test_a_function_that_calls_another_proxy_enqueues_that():
    async_task(f"{HERE}.caller", sync=True)

    assert OrmQ.objects.get().func == f"{HERE}.bare"


@pytest.mark.django_db
@pytest.mark.parametrize("schedule", [90, 90.0, timedelta(seconds=90), "datetime"])
def test_a_call_can_be_put_off(schedule):
    moment = django_timezone.now() + timedelta(seconds=90) if schedule == "datetime" else schedule

    task_id = decorated.bare(2, 3, schedule=moment)

    assert abs(seconds_ahead(task_id) - 90) < 1
    assert row(task_id).get_state_display() == "deferred"


@pytest.mark.django_db
def test_the_call_wins_over_the_decorator():
    assert abs(seconds_ahead(decorated.delayed()) - 60) < 1
    assert abs(seconds_ahead(decorated.delayed(schedule=120)) - 120) < 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "schedule", [0, 0.0, timedelta(0), -5, timedelta(days=-1), datetime(2001, 1, 1, tzinfo=timezone.utc)]
)
def test_zero_and_the_past_mean_now(schedule):
    assert row(decorated.delayed(schedule=schedule)).get_state_display() == "ready"


@pytest.mark.django_db
def test_a_datetime_without_a_zone_is_read_in_the_current_one(settings):
    moment = datetime(2100, 7, 1, 12, 0)  # noqa: DTZ001

    with django_timezone.override("Europe/Warsaw"), pytest.warns(RuntimeWarning, match="'Europe/Warsaw'") as caught:
        task_id = decorated.bare(2, 3, schedule=moment)

    assert row(task_id).run_after == datetime(2100, 7, 1, 10, 0, tzinfo=timezone.utc)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("schedule", ["soon", True, float("nan"), {"in": 5}, [60]])
def test_a_schedule_that_is_none_is_refused(schedule):
    with pytest.raises(TypeError, match="neither a moment nor a delay"):
        decorated.bare(2, 3, schedule=schedule)
    with pytest.raises(TypeError, match="neither a moment nor a delay"):
        background(schedule=schedule)(print)


@pytest.mark.django_db
def test_the_queue_of_the_call_wins_over_that_of_the_decorator():
    assert row(decorated.named()).queue == "q"
    assert row(decorated.named(queue="r")).queue == "r"
    assert row(decorated.bare(2, 3)).queue != "q"


@pytest.mark.django_db
def test_the_row_belongs_to_the_transaction_of_the_caller():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        decorated.bare(2, 3)
        1 / 0  # noqa: B018

    assert not OrmQ.objects.exists()


def test_a_coroutine_function_stays_one():
    assert asyncio.run(decorated.waits.now(2)) == 4
