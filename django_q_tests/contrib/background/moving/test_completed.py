"""What had ended under django-background-tasks, in our history."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.moving.completed import CUT_QUEUE
from django_q.models import Failure, OrmQ, Success
from django_q.models import Task as Record
from django_q_tests.contrib.background.moving import old
from django_q_tests.integration.moving.old import moment

pytestmark = pytest.mark.django_db


def test_a_success_is_the_same_here(move):
    began, ended, user = moment(-90), moment(-60), User.objects.create(username="jo")
    kind = ContentType.objects.get_for_model(user)
    creator = {"creator_content_type_id": kind.pk, "creator_object_id": user.pk}
    columns = {"attempts": 2, "queue": "mails", "priority": 4, "verbose_name": "a sum", "repeat": 3600, **creator}
    old.completed(old.BARE, 1, kwargs={"right": 2}, locked_at=began, run_at=ended, **columns)

    report = move()

    task = CompletedTask.objects.get()
    assert (report["history"]["moved"], report["left"]) == (1, 0)
    assert (task.run_at, task.started, task.stopped, task.locked_at) == (ended, began, ended, began)
    assert (task.attempts, task.queue, task.priority, task.repeat) == (2, "mails", 4, 3600)
    assert (task.success, task.failed_at, task.last_error, task.creator) == (True, None, "", user)
    assert (task.verbose_name, task.params(), task.locked_by) == ("a sum", ([1], {"right": 2}), "4711")
    record = Success.objects.get()
    assert (record.pk, record.name, record.func) == (task.pk, "a sum", old.BARE)
    assert (record.args, record.kwargs, record.result) == ((1,), {"right": 2}, None)
    assert not Task.objects.exists() and not OrmQ.objects.exists()


def test_a_failure_has_its_error_and_its_traceback(move):
    old.completed(attempts=25, failed_at=moment(-60), last_error=old.TRACEBACK)

    move()

    task, failure = CompletedTask.objects.failed().get(), Failure.objects.get()
    assert (task.last_error, task.error, task.attempts) == (old.TRACEBACK, "ValueError: out of ink", 25)
    assert task.failed_at == task.run_at
    assert (failure.reason, failure.traceback) == ("error", old.TRACEBACK)


def test_a_failure_without_any_text_is_a_failure(move):
    old.completed(failed_at=moment(-60))

    move()

    assert (Failure.objects.get().reason, Failure.objects.get().error) == ("error", "")


def test_the_error_before_a_success_stands_among_the_earlier_ones(move):
    old.completed(attempts=2, last_error=old.TRACEBACK)

    move()

    task = CompletedTask.objects.succeeded().get()
    assert (task.last_error, json.loads(task.record.errors)[0]["error"]) == ("", "ValueError: out of ink")


def test_without_a_lock_it_began_when_it_ended(move):
    ended = moment(-60)
    old.completed(locked_at=None, locked_by=None, run_at=ended)

    move()

    assert (CompletedTask.objects.get().started, Record.objects.get().worker) == (ended, "")


def test_a_name_that_nobody_has_is_moved_as_it_stands(move):
    old.completed("send a mail")
    old.completed("n")

    assert move()["left"] == 0
    assert set(Record.objects.values_list("func", flat=True)) == {
        "send a mail", "django_q_tests.contrib.background.decorated.named"
    }  # fmt: skip


def test_the_newest_is_the_newest_here(move):
    for seconds in (-300, -100, -200):
        old.completed(old.BARE, seconds, run_at=moment(seconds), locked_at=None)

    move("--batch", "1")

    assert [task.params()[0][0] for task in CompletedTask.objects.order_by("-pk")] == [-100, -200, -300]


def test_what_ended_within_a_time_is_found(move):
    for hours in (1, 30):
        old.completed(old.BARE, hours, run_at=moment(-3600 * hours), locked_at=None)

    move()

    assert [task.params()[0] for task in CompletedTask.objects.succeeded(within=timedelta(days=1))] == [[1]]


def test_the_name_of_a_queue_that_no_row_holds_is_cut_and_told(move):
    old.completed(queue="q" * 150)

    [note] = move()["history"]["notes"]

    assert (note["text"], Record.objects.get().queue) == (CUT_QUEUE, "q" * 100)


def test_parameters_that_cannot_be_read_keep_a_row_where_it_is(move, texts):
    number = old.completed(task_params="[")

    assert f"1: its parameters are no JSON of a list and a dict ['{old.BARE} ({number})']" in texts(
        move()["history"]["stays"]
    )
    assert not Record.objects.exists()


def test_nothing_is_moved_twice_and_what_ended_later_is_moved_then(move):
    old.completed(old.BARE, 1)
    move("--dry-run")
    assert not Record.objects.exists()
    move()
    old.completed(old.BARE, 1)

    report = move()

    assert (report["history"]["moved"], report["history"]["before"]) == (1, 1)
    assert Record.objects.count() == CompletedTask.objects.count() == 2
