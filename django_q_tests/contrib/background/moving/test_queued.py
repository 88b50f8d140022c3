"""What had not ended under django-background-tasks, in our queue."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone as django_timezone

from django_q.contrib.background import TaskSchedule
from django_q.contrib.background.decorator import places
from django_q.contrib.background.models import CompletedTask, Task
from django_q.contrib.background.moving import creators, queued
from django_q.contrib.background.moving.functions import ELSEWHERE
from django_q.contrib.background.moving.tables import OldPending
from django_q.kernel.states import TaskState
from django_q.models import Moved, OrmQ
from django_q.testing import run_all
from django_q_tests.contrib.background.decorated import bare, echo, named
from django_q_tests.contrib.background.moving import old
from django_q_tests.integration.moving.old import moment

pytestmark = pytest.mark.django_db
LATER = datetime(2100, 7, 1, 12, 0, tzinfo=timezone.utc)
DECORATED = "django_q_tests.contrib.background.decorated"
ECHO = f"{DECORATED}.echo"


def our_rows():
    return [list(model._base_manager.order_by("pk").values_list()) for model in (OrmQ, Task, Moved)]


# --- what becomes of a row -----------------------------------------------------------------------------------------


def test_a_row_is_the_same_here_and_runs(move):
    old.pending(old.BARE, 1, 2, verbose_name="a sum", queue="mails", priority=7)

    report = move()

    assert (report["queued"]["moved"], report["left"]) == (1, 0)
    task = Task.objects.get()
    assert (task.task_name, task.params(), str(task)) == (old.BARE, ([1, 2], {}), "a sum")
    assert (task.queue, task.priority, task.attempts, task.last_error) == ("mails", 7, 0, "")
    [run] = run_all()
    assert (run.result, CompletedTask.objects.get().verbose_name) == (3, "a sum")


def test_equal_calls_of_ours_find_what_was_moved(move):
    old.pending(old.BARE, 1, 2, run_at=LATER)
    move()

    assert bare(1, 2, schedule=TaskSchedule(action=TaskSchedule.CHECK_EXISTING)) is None
    assert bare(1, 2, schedule={"run_at": 60, "action": TaskSchedule.RESCHEDULE_EXISTING}) is None

    assert Task.objects.get().run_at < LATER


def test_a_row_that_is_due_later_waits_until_then(move):
    old.pending(run_at=LATER, repeat=3600, repeat_until=LATER + timedelta(days=1))

    move()

    task = Task.objects.get()
    assert (task.entry.state, task.run_at, task.scheduled_for) == (TaskState.DEFERRED, LATER, LATER)
    assert (task.repeat, task.repeat_until) == (3600, LATER + timedelta(days=1))


def test_without_time_zones_moments_are_moved_as_they_stand(move, settings):
    settings.USE_TZ = False
    moments = {"run_at": LATER.replace(tzinfo=None), "repeat_until": (LATER + timedelta(days=1)).replace(tzinfo=None)}
    old.pending(repeat=3600, attempts=1, last_error=old.TRACEBACK, **moments)

    move()

    task = Task.objects.get()
    assert {name: getattr(task, name) for name in moments} == moments


def test_rows_run_in_the_order_that_they_had(move):
    for priority, seconds, name in ((-1, -9, "last"), (5, -1, "second"), (5, -2, "first"), (0, -1, "before ours")):
        old.pending(ECHO, name, priority=priority, run_at=moment(seconds))
    echo("ours")

    move("--batch", "1")

    assert [run.result for run in run_all()] == [(word,) for word in ("first", "second", "before ours", "ours", "last")]


def test_where_the_smaller_priority_ran_first_it_does_here(move, settings):
    settings.BACKGROUND_TASK_PRIORITY_ORDERING = "ASC"
    for priority in (5, -5, 0):
        old.pending(ECHO, priority, priority=priority)

    move()

    assert set(Task.objects.values_list("priority", flat=True)) == {5, -5, 0}
    assert [run.result for run in run_all()] == [(-5,), (0,), (5,)]


def test_a_priority_that_no_row_holds_is_cut_and_told(move, texts):
    old.pending(priority=40_000)

    assert "1: its priority was cut to what a row holds" in texts(move()["queued"]["notes"])
    assert Task.objects.get().priority == 32767


def test_attempts_and_the_last_error_come_along(move):
    due = moment(50)
    old.pending(f"{DECORATED}.fails", attempts=3, last_error=old.TRACEBACK, run_at=due)

    move()

    task = Task.objects.get()
    assert (task.attempts, task.last_error) == (3, "ValueError: out of ink")
    failed_at = datetime.fromisoformat(json.loads(task.errors)[0]["at"])
    assert abs(due - failed_at - timedelta(seconds=3**4 + 5)) < timedelta(milliseconds=1)


def test_attempts_count_on(move, settings):
    settings.Q_BACKGROUND = {"max_attempts": 4}
    old.pending(f"{DECORATED}.fails", attempts=2, last_error=old.TRACEBACK)
    old.pending(f"{DECORATED}.fails", "for good", attempts=3, last_error=old.TRACEBACK)
    move()

    run_all()

    waiting, failed = Task.objects.get(), CompletedTask.objects.get()
    assert (waiting.attempts, failed.attempts, failed.failed_at is None) == (3, 4, False)
    assert waiting.run_at - django_timezone.now() > timedelta(seconds=3**4)


def test_attempts_beyond_all_reason_are_moved(move):
    old.pending(attempts=2_000_000_000, last_error="once upon a time")

    move()

    assert (Task.objects.get().attempts, Task.objects.get().last_error) == (2_000_000_000, "once upon a time")


# --- functions -----------------------------------------------------------------------------------------------------


def test_a_name_of_the_decorator_is_found(move):
    old.pending("n")

    move()

    assert Task.objects.get().task_name == named.name == "n"
    [run] = run_all()
    assert (run.func, run.result) == (f"{DECORATED}.named", "named")


@pytest.mark.parametrize(("name", "said"), [
    ("send a mail", "no function has the name 'send a mail': write @background(name='send a mail')"),
    (f"{DECORATED}.baer", "Did you mean 'django_q_tests.contrib.background.decorated.bare'"),
    (f"{DECORATED}.LATER", "no function has the name"),
])  # fmt: skip
def test_a_row_whose_function_nobody_has_stays_and_is_told(move, texts, name, said):
    number = old.pending(name)
    old.pending()

    report = move()

    assert (report["queued"]["moved"], report["queued"]["left"]) == (1, 1)
    assert said in texts(report["queued"]["stays"]) and f"{name} ({number})" in texts(report["queued"]["stays"])
    assert Task.objects.get().task_name == old.BARE


def test_a_row_whose_function_came_later_is_moved_then(move, monkeypatch):
    old.pending("send a mail")
    assert move()["left"] == 1

    monkeypatch.setitem(places, "send a mail", old.BARE)

    assert move()["queued"]["moved"] == 1


def test_a_row_whose_module_is_elsewhere_is_moved_and_waits(move):
    old.pending("a_shop_elsewhere.tasks.send", 1)

    [note] = move()["queued"]["notes"]

    assert note["text"] == ELSEWHERE
    assert OrmQ.objects.get().func == "a_shop_elsewhere.tasks.send"
    assert json.loads(OrmQ.objects.get().options)["patient"] is True


# --- creators ------------------------------------------------------------------------------------------------------


def test_creators_are_known_by_application_and_model_in_another_database(move, tables_elsewhere):
    user = User.objects.create(username="jo")
    kinds = ContentType.objects.using(tables_elsewhere)
    theirs = kinds.create(pk=901, app_label="auth", model="user").pk
    strange = kinds.create(pk=990, app_label="depot", model="pallet").pk
    for number, (kind, name) in enumerate([(theirs, "of jo"), (strange, "of a pallet"), (777, "of nobody")]):
        columns = {"creator_content_type_id": kind, "creator_object_id": user.pk, "verbose_name": name}
        old.pending(old.BARE, number, alias=tables_elsewhere, **columns)

    report = move("--database", tables_elsewhere)

    assert [task.verbose_name for task in Task.objects.created_by(user)] == ["of jo"]
    assert Task.objects.get(verbose_name="of jo").creator == user
    assert {note["text"] for note in report["queued"]["notes"]} == {creators.STRANGE, creators.LOST}
    assert Task.objects.filter(creator_content_type=None).count() == 2


@pytest.fixture
def no_known_kinds():
    """Django remembers kinds of objects beyond the transaction in which they were made."""
    ContentType.objects.clear_cache()
    yield
    ContentType.objects.clear_cache()


def test_a_kind_of_object_that_our_database_has_not_met_is_written_down(move, tables_elsewhere, no_known_kinds):
    theirs = ContentType.objects.using(tables_elsewhere).create(app_label="auth", model="group")
    ContentType.objects.filter(app_label="auth", model="group").delete()
    old.pending(creator_content_type_id=theirs.pk, creator_object_id=5, alias=tables_elsewhere)

    move("--database", tables_elsewhere, "--dry-run")
    assert not ContentType.objects.filter(app_label="auth", model="group").exists()
    move("--database", tables_elsewhere)

    assert [task.creator_object_id for task in Task.objects.created_by(Group(pk=5))] == ["5"]


# --- what stays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "said"), [
    ({"task_params": "{"}, "it cannot be enqueued: its parameters are no JSON of a list and a dict"),
    ({"task_params": "[1]"}, "its parameters are no JSON of a list and a dict"),
    ({"task_params": "[[], 5]"}, "its parameters are no JSON of a list and a dict"),
    ({"queue": "q" * 101}, "it cannot be enqueued: "),
    ({"failed_at": LATER}, "it is marked as failed"),
])  # fmt: skip
def test_a_row_that_cannot_run_stays_and_is_told(move, texts, columns, said):
    old.pending(**columns)

    assert said in texts(move()["queued"]["stays"])
    assert our_rows() == [[], [], []]


# --- again, and in between -----------------------------------------------------------------------------------------


def test_nothing_is_moved_twice_and_what_comes_later_is_moved_then(move):
    for _ in range(2):  # equal, and another task
        old.pending(ECHO, 1)
    assert move()["queued"]["moved"] == 2
    before = our_rows()
    assert (move()["queued"]["moved"], our_rows()) == (0, before)

    old.pending(ECHO, 2)
    run_all()
    report = move()

    assert (report["queued"]["moved"], report["queued"]["before"]) == (1, 2)
    assert Task.objects.get().params()[0] == [2]
    assert CompletedTask.objects.count() == 2


def test_the_old_rows_stay_as_they_are(move):
    old.pending(attempts=1, last_error=old.TRACEBACK, priority=2)
    before = list(OldPending.objects.values())

    move()

    assert list(OldPending.objects.values()) == before


def test_a_dry_run_writes_nothing_and_foretells(move):
    old.pending()
    old.pending("send a mail")

    foretold = move("--dry-run")

    assert our_rows() == [[], [], []]
    assert {**foretold, "dry_run": False} == move()


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_move_goes_on_where_it_was(move, monkeypatch):
    for number in range(7):
        old.pending(old.BARE, number)
    store, calls = queued.QueueMove.store, []

    def interrupted(self, items):
        calls.append(len(items))
        store(self, items)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(queued.QueueMove, "store", interrupted)
        move("--batch", "3")
    assert Task.objects.count() == OrmQ.objects.count() == Moved.objects.count() == 3

    report = move("--batch", "3")

    assert (report["queued"]["moved"], report["queued"]["before"]) == (4, 3)
    assert sorted(task.params()[0][0] for task in Task.objects.all()) == list(range(7))


def test_a_row_that_the_database_refuses_does_not_hold_up_others(move, texts, monkeypatch):
    good, bad = old.pending(old.BARE, 1), old.pending(old.BARE, 2)
    store = queued.QueueMove.store

    def store_with_a_double(self, items):
        store(self, items)
        if any(item.content.ours.params()[0] == [2] for item in items):
            store(self, items)  # the same ids again

    monkeypatch.setattr(queued.QueueMove, "store", store_with_a_double)
    report = move()

    assert "1: the database refuses it: " in texts(report["queued"]["stays"])
    assert f"({bad})" in texts(report["queued"]["stays"]) and f"({good})" not in texts(report["queued"]["stays"])
    assert Task.objects.get().params()[0] == [1]


def test_rows_that_are_gone_since_they_were_moved_are_told(move):
    ended, *_ = [old.pending(old.BARE, number) for number in range(5)]
    move("--batch", "2")
    OldPending.objects.filter(pk=ended).delete()

    report = move("--batch", "2")

    [note] = report["queued"]["notes"]
    assert (note["text"], note["count"], note["examples"]) == (queued.GONE, 1, [f"row {ended}"])
    assert report["left"] == 0


def test_a_number_that_the_server_gave_again_is_another_row(move):
    number = old.pending(old.BARE, 1)
    move()
    OldPending.objects.all().delete()
    old.pending(old.BARE, 2, id=number)

    report = move()

    assert (report["queued"]["moved"], report["queued"]["notes"][0]["text"]) == (1, queued.GONE)


def test_a_repetition_that_was_moved_goes_on_here(move):
    due = moment(-5400)
    old.pending(old.BARE, 1, 2, run_at=due, repeat=3600, verbose_name="hourly")
    move()

    run_all()

    following = Task.objects.get()
    assert (following.scheduled_for, following.verbose_name) == (due + timedelta(hours=2), "hourly")


def test_a_failure_after_the_move_ends_as_ours_do(move):
    old.pending(f"{DECORATED}.never_succeeds")
    move()

    run_all()

    assert CompletedTask.objects.failed().get().last_error.rstrip().endswith("InvalidTaskError: no such order")
