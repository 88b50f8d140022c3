"""User tasks in real clusters: what their users see when workers die, when time runs out, when they cancel."""

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.models import OrmQ, Task
from django_q.tasks import async_chain, async_chord
from django_q_tests.support import followed
from django_q_tests.support.clusters import Drill, times_rested

pytestmark = pytest.mark.databases

_RACES = 200  # that are committed, and as many that are rolled back


@pytest.fixture
def user(drill):
    return get_user_model().objects.create_user("ann")


def delay(drill: Drill, task, *args) -> UserTaskStatus:
    handle = task.delay(*args)
    drill.ids.append(str(handle))
    return UserTaskStatus.objects.get(task_id=handle)


def until(drill: Drill, row: UserTaskStatus, *states: str) -> UserTaskStatus:
    def reached():
        row.refresh_from_db()
        return row.state in states

    drill.until(reached)
    return row


def text_of(row: UserTaskStatus) -> str:
    return row.artifacts.get(name="Error").text


def test_a_task_that_kills_its_worker_every_time_has_failed(drill, user):
    drill.start(max_crashes=2)

    row = until(drill, delay(drill, followed.dies, user.pk), "Failed")

    assert text_of(row) == "The task was interrupted and could not be finished." and row.attempts == 2


def test_a_task_whose_worker_dies_is_tried_again_and_succeeds(drill, user):
    drill.start(max_crashes=2)

    row = until(drill, delay(drill, followed.dies_once, user.pk, drill.file()), "Succeeded")

    assert row.attempts == 2 and not row.artifacts.exists()


@pytest.mark.parametrize("task", [followed.takes_too_long, followed.cannot_be_stopped])
def test_a_task_that_takes_too_long_has_failed(drill, user, task):
    drill.start()

    row = until(drill, delay(drill, task, user.pk), "Failed")

    assert text_of(row) == "The task took too long and was stopped."


def test_a_running_task_that_is_canceled_ends_at_its_next_step(drill, user):
    drill.start()
    row = delay(drill, followed.steps, user.pk, drill.file())
    drill.until_line("started")

    row.cancel()

    assert drill.until_ended(row.task_id).reason == "canceled"
    row.refresh_from_db()
    assert row.state == "Canceled" and not row.artifacts.exists()


def test_a_running_task_that_does_not_listen_is_stopped_by_the_cluster_if_the_settings_say_so(drill, user, settings):
    settings.USER_TASKS = {"cancel_running": "interrupt"}
    drill.start()
    row = delay(drill, followed.sleeps, user.pk, drill.file())
    drill.until_line("started")

    row.cancel()

    assert drill.until_ended(row.task_id).reason == "canceled"
    assert until(drill, row, "Canceled").artifacts.count() == 0


def test_a_chain_and_a_chord_that_are_canceled_while_they_run_stop_and_go_no_further(drill, user):
    drill.start()
    with transaction.atomic():
        async_chain([(followed.steps, (user.pk, drill.file())), (followed.brief, (user.pk,))])
        async_chord(followed.steps, [(user.pk, drill.file())], (followed.collects, (user.pk,)))
        drill.ids += OrmQ.objects.values_list("pk", flat=True)
    drill.until_line("started", times=2)

    for whole in UserTaskStatus.objects.filter(parent=None):
        whole.cancel()

    drill.until_ended(*drill.ids)
    assert set(UserTaskStatus.objects.values_list("state", flat=True)) == {"Canceled"}
    assert set(Task.objects.values_list("reason", flat=True)) == {"canceled"}


def test_what_is_enqueued_in_a_long_transaction_begins_after_its_end_with_its_row(drill, user):
    pusher = drill.start(poll=0.05).pids("pusher")[0]
    with transaction.atomic():
        row = delay(drill, followed.brief, user.pk)
        rests = times_rested(pusher)
        drill.until(lambda: times_rested(pusher) > rests + 5)  # it has looked as often, and found nothing
        row.refresh_from_db()
        assert row.state == "Pending"

    until(drill, row, "Succeeded")


def test_in_a_race_with_the_worker_a_task_has_its_row_or_there_is_no_task(drill, user):
    cluster = drill.start(poll=0.05)
    kept = []
    for number in range(_RACES):
        for rolls_back in (False, True):  # the cluster works on what is kept while the next one is rolled back
            with transaction.atomic():
                handle = followed.brief.delay(user.pk, number)
                transaction.set_rollback(rolls_back)
            kept += [] if rolls_back else [str(handle)]
    drill.ids += kept

    drill.until_ended(*kept)

    assert set(UserTaskStatus.objects.values_list("task_id", "state", "attempts")) == {
        (handle, "Succeeded", 1) for handle in kept
    }
    assert set(Task.objects.values_list("pk", "success")) == {(handle, True) for handle in kept}
    assert not OrmQ.objects.exists()
    assert not [word for word in ("WARNING", "ERROR", "CRITICAL", "Traceback") if word in cluster.output], (
        cluster.output
    )
