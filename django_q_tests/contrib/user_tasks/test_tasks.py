"""Enqueueing and running user tasks."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_q.contrib.background.signals import task_started
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.models import OrmQ, Schedule, Task
from django_q.tasks import async_chain, async_task, cancel, delete, fetch, requeue, schedule
from django_q.tasks.firing import fire_due, run_now
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed
from django_q_tests.contrib.user_tasks.followed import bare, counts, fails, plain, unbound

pytestmark = pytest.mark.django_db

GENERAL = "The task could not be finished because of an error."


@pytest.fixture
def user():
    return followed.make_user()


def only():
    return UserTaskStatus.objects.get()


# --- enqueueing ----------------------------------------------------------------------------------------------------


def test_a_call_has_a_row_from_the_beginning(user):
    task = counts.delay(user.pk, steps=4)

    row = only()
    assert (row.task_id, row.user, row.state, row.name) == (task, user, "Pending", "Count to 4")
    assert (row.completed_steps, row.total_steps, row.attempts, row.is_container) == (0, 4, 1, False)
    assert row.task_class == "django_q_tests.contrib.user_tasks.followed.counts" and row.parent is None
    assert OrmQ.objects.get().pk == task


@pytest.mark.parametrize(
    "enqueue",
    [
        lambda pk: bare.delay(pk),
        lambda pk: bare.apply_async([], {"user_id": pk}),
        lambda pk: async_task(bare, pk),
        lambda pk: async_task("django_q_tests.contrib.user_tasks.followed.bare", user_id=pk),
    ],
)
def test_it_does_not_matter_how_a_task_is_enqueued(user, enqueue):
    enqueue(user.pk)

    assert (only().name, only().total_steps) == ("bare", 1)


def test_a_rolled_back_call_leaves_neither_row(user):
    with pytest.raises(IntegrityError), transaction.atomic():
        bare.delay(user.pk)
        raise IntegrityError

    assert not UserTaskStatus.objects.exists() and not OrmQ.objects.exists()


@pytest.mark.parametrize("call", [lambda: unbound.delay(), lambda: unbound.delay(None), lambda: async_task(unbound)])
def test_a_call_without_a_user_is_refused_and_nothing_is_queued(call):
    with pytest.raises(TypeError, match="user_id"):
        call()

    assert not UserTaskStatus.objects.exists() and not OrmQ.objects.exists()


@pytest.mark.parametrize("user_id", [4711, "nobody", (), 3.5])
def test_an_unknown_user_is_refused_and_nothing_is_queued(user_id):
    with pytest.raises(TypeError, match="Invalid user_id"):
        unbound.delay(user_id)

    assert not UserTaskStatus.objects.exists() and not OrmQ.objects.exists()


def test_arguments_are_known_by_their_names():
    assert unbound.arguments_as_dict(7, 8, 9, more=1) == {
        "user_id": 7, "args": (8, 9), "flag": True, "kwargs": {"more": 1},
    }  # fmt: skip
    assert counts.arguments_as_dict(user_id=7) == {"self": None, "user_id": 7, "steps": 3, "user_task_name": ""}


@pytest.mark.parametrize("method", ["generate_name", "calculate_total_steps"])
def test_what_naming_and_counting_raise_is_raised_and_nothing_is_queued(user, monkeypatch, method):
    monkeypatch.setattr(followed.Counting, method, staticmethod(followed.refuse))
    with pytest.raises(LookupError, match="no such course"):
        counts.delay(user.pk)

    assert not UserTaskStatus.objects.exists() and not OrmQ.objects.exists()


def test_long_names_are_cut_and_great_totals_are_stored(user, monkeypatch):
    monkeypatch.setattr(followed.Counting, "generate_name", classmethod(lambda cls, arguments_dict: "ü" * 300))
    counts.delay(user.pk, steps=3_000_000_000)

    assert only().name == "ü" * 255 and only().total_steps == 3_000_000_000


def test_a_plain_task_has_no_row():
    async_task(plain, 1)
    run_all()

    assert not UserTaskStatus.objects.exists()


def test_a_user_task_under_background_has_both_rows(user, django_capture_on_commit_callbacks):
    task = followed.in_background(user.pk, steps=5)
    assert only().task_id == task.pk and only().total_steps == 5

    (run,) = run_all()

    assert run.result == 5 and only().state == "Succeeded"


def test_under_background_it_is_a_user_task_also_where_somebody_listens(user):
    begun = []

    def receive(**kwargs):
        begun.append(only().state)

    task_started.connect(receive)
    try:
        followed.in_background(user.pk)
        (run,) = run_all()
    finally:
        task_started.disconnect(receive)

    assert run.result == 2 and begun == ["Pending"] and only().state == "Succeeded"


# --- running -------------------------------------------------------------------------------------------------------


def test_a_task_tells_what_it_does_and_succeeds(user):
    counts.delay(user.pk)

    (run,) = run_all()

    assert run.result == ["Step 1", "Step 2", "Step 3"]
    assert (only().state, only().completed_steps, only().attempts) == ("Succeeded", 3, 1)


def test_a_coroutine_tells_what_it_does(user):
    followed.counts_async.delay(user.pk)

    (run,) = run_all()

    assert run.result == 3 and only().state == "Succeeded"


@pytest.mark.django_db(transaction=True)  # within a transaction what is above follows after the commit
def test_a_worker_sets_a_task_in_progress_and_its_chain(user):
    async_chain([(followed.looks, (user.pk,)), (bare, (user.pk,))])

    first, _ = run_all()

    assert first.result == ["In Progress", "In Progress"]


def test_steps_that_were_not_counted_are_done_at_the_end(user):
    bare.delay(user.pk)
    run_all()

    assert (only().completed_steps, only().total_steps) == (1, 1)
    assert UserTaskArtifact.objects.get().text == "nothing"


def test_in_sync_mode_the_row_is_there_and_succeeds(user):
    task = async_task(counts, user.pk, sync=True)

    assert fetch(task).result == ["Step 1", "Step 2", "Step 3"]
    assert (only().task_id, only().state, only().completed_steps) == (task, "Succeeded", 3)


def test_in_sync_mode_a_failure_is_recorded_and_raised(user, settings):
    settings.Q_CLUSTER = {"sync": True}
    with pytest.raises(ValueError, match="secret"):
        fails.delay(user.pk)

    assert only().state == "Failed" and only().artifacts.get().text == GENERAL


def test_a_path_that_nobody_imported_gets_its_row_in_the_worker(user, monkeypatch):
    monkeypatch.setattr("django_q.tasks.lookup.loaded", lambda path: None)
    async_task("django_q_tests.contrib.user_tasks.followed.counts", user.pk)
    assert not UserTaskStatus.objects.exists()

    run_all()

    assert (only().state, only().completed_steps) == ("Succeeded", 3)


def test_what_is_enqueued_again_has_a_row_of_its_own(user):
    task = fails.delay(user.pk)
    run_all()
    again = requeue(task)
    run_all()

    states = dict(UserTaskStatus.objects.values_list("task_id", "state"))
    assert states == {task: "Failed", again: "Failed"}


def test_what_a_schedule_enqueues_is_a_user_task(user):
    scheduled = schedule("django_q_tests.contrib.user_tasks.followed.bare", user.pk, schedule_type=Schedule.ONCE)
    assert not UserTaskStatus.objects.exists()

    run_now(Schedule.objects.get(pk=scheduled.pk))
    run_all()

    assert only().state == "Succeeded"


def test_a_schedule_whose_task_cannot_be_named_keeps_the_error_and_holds_up_no_other(user):
    for name in ("refuses", "bare"):
        schedule(f"django_q_tests.contrib.user_tasks.followed.{name}", user.pk, schedule_type=Schedule.ONCE, name=name)

    assert fire_due() == 2

    assert "no such course" in Schedule.objects.get(name="refuses").error and only().name == "bare"


def test_outside_of_a_task_there_is_no_status():
    with pytest.raises(RuntimeError, match="only while it runs as a task"):
        _ = bare.status


# --- how it ends ---------------------------------------------------------------------------------------------------


def test_an_error_fails_with_a_text_that_tells_nothing_of_the_inside(user):
    task = fails.delay(user.pk)
    run_all()

    assert only().state == "Failed"
    artifact = only().artifacts.get()
    assert (artifact.name, artifact.text) == ("Error", GENERAL)
    assert "password=secret" in Task.objects.get(pk=task).traceback


def test_an_error_that_is_meant_for_users_shows_its_text(user):
    fails.delay(user.pk, "The file is empty.", user_facing=True)
    run_all()

    assert only().artifacts.get().text == "The file is empty."


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"builtins.ValueError": True}, "password=secret"),
        ({"builtins.Exception": "Ask us."}, "Ask us."),
        ({"builtins.KeyError": "Ask us."}, GENERAL),
        (lambda error: "It said no." if isinstance(error, ValueError) else None, "It said no."),
        (lambda error: None, GENERAL),
    ],
)
def test_the_settings_may_say_what_users_are_told(user, settings, said, text):
    settings.USER_TASKS = {"error_text": said}
    fails.delay(user.pk)
    run_all()

    assert only().artifacts.get().text == text


def test_a_base_may_say_what_users_are_told(user):
    followed.explains.delay(user.pk)
    run_all()

    assert only().artifacts.get().text == "Sorry: KeyError"


def test_a_hook_that_fails_does_not_hide_the_error(user, monkeypatch, caplog):
    monkeypatch.setattr(followed.Explaining, "error_text", classmethod(lambda cls, exc: 1 / 0))
    followed.explains.delay(user.pk)
    (run,) = run_all()

    assert isinstance(run.exception, KeyError)
    assert only().artifacts.get().text == GENERAL and "error_text() of" in caplog.text


def test_a_task_that_fails_by_hand_stays_failed(user):
    task = followed.fails_by_hand.delay(user.pk)
    run_all()

    assert only().state == "Failed" and only().artifacts.get().text == "There is no paper."
    assert Task.objects.get(pk=task).success


def test_between_two_attempts_it_says_that_it_is_tried_again(user):
    followed.fails_once.delay(user.pk)
    run_all()
    assert (only().state, only().attempts, only().artifacts.count()) == ("Retrying", 2, 0)

    run_all(deferred=True)
    assert (only().state, only().attempts) == ("Succeeded", 2)


def test_a_task_that_fails_at_its_last_attempt_has_failed(user):
    followed.fails_once.delay(user.pk, always=True)
    run_all(deferred=True)

    assert (only().state, only().attempts, only().artifacts.get().text) == ("Failed", 2, GENERAL)


def test_a_row_that_was_deleted_meanwhile_is_not_missed(user):
    followed.is_deleted_meanwhile.delay(user.pk)
    (run,) = run_all()

    assert run.result == "finished all the same"
    assert not UserTaskStatus.objects.exists() and not UserTaskArtifact.objects.exists()


def test_a_row_that_was_deleted_before_the_task_began_is_not_made_again(user):
    bare.delay(user.pk)
    UserTaskStatus.objects.all().delete()
    (run,) = run_all()

    assert run.result == "nothing" and not UserTaskStatus.objects.exists() and not UserTaskArtifact.objects.exists()


@pytest.mark.parametrize(
    ("deletes", "made"),
    [(followed.is_deleted_meanwhile, 1), (followed.is_deleted_and_says_nothing, 0), (followed.is_deleted_async, 0)],
)
def test_a_row_that_was_deleted_is_made_again_if_the_settings_say_so(user, settings, deletes, made):
    settings.USER_TASKS = {"deleted_rows": "recreate"}
    task = deletes.delay(user.pk)
    before = only()
    run_all()

    assert (only().uuid, only().task_id, only().state) == (before.uuid, task, "Succeeded")
    assert UserTaskArtifact.objects.count() == made


def test_a_row_that_was_deleted_before_the_task_began_is_made_again_if_the_settings_say_so(user, settings):
    settings.USER_TASKS = {"deleted_rows": "recreate"}
    bare.delay(user.pk)
    UserTaskStatus.objects.all().delete()
    run_all()

    assert only().state == "Succeeded" and UserTaskArtifact.objects.get().text == "nothing"


def test_the_error_of_a_task_whose_row_was_deleted_is_told_if_the_settings_say_so(user, settings):
    settings.USER_TASKS = {"deleted_rows": "recreate"}
    followed.is_deleted_and_fails.delay(user.pk)
    run_all()

    assert only().state == "Failed" and only().artifacts.get().text == "The file is gone."


def test_a_row_whose_container_was_deleted_is_made_again_without_it(user, settings):
    settings.USER_TASKS = {"deleted_rows": "recreate"}
    async_chain([(followed.chain_is_deleted, (user.pk,))])
    run_all()

    assert only().parent is None and only().state == "Succeeded"


def test_a_row_whose_user_was_deleted_is_not_made_again(user, settings):
    settings.USER_TASKS = {"deleted_rows": "recreate"}
    followed.user_is_deleted.delay(user.pk)
    (run,) = run_all()

    assert run.result == "finished all the same" and not UserTaskStatus.objects.exists()


def test_a_waiting_task_that_is_canceled_leaves_the_queue_and_never_runs(user):
    followed.must_not_run.delay(user.pk)
    only().cancel()

    assert not OrmQ.objects.exists() and run_all() == [] and only().state == "Canceled"


def test_a_running_task_that_is_canceled_ends_at_its_next_step(user):
    task = followed.is_canceled_meanwhile.delay(user.pk)
    (run,) = run_all()

    assert run.reason == "canceled" and Task.objects.get(pk=task).reason == "canceled"
    assert only().state == "Canceled" and not only().artifacts.exists()


def test_a_running_task_that_does_not_listen_finishes_and_stays_canceled(user):
    followed.is_canceled_meanwhile.delay(user.pk, swallow=True)
    (run,) = run_all()

    assert run.success and only().state == "Canceled"


def test_what_was_canceled_in_the_hands_of_a_cluster_never_runs(user):
    counts.delay(user.pk)
    UserTaskStatus.objects.update(state="Canceled")
    (run,) = run_all()

    assert run.reason == "canceled" and run.result.startswith("TaskCanceledException")


@pytest.mark.parametrize("end", [cancel, delete])
def test_taking_the_task_back_cancels_its_row(user, end):
    task = counts.delay(user.pk)

    assert end(task)

    assert only().state == "Canceled"


def test_what_expires_is_canceled(user):
    bare.apply_async([user.pk], expires=timezone.now() - timedelta(seconds=1))
    run_all()

    assert only().state == "Canceled"
