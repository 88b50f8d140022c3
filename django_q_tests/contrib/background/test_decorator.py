"""``@background``: what a call of a decorated function writes, and what a worker runs of it."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from django.db import transaction
from django.utils import timezone as django_timezone

from django_q.contrib.background import background
from django_q.contrib.background.decorator import places
from django_q.contrib.background.models import CompletedTask, Task
from django_q.models import OrmQ
from django_q.tasks import async_task, fetch, result
from django_q.testing import run_all
from django_q_tests.contrib.background import decorated

HERE = "django_q_tests.contrib.background.decorated"


def row(task):
    return OrmQ.objects.get(pk=task.pk)


def seconds_ahead(task):
    return (row(task).run_after - django_timezone.now()).total_seconds()


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


def test_where_a_name_is_found_is_remembered():
    assert (places["n"], places[f"{HERE}.bare"]) == (f"{HERE}.named", f"{HERE}.bare")


def test_the_proxy_looks_like_its_function():
    assert decorated.bare.__name__ == "bare" and decorated.bare.__doc__ == "Add two numbers."
    assert decorated.bare.task_function(2, 3) == 5


@pytest.mark.django_db
def test_now_runs_here_and_writes_nothing():
    assert decorated.bare.now(2, right=3) == 5
    assert not OrmQ.objects.exists()


@pytest.mark.django_db
def test_a_call_writes_one_pending_row_and_returns_it():
    task = decorated.bare(2, right=3)

    assert OrmQ.objects.count() == 1
    assert Task.objects.get() == task and not CompletedTask.objects.exists()
    assert task.params() == ([2], {"right": 3})
    found = row(task)
    assert (found.func, found.args, found.kwargs) == (f"{HERE}.bare", (2,), {"right": 3})
    assert found.get_state_display() == "ready"


@pytest.mark.django_db
def test_a_row_that_was_just_made_says_what_the_stored_one_does():
    task = decorated.delayed(queue="q", priority=3, verbose_name="the long one")

    stored = Task.objects.get(pk=task.pk)
    for name in ("priority", "queue", "attempts", "locked_by", "locked_at", "failed_at", "last_error", "verbose_name"):
        assert getattr(task, name) == getattr(stored, name), name
    assert abs(task.run_at - stored.run_at) < timedelta(seconds=1)


@pytest.mark.django_db
def test_the_row_runs_the_function():
    task = decorated.bare(2, 3)

    (run,) = run_all()

    assert (run.id, result(task.pk)) == (task.pk, 5)


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
    assert fetch(task_id).result.pk == following.pk
    assert (following.func, following.args) == (f"{HERE}.again", (1,))


@pytest.mark.django_db
def test_a_function_that_calls_another_proxy_enqueues_that():
    async_task(f"{HERE}.caller", sync=True)

    assert OrmQ.objects.get().func == f"{HERE}.bare"


@pytest.mark.django_db
@pytest.mark.parametrize("schedule", [90, 90.0, timedelta(seconds=90), "datetime"])
def test_a_call_can_be_put_off(schedule):
    moment = django_timezone.now() + timedelta(seconds=90) if schedule == "datetime" else schedule

    task = decorated.bare(2, 3, schedule=moment)

    assert abs(seconds_ahead(task) - 90) < 1
    assert row(task).get_state_display() == "deferred"


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
def test_the_moment_at_which_a_decorator_was_read_means_now():
    stamped = background(schedule=django_timezone.now())(decorated.undecorated)

    task = stamped(1)

    assert row(task).get_state_display() == "ready" and [run.result for run in run_all()] == [1]


@pytest.mark.django_db
def test_a_datetime_without_a_zone_is_read_in_the_current_one(settings):
    moment = datetime(2100, 7, 1, 12, 0)  # noqa: DTZ001

    with django_timezone.override("Europe/Warsaw"), pytest.warns(RuntimeWarning, match="'Europe/Warsaw'") as caught:
        task = decorated.bare(2, 3, schedule=moment)

    assert row(task).run_after == datetime(2100, 7, 1, 10, 0, tzinfo=timezone.utc)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("schedule", ["soon", True, float("nan"), [60]])
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


@pytest.mark.django_db
def test_below_background_another_decorator_of_tasks_is_seen_through():
    task = decorated.stacked(6, 7)

    assert [run.result for run in run_all()] == [42]
    assert CompletedTask.objects.get() == task
    assert not OrmQ.objects.exists()


@pytest.mark.django_db
def test_arguments_that_the_function_does_not_take_are_refused_at_the_call():
    with pytest.raises(TypeError, match="'middle'"):
        decorated.bare(2, middle=3)
    assert not OrmQ.objects.exists() and not Task._base_manager.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("argument", [object(), {1, 2}, django_timezone.now(), {"x": b"bytes"}])
def test_an_argument_that_json_cannot_hold_is_a_type_error_and_writes_nothing(argument):
    with pytest.raises(TypeError, match="Argument 1 of a background task cannot be written as JSON"):
        decorated.bare(argument, 3)
    assert not OrmQ.objects.exists() and not Task._base_manager.exists()


@pytest.mark.django_db
def test_tuples_arrive_as_lists_and_keys_as_texts():
    decorated.echo((1, 2), {3: "three"})

    (run,) = run_all()

    assert run.result == ([1, 2], {"3": "three"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"priority": "high"}, "priority='high'"),
        ({"priority": 40_000}, "priority=40000"),
        ({"queue": ""}, "queue=''"),
        ({"verbose_name": "x" * 256}, "verbose_name='x"),
        ({"repeat": -1}, "repeat=-1"),
        ({"repeat": 1.5}, "repeat=1.5"),
        ({"repeat": True}, "repeat=True"),
        ({"creator": "root"}, "creator='root'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_may_stand_there(said, complaint):
    with pytest.raises(ValueError, match=complaint):
        decorated.bare(2, 3, **said)
    assert not OrmQ.objects.exists()


def test_a_function_without_a_path_is_refused_at_the_call():
    def inner():
        return None

    with pytest.raises(TypeError, match="inner"):
        background(inner)()


@pytest.mark.django_db
def test_a_result_may_be_anything_that_can_be_pickled():
    task = decorated.caller()

    runs = run_all()

    assert [run.success for run in runs] == [True, True]
    assert result(task.pk).task_name == f"{HERE}.bare"
