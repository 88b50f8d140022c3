"""Rows of calls: order, equal calls, creators, queues, and what a rollback leaves."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from django_q.contrib.background import TaskSchedule
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.receivers import sweep
from django_q.kernel.states import TaskState
from django_q.models import OrmQ
from django_q.testing import run_all
from django_q_tests.contrib.background import decorated
from django_q_tests.contrib.background.decorated import bare

CHECK = {"action": TaskSchedule.CHECK_EXISTING}
RESCHEDULE = {"action": TaskSchedule.RESCHEDULE_EXISTING}

pytestmark = pytest.mark.django_db


def claim(task):
    """Let a cluster hold a task."""
    OrmQ.objects.filter(pk=task.pk).update(state=TaskState.CLAIMED, claimed_by="another cluster", token="t" * 16)


def sweep_much_later():
    """Let the sweep find rows that were written long ago."""
    Task._base_manager.update(created=timezone.now() - timedelta(hours=2))
    sweep(using="default")


def ran():
    return [run.result for run in run_all()]


# --- order ---------------------------------------------------------------------------------------------------------


def test_the_greater_priority_runs_first():
    for priority in (-1, 99, 3):
        decorated.echo(priority, priority=priority)

    assert ran() == [(99,), (3,), (-1,)]


def test_the_smaller_priority_runs_first_if_the_settings_say_so(settings):
    settings.Q_BACKGROUND = {"priority_ordering": "ASC"}
    for priority in (-1, 99, 3):
        decorated.echo(priority, priority=priority)

    assert [task.priority for task in Task.objects.order_by("pk")] == [-1, 99, 3]
    assert ran() == [(-1,), (3,), (99,)]


def test_of_equal_priority_what_was_due_earlier_runs_first():
    now = timezone.now()
    for seconds in (30, 90, 60):
        decorated.echo(seconds, schedule=now - timedelta(seconds=seconds))

    assert [task.params()[0] for task in Task.objects.find_available()] == [[90], [60], [30]]
    assert ran() == [(90,), (60,), (30,)]


def test_a_priority_of_the_call_wins_over_that_of_its_schedule():
    task = bare(1, 2, schedule={"priority": 3}, priority=4)

    assert Task.objects.get(pk=task.pk).priority == task.priority == 4


def test_only_what_is_due_and_held_by_nobody_is_available():
    due, held = bare(1, 2), bare(3, 4)
    bare(5, 6, schedule=60)
    claim(held)

    assert list(Task.objects.find_available()) == [due]
    assert list(Task.objects.locked()) == [held]
    assert Task.objects.get(pk=held.pk).locked_by_pid_running() is True
    assert Task.objects.get(pk=due.pk).locked_by_pid_running() is None


def test_a_queue_holds_its_tasks():
    task = bare(1, 2, queue="mails")

    assert list(Task.objects.filter(queue="mails")) == [task]
    assert list(Task.objects.find_available("mails")) == [task] and not Task.objects.find_available("others")


# --- equal calls ---------------------------------------------------------------------------------------------------


def test_equal_calls_are_two_tasks_unless_something_else_is_said():
    bare(1, 2)
    bare(1, 2)

    assert Task.objects.count() == 2


def test_remove_existing_tasks_takes_equal_ones_back_and_lets_the_running_one_go_on():
    waiting, running, other = bare(1, 2), bare(1, 2, queue="q"), bare(1, 3)
    claim(running)

    task = bare(1, 2, remove_existing_tasks=True)

    assert set(Task.objects.all()) == {running, other, task}
    assert not OrmQ.objects.filter(pk=waiting.pk).exists()


def test_what_was_taken_back_leaves_no_row_when_it_is_swept_up():
    ended = bare(5, 6)
    run_all()
    waiting = bare(1, 2)
    bare(1, 2, remove_existing_tasks=True)
    assert Task._base_manager.filter(pk=waiting.pk).exists()

    sweep_much_later()

    assert not Task._base_manager.filter(pk=waiting.pk).exists()
    assert Task._base_manager.count() == 2 and CompletedTask.objects.get() == ended


def test_a_young_row_is_left_to_a_process_that_may_be_running_its_task():
    bare(1, 2)
    OrmQ.objects.all().delete()

    sweep(using="default")

    assert Task._base_manager.exists()


def test_check_existing_enqueues_once_and_returns_none_the_second_time():
    first = bare(1, 2, schedule=CHECK)

    assert first == Task.objects.get()
    assert bare(1, 2, schedule=CHECK) is None
    assert bare(1, 3, schedule=CHECK) is not None
    assert Task.objects.count() == 2


def test_check_existing_sees_a_call_that_was_made_without_it():
    bare(1, 2)

    assert bare(1, 2, schedule=CHECK) is None


def test_reschedule_existing_moves_an_equal_call_in_time_and_priority():
    task = bare(1, 2)
    moment = timezone.now() + timedelta(hours=1)

    assert bare(1, 2, schedule={**RESCHEDULE, "run_at": moment, "priority": 7}) is None

    task.refresh_from_db()
    assert (task.run_at, task.priority) == (moment, 7)
    assert OrmQ.objects.get().state == TaskState.DEFERRED
    assert ran() == []


def test_reschedule_existing_can_bring_a_call_forward():
    bare(1, 2, schedule=3600)

    bare(1, 2, schedule={**RESCHEDULE, "run_at": 0})

    assert ran() == [3]


@pytest.mark.parametrize("action", [CHECK, RESCHEDULE])
def test_a_call_that_runs_is_not_in_the_way_of_an_equal_one(action):
    running = bare(1, 2, schedule=CHECK)
    claim(running)

    task = bare(1, 2, schedule=action)

    assert set(Task.objects.all()) == {running, task}
    assert OrmQ.objects.get(pk=task.pk).key and not OrmQ.objects.get(pk=running.pk).key


def test_a_call_that_runs_and_repeats_is_there_for_check_existing():
    claim(bare(1, 2, repeat=60, schedule=CHECK))

    assert bare(1, 2, repeat=60, schedule=CHECK) is None


def test_tasks_are_found_and_dropped_by_name_and_arguments():
    bare(1, 2)
    other = bare(3, right=4)
    name = other.task_name

    assert list(Task.objects.get_task(name, [3], {"right": 4})) == [other]
    assert Task.objects.drop_task(name, [1, 2]) == 1
    assert list(Task.objects.all()) == [other]


# --- what stands beside a call -------------------------------------------------------------------------------------


@pytest.fixture
def group():
    return Group.objects.create(name="laboratory")


def test_a_creator_and_a_verbose_name_are_kept_filtered_by_and_completed(group, django_user_model):
    user = django_user_model.objects.create(username="ada")
    bare(1, 2, creator=user)
    task = bare(3, 4, creator=group, verbose_name="the sum")

    assert str(task) == "the sum" and str(bare(5, 6)) == f"{decorated.__name__}.bare"
    assert list(Task.objects.created_by(group)) == [task]
    run_all()
    (completed,) = CompletedTask.objects.created_by(group)
    assert completed.pk == task.pk and completed.creator == group
    assert str(completed) == f"the sum - {completed.run_at}"


def test_a_creator_whose_key_is_no_number_is_found(settings):
    from django.contrib.sessions.models import Session

    session = Session.objects.create(session_key="0b5d6a34-uuid-like", expire_date=timezone.now())

    task = bare(1, 2, creator=session)

    assert list(Task.objects.created_by(session)) == [task]
    assert Task.objects.get().creator == session


def test_a_creator_that_was_not_saved_is_refused():
    with pytest.raises(ValueError, match="no row of a model that was saved"):
        bare(1, 2, creator=User(username="ada"))


def test_a_rollback_leaves_neither_row():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        bare(1, 2)
        1 / 0  # noqa: B018

    assert not OrmQ.objects.exists() and not Task._base_manager.exists()


def test_a_call_costs_two_statements_and_a_savepoint(django_assert_num_queries):
    bare(1, 2)

    with django_assert_num_queries(4):  # savepoint, queue, our row, release
        bare(1, 2)


def test_options_come_from_the_settings(settings):
    settings.Q_BACKGROUND = {"max_attempts": 3, "timeout": 60}

    bare(1, 2)

    carried = json.loads(OrmQ.objects.get().options)
    assert carried["max_attempts"] == 3 and carried["timeout"] == 60 and carried["background"] == "plain"


def test_in_sync_mode_a_call_runs_at_once_and_is_complete(settings):
    settings.Q_CLUSTER = {"sync": True}

    task = bare(2, 3)

    assert CompletedTask.objects.get().pk == task.pk
    assert CompletedTask.objects.get().record.result == 5
    assert not Task.objects.exists()


# --- pending and completed -----------------------------------------------------------------------------------------


def test_a_success_is_a_completed_task_with_its_times_and_its_result():
    task = bare(2, 3)
    before = timezone.now()

    run_all()

    completed = CompletedTask.objects.get(pk=task.pk)
    assert not Task.objects.exists()
    assert (completed.attempts, completed.failed_at, completed.has_error()) == (1, None, False)
    assert before - timedelta(seconds=1) <= completed.started <= completed.stopped == completed.run_at
    assert completed.record.result == 5
    assert list(CompletedTask.objects.succeeded(within=timedelta(minutes=1))) == [completed]
    assert not CompletedTask.objects.failed()


def test_completed_rows_go_with_the_history():
    bare(2, 3)
    run_all()

    CompletedTask.objects.get().record.delete()

    assert not CompletedTask.objects.exists()
    sweep_much_later()
    assert not Task._base_manager.exists()


def test_a_row_of_a_task_that_has_ended_cannot_be_read_again():
    task = bare(2, 3)
    run_all()

    with pytest.raises(Task.DoesNotExist):
        task.refresh_from_db()
