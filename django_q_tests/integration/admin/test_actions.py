"""What can be done with tasks."""

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.urls import reverse

from django_q.models import OrmQ, Task
from django_q_tests.support import factories
from django_q_tests.support.admin import act, claim, fail, succeed, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("action", ["requeue_selected", "delete_selected"])
def test_an_action_on_the_history_asks_first(boss, action):
    task = fail(task_name="the one")

    asked = act(boss, "failure", action, [task], confirmed=False)

    assert "Are you sure?" in text_of(asked) and "the one" in text_of(asked)
    assert Task.objects.filter(pk=task).exists() and not OrmQ.objects.exists()
    assert not LogEntry.objects.exists()


def test_requeue_enqueues_again_and_is_logged(boss):
    task = fail("django_q_tests.support.jobs.fail", "no luck", group="g")

    answer = act(boss, "failure", "requeue_selected", [task])

    again = OrmQ.objects.get()
    assert (again.func, again.args, again.group) == ("django_q_tests.support.jobs.fail", ("no luck",), "g")
    assert again.requeued_from == task
    assert "Requeued: 1." in text_of(answer)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag, str(entry.change_message)) == (task, CHANGE, "Requeued.")


def test_a_task_that_cannot_be_trusted_is_not_requeued_and_the_others_are(boss):
    good, bad = fail(), fail()
    Task.objects.filter(pk=bad).update(func="moved.here")

    answer = act(boss, "failure", "requeue_selected", [good, bad])

    assert OrmQ.objects.get().requeued_from == good
    assert "Requeued: 1." in text_of(answer) and "The signature is wrong" in text_of(answer)
    assert LogEntry.objects.get().object_id == good


def test_delete_removes_from_the_history_and_is_logged(boss):
    task, kept = succeed(1, 2), succeed(3, 4)

    act(boss, "success", "delete_selected", [task])

    assert list(Task.objects.values_list("pk", flat=True)) == [kept]
    assert LogEntry.objects.get().action_flag == DELETION


def test_cancel_moves_what_waits_to_the_history_and_asks_what_runs_to_stop(boss):
    running, waiting = factories.put(1, priority=9), factories.put(2)
    claim(factories.register())

    act(boss, "ormq", "cancel_selected", [running, waiting])

    assert OrmQ.objects.get().pk == running and OrmQ.objects.get().stop_requested_at is not None
    assert Task.objects.get(pk=waiting).reason == "canceled"
    assert LogEntry.objects.count() == 2


def test_only_what_nobody_has_claimed_is_deleted_from_the_queue(boss):
    running, waiting = factories.put(1, priority=9), factories.put(2)
    claim(factories.register())

    answer = act(boss, "ormq", "delete_selected", [running, waiting])

    assert OrmQ.objects.get().pk == running and not Task.objects.exists()
    assert "cancel it first" in text_of(answer)
    assert boss.post(reverse("admin:django_q_ormq_delete", args=[running]), {"post": "yes"}).status_code == 403


def test_an_action_can_take_all_that_match(boss):
    for _ in range(60):  # more than a page
        succeed(1, 2)
    first = Task.objects.first().pk

    asked = act(boss, "success", "delete_selected", [first], confirmed=False, select_across="1")
    act(boss, "success", "delete_selected", [first], select_across="1")

    assert "and 40 more" in text_of(asked)
    assert not Task.objects.exists()


@pytest.mark.parametrize("model", ["success", "failure"])
def test_one_row_can_be_deleted_on_its_page(boss, model):
    task = succeed(1, 2) if model == "success" else fail()
    url = reverse(f"admin:django_q_{model}_delete", args=[task])

    assert boss.get(url).status_code == 200
    boss.post(url, {"post": "yes"})

    assert not Task.objects.exists()
    assert LogEntry.objects.get().object_id == task
