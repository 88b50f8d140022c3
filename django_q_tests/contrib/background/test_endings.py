"""Errors, attempts, repetitions and signals of background tasks."""

import json
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from unittest.mock import Mock

import pytest
from django.utils import timezone as django_timezone

from django_q.contrib.background import TaskSchedule, signals
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.repetition import following
from django_q.models import OrmQ
from django_q.tasks import cancel
from django_q.testing import run_all, time_travel
from django_q_tests.contrib.background import decorated
from django_q_tests.contrib.background.decorated import bare, fails

NOON = datetime(2100, 7, 1, 12, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)

SIGNALS = ("created", "started", "successful", "error", "rescheduled", "failed", "finished")


@contextmanager
def listening(receive):
    """Have every signal of background tasks received, as ``receive(name, sender, arguments)``."""
    receivers = {}
    for name in SIGNALS:

        def receiver(sender, signal, name=name, **arguments):
            receive(name, sender, arguments)

        receivers[name] = receiver
        getattr(signals, f"task_{name}").connect(receiver, weak=False)
    try:
        yield
    finally:
        for name, receiver in receivers.items():
            getattr(signals, f"task_{name}").disconnect(receiver)


@pytest.fixture
def heard():
    """The names of the signals in their order, each with what it was sent with."""
    found = []
    with listening(lambda name, sender, arguments: found.append((name, sender, arguments))):
        yield found


def names(heard):
    return [name for name, _, _ in heard]


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("attempt", "seconds"), [(1, 6), (2, 21), (3, 86), (4, 261), (5, 630)])
def test_after_an_error_a_task_rests_for_attempts_to_the_fourth_and_five_seconds(attempt, seconds):
    task = fails()
    OrmQ.objects.update(attempts=attempt - 1)

    (run,) = run_all()

    task.refresh_from_db()
    assert run.is_deferred and task.attempts == attempt
    assert abs(task.run_at - django_timezone.now() - timedelta(seconds=seconds)) < timedelta(seconds=2)
    assert task.last_error == "ValueError: out of order" and task.has_error()
    assert task.locked_by is None and not CompletedTask.objects.exists()


@pytest.mark.django_db
def test_the_last_attempt_makes_a_completed_task_that_failed(settings):
    settings.Q_BACKGROUND = {"max_attempts": 2}
    task = fails()
    run_all()
    with time_travel(timedelta(seconds=10)):
        run_all()

    completed = CompletedTask.objects.get(pk=task.pk)
    assert not Task.objects.exists()
    assert (completed.attempts, completed.success) == (2, False)
    assert completed.failed_at == completed.run_at
    assert "ValueError: out of order" in completed.last_error and "raise ValueError" in completed.last_error
    assert list(CompletedTask.objects.failed(within=HOUR)) == [completed]


@pytest.mark.django_db
def test_an_invalid_task_fails_at_once():
    task = decorated.never_succeeds()

    run_all()

    completed = CompletedTask.objects.get(pk=task.pk)
    assert completed.attempts == 1 and completed.failed_at is not None
    assert "InvalidTaskError: no such order" in completed.last_error


@pytest.mark.django_db
def test_a_task_that_leaves_the_process_is_tried_again():
    task = decorated.leaves()

    run_all()

    task.refresh_from_db()
    assert task.attempts == 1 and task.locked_by is None and "SystemExit" in task.last_error


@pytest.mark.django_db
def test_a_canceled_task_is_a_completed_one_that_failed():
    task = bare(1, 2, repeat=60)

    assert cancel(task.pk)

    assert CompletedTask.objects.get().failed_at is not None and not Task.objects.exists()


# --- repetitions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "until", "expected"),
    [
        (NOON, None, NOON + HOUR),
        (NOON - HOUR / 2, None, NOON + HOUR),  # it was run before its time
        (NOON + HOUR / 2, None, NOON + HOUR),
        (NOON + HOUR, None, NOON + 2 * HOUR),
        (NOON + 1000.5 * HOUR, None, NOON + 1001 * HOUR),
        (NOON, NOON + HOUR, NOON + HOUR),
        (NOON + HOUR / 2, NOON + HOUR / 2, None),
        (NOON + 3 * HOUR, NOON + 3.5 * HOUR, None),
    ],
)
def test_the_next_run_is_the_next_moment_of_the_grid_that_lies_ahead_and_not_beyond_the_end(now, until, expected):
    assert following(NOON, HOUR, until, now) == expected


@pytest.mark.django_db
def test_after_a_success_one_repetition_is_due_exactly_one_period_later():
    moment = django_timezone.now() - timedelta(seconds=5)
    task = bare(1, 2, schedule=moment, repeat=Task.HOURLY, verbose_name="hourly", priority=3, queue="q")

    run_all()

    (again,) = Task.objects.all()
    assert again.pk != task.pk and again.run_at == moment + HOUR == OrmQ.objects.get().run_after
    assert (again.verbose_name, again.priority, again.queue, again.repeat) == ("hourly", 3, "q", 3600)
    assert again.params() == task.params() and again.task_hash == task.task_hash and again.is_repeating_task()


@pytest.mark.django_db
def test_after_a_long_pause_there_is_one_repetition_on_the_same_grid():
    moment = django_timezone.now() - timedelta(days=3, minutes=20)
    bare(1, 2, schedule=moment, repeat=HOUR)

    run_all()

    assert Task.objects.get().run_at == moment + timedelta(days=3, hours=1)


@pytest.mark.django_db
def test_nothing_is_repeated_beyond_its_end():
    bare(1, 2, repeat=60, repeat_until=django_timezone.now() + timedelta(seconds=59))

    run_all()

    assert not Task.objects.exists()


@pytest.mark.django_db
def test_a_retry_keeps_the_grid(settings):
    moment = django_timezone.now() - timedelta(seconds=1)
    task = decorated.fails_once(schedule=moment, repeat=HOUR)
    run_all()
    with time_travel(timedelta(seconds=10)):
        run_all()

    assert CompletedTask.objects.get().pk == task.pk
    assert Task.objects.get().run_at == moment + HOUR


@pytest.mark.django_db
@pytest.mark.parametrize(("said", "left"), [("end", 0), ("continue", 1)])
def test_what_failed_for_good_repeats_only_if_the_settings_say_so(settings, said, left):
    settings.Q_BACKGROUND = {"repeat_on_failure": said}
    decorated.never_succeeds(repeat=60)

    run_all()

    assert Task.objects.count() == left


@pytest.mark.django_db
def test_a_repetition_belongs_to_whoever_enqueued_the_first_one():
    task = bare(1, 2, repeat=60)
    stored = json.loads(OrmQ.objects.get(pk=task.pk).options)
    OrmQ.objects.update(options=json.dumps({**stored, "user": "7"}))

    run_all()

    assert OrmQ.objects.get().q_options()["user"] == "7"


@pytest.mark.django_db
def test_what_was_canceled_is_never_repeated(settings):
    settings.Q_BACKGROUND = {"repeat_on_failure": "continue"}

    assert cancel(bare(1, 2, repeat=60).pk)

    assert not Task.objects.exists()


@pytest.mark.django_db
def test_the_repetition_of_an_only_one_is_the_only_one():
    bare(1, 2, repeat=60, schedule={"action": TaskSchedule.CHECK_EXISTING})

    run_all()

    assert OrmQ.objects.get().key
    assert bare(1, 2, repeat=60, schedule={"action": TaskSchedule.CHECK_EXISTING}) is None


# --- signals -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_success_is_told_in_this_order(heard, django_capture_on_commit_callbacks):
    task = bare(1, 2)
    with django_capture_on_commit_callbacks(execute=True):
        run_all()

    assert names(heard) == ["created", "started", "successful", "finished"]
    assert heard[0][1] is type(bare) and heard[0][2] == {"task": task}
    assert [sender for _, sender, _ in heard[1:]] == [Task] * 3
    assert heard[2][2] == {"task_id": task.pk, "completed_task": CompletedTask.objects.get()}


@pytest.mark.django_db
def test_an_error_is_told_in_this_order(heard, django_capture_on_commit_callbacks):
    task = fails()
    with django_capture_on_commit_callbacks(execute=True):
        run_all()

    assert names(heard) == ["created", "started", "error", "rescheduled", "finished"]
    assert heard[2][1] is ValueError and heard[2][2] == {"task": task}
    assert heard[3][2]["task"].attempts == 1


@pytest.mark.django_db
def test_a_failure_for_good_is_told_in_this_order(heard, django_capture_on_commit_callbacks):
    task = decorated.never_succeeds()
    with django_capture_on_commit_callbacks(execute=True):
        run_all()

    assert names(heard) == ["created", "started", "error", "failed", "finished"]
    assert heard[3][2]["task_id"] == task.pk and heard[3][2]["completed_task"].failed_at


@pytest.mark.django_db
def test_the_signals_of_a_coroutine_are_told_too(heard, django_capture_on_commit_callbacks):
    decorated.waits(4)
    with django_capture_on_commit_callbacks(execute=True):
        (run,) = run_all()

    assert run.result == 8 and names(heard) == ["created", "started", "successful", "finished"]


@pytest.mark.django_db
def test_receivers_that_raise_are_logged_and_change_nothing(caplog, django_capture_on_commit_callbacks):
    receive = Mock(side_effect=RuntimeError("the receiver is broken"))
    with listening(receive), django_capture_on_commit_callbacks(execute=True):
        task = bare(1, 2)
        (run,) = run_all()

    assert run.result == 3 and CompletedTask.objects.get().pk == task.pk
    assert receive.call_count == 4
    assert sum("RuntimeError('the receiver is broken')" in record.getMessage() for record in caplog.records) == 4


@pytest.mark.django_db
def test_a_repetition_is_not_told_as_created(heard):
    bare(1, 2, repeat=60)
    run_all()

    assert names(heard).count("created") == 1
