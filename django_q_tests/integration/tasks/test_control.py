from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from django_q import conf, signals
from django_q.brokers.base import STOP
from django_q.engine import records
from django_q.exceptions import InvalidValue, PayloadError
from django_q.kernel.states import Event, TaskKind, TaskState
from django_q.models import OrmQ, Task
from django_q.tasks import (
    async_task,
    cancel,
    change_priority,
    change_run_after,
    delete,
    duplicate,
    fetch,
    queue_size,
    requeue,
    result,
)
from django_q.testing import run_all
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import Counter, add, fail, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def claimed():
    """The id of a task that a cluster holds."""
    task_id = async_task(add, 1, 2, task_name="held")
    OrmQ.objects.filter(pk=task_id).move(Event.CLAIM, token="t", claimed_by="c")
    return task_id


@pytest.fixture
def rung(monkeypatch):
    """What was announced to pushers and keepers, without waiting for a commit that never comes in a test."""
    names = []
    for function in ("announce", "tell_keepers"):
        monkeypatch.setattr(f"django_q.tasks.control.{function}", lambda broker, name, alias: names.append(name))
    return names


# --- queue_size ----------------------------------------------------------------------------------------------------


def test_the_size_counts_what_waits_and_neither_hooks_nor_claims(claimed):
    async_task(add, 1)
    async_task(add, 1, run_after=timedelta(hours=1))
    async_task(add, 1, cluster="slow")
    OrmQ.objects.create(id="h" * 32, kind=TaskKind.HOOK, queue="default", state=TaskState.READY, enqueued_at=moment())

    assert queue_size() == 3
    assert queue_size("slow") == 1
    assert queue_size("nobody") == 0


def moment():
    return OrmQ.objects.values_list("enqueued_at", flat=True)[0]


# --- delete --------------------------------------------------------------------------------------------------------


def test_a_task_that_ended_is_deleted_by_id_or_name():
    for key in (async_task(add, 1, sync=True), async_task(add, 1, sync=True, task_name="x") and "x"):
        assert delete(key) is True
        assert delete(key) is False
    assert not Task.objects.exists()


def test_a_task_that_waits_is_deleted_by_id_name_or_uuid():
    async_task(add, 1, task_name="waits")
    for key in (async_task(add, 1), UUID(async_task(add, 1)), "waits"):
        assert delete(key) is True

    assert not OrmQ.objects.exists()
    assert not Task.objects.exists()


def test_a_task_that_a_cluster_holds_is_not_deleted(claimed):
    assert delete(claimed) is False
    assert OrmQ.objects.filter(pk=claimed).exists()


# --- cancel --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run_after", [None, timedelta(hours=1)])
def test_a_task_that_nobody_claimed_moves_to_the_history_as_canceled(run_after):
    task_id = async_task(add, 1, 2, group="a", priority=3, run_after=run_after, timeout=5, task_name="mine")

    assert cancel(task_id) is True

    task = Task.objects.get()
    assert not OrmQ.objects.exists()
    assert (task.pk, task.success, task.reason, task.started) == (task_id, False, "canceled", task.stopped)
    assert (task.name, task.group, task.priority, task.args) == ("mine", "a", 3, (1, 2))
    assert "Canceled" in task.result
    assert cancel(task_id) is False


def test_a_task_is_canceled_by_its_name():
    async_task(add, 1, task_name="mine")

    assert cancel("mine") is True
    assert fetch("mine").reason == "canceled"


def test_what_nobody_has_cannot_be_canceled():
    assert cancel("nobody") is False
    assert cancel(async_task(add, 1, sync=True)) is False


def test_a_task_that_a_cluster_holds_is_asked_to_stop(claimed, rung):
    assert cancel(claimed) is True

    row = OrmQ.objects.get(pk=claimed)
    assert row.stop_requested_at is not None
    assert row.state == TaskState.CLAIMED
    assert rung == [STOP]


def test_a_task_may_be_canceled_twice(claimed, rung):
    assert cancel(claimed) is True
    assert cancel(claimed) is True


def test_a_task_that_is_claimed_while_it_is_canceled_is_asked_to_stop(monkeypatch, rung):
    task_id = async_task(add, 1)
    archive = records.archive_unrun

    def too_late(*args, **kwargs):
        OrmQ.objects.filter(pk=task_id).move(Event.CLAIM, token="t", claimed_by="c")
        return archive(*args, **kwargs)

    monkeypatch.setattr(records, "archive_unrun", too_late)

    assert cancel(task_id) is True
    assert OrmQ.objects.get(pk=task_id).stop_requested_at is not None
    assert not Task.objects.exists()


def test_a_task_that_ends_while_it_is_canceled_is_left_alone(monkeypatch):
    task_id = async_task(add, 1)

    def too_late(*args, **kwargs):
        OrmQ.objects.filter(pk=task_id).delete()
        return False

    monkeypatch.setattr(records, "archive_unrun", too_late)

    assert cancel(task_id) is False


def test_the_hook_of_a_canceled_task_is_not_lost(rung):
    task_id = async_task(add, 1, hook=seen)

    cancel(task_id)

    hook = OrmQ.objects.get()
    assert (hook.kind, hook.state, hook.args) == (TaskKind.HOOK, TaskState.READY, (task_id,))
    assert rung == ["default"]


def test_the_end_of_a_canceled_task_is_told(django_capture_on_commit_callbacks):
    told = []
    receiver = lambda task, **_: told.append((task["id"], task["success"], task["reason"]))  # noqa: E731
    signals.post_execute.connect(receiver)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            task_id = async_task(add, 1)
            cancel(task_id)
    finally:
        signals.post_execute.disconnect(receiver)

    assert told == [(task_id, False, "canceled")]


@pytest.mark.parametrize("end", [cancel, delete])
def test_the_later_steps_of_a_chain_end_with_the_first(end):
    first, second = async_task(add, 1), async_task(add, 2)
    OrmQ.objects.filter(pk=first).update(chain="c")
    OrmQ.objects.filter(pk=second).update(chain="c", waits_for=first, state=TaskState.WAITING)

    assert end(first) is True

    assert not OrmQ.objects.exists()
    assert fetch(second).reason == "canceled"


# --- requeue -------------------------------------------------------------------------------------------------------


def test_a_task_of_the_history_runs_again_under_a_new_id():
    with pytest.raises(ValueError):
        async_task(fail, "no", sync=True, task_name="x", group="a", hook=seen, cluster="slow", priority=4, timeout=5)
    task = fetch("x")

    new_id = requeue("x")

    row = OrmQ.objects.get(kind=TaskKind.TASK)
    assert (row.pk, row.requeued_from, row.state) == (new_id, task.pk, TaskState.READY)
    assert new_id != task.pk
    assert (row.func, row.args, row.kwargs) == (task.func, ("no",), {})
    assert (row.group, row.hook, row.queue, row.priority) == ("a", task.hook, "slow", 4)
    assert row.options == task.options == '{"timeout":5}'
    assert row.attempts == 0


def test_a_task_is_requeued_by_its_id_or_as_it_is():
    task_id = async_task(add, 1, 2, sync=True)

    requeue(task_id)
    requeue(fetch(task_id))

    assert OrmQ.objects.filter(requeued_from=task_id).count() == 2
    assert fetch(task_id).result == 3


def test_callables_that_travel_with_a_task_travel_again():
    functions.calls.clear()
    task_id = async_task(Counter(5).plus, 2, sync=True, hook=Counter(7).hook)

    requeue(task_id)

    row = OrmQ.objects.get()
    codec = conf.current().codec()
    names = {"task_id": row.pk, "func": row.func}
    func, args = codec.decode_call(bytes(row.__dict__["args"]), purpose="args", **names)
    hook, kwargs = codec.decode_call(bytes(row.__dict__["kwargs"]), purpose="kwargs", **names)
    assert func(*args, **kwargs) == 7
    assert hook.__self__.start == 7
    assert functions.calls == [(7, 7)]


def test_json_stays_json():
    task_id = async_task("math.copysign", 1, -2, sync=True, serializer="json")

    requeue(task_id)

    assert OrmQ.objects.get().serializer == "json"


def test_what_is_not_in_the_history_cannot_be_requeued():
    with pytest.raises(InvalidValue, match="no task 'nobody'"):
        requeue("nobody")


def test_a_payload_that_was_moved_between_rows_is_not_requeued():
    first, second = (async_task(add, number, sync=True) for number in (1, 2))
    Task.objects.filter(pk=first).update(args=fetch(second).__dict__["args"])

    with pytest.raises(PayloadError):
        requeue(first)

    assert queue_size() == 0
    assert result(second) == 2


# --- duplicate and change_priority -----------------------------------------------------------------------------------


def test_a_duplicate_is_a_task_of_its_own_with_the_same_call():
    first = async_task(add, 1, 2, group="g", priority=3, timeout=7)

    second = duplicate(first)

    rows = {row.pk: row for row in OrmQ.objects.all()}
    assert set(rows) == {first, second}
    assert (rows[second].args, rows[second].kwargs) == ((1, 2), {})
    assert rows[second].name != rows[first].name
    for column in ("func", "group", "priority", "options", "queue", "state", "run_after"):
        assert getattr(rows[second], column) == getattr(rows[first], column)


def test_the_duplicate_of_a_deferred_task_is_due_at_the_same_time():
    first = async_task(add, 1, 2, run_after=timedelta(hours=1))

    row = OrmQ.objects.get(pk=duplicate(first))

    assert (row.state, row.run_after) == (TaskState.DEFERRED, OrmQ.objects.get(pk=first).run_after)


def test_the_duplicate_of_what_a_cluster_runs_waits_to_be_claimed(claimed):
    row = OrmQ.objects.get(pk=duplicate("held"))

    assert (row.state, row.token, row.claimed_by, row.attempts) == (TaskState.READY, None, None, 0)


def test_only_what_is_queued_can_be_duplicated():
    with pytest.raises(InvalidValue, match="The queue has no task 'nobody'; requeue\\(\\) runs one again"):
        duplicate("nobody")


def test_the_priority_of_what_waits_can_be_changed():
    task_id = async_task(add, 1)

    assert change_priority(task_id, 9) is True

    assert OrmQ.objects.get().priority == 9


def test_the_priority_of_what_is_claimed_stays(claimed):
    assert change_priority(claimed, 9) is False
    assert OrmQ.objects.get().priority == 0


def test_another_moment_can_be_chosen_for_what_waits():
    task_id = async_task(add, 1)

    assert change_run_after(task_id, timedelta(hours=1)) is True

    row = OrmQ.objects.get()
    assert row.state == TaskState.DEFERRED
    assert abs(row.run_after - timezone.now() - timedelta(hours=1)) < timedelta(seconds=5)
    assert not run_all()


def test_what_was_put_off_can_be_brought_forward():
    task_id = async_task(add, 1, run_after=timedelta(hours=1))

    assert change_run_after(task_id, timezone.now()) is True

    assert [run.id for run in run_all()] == [task_id]


def test_the_moment_of_what_is_claimed_stays(claimed):
    assert change_run_after(claimed, timedelta(hours=1)) is False
    assert change_run_after("nobody", timedelta(hours=1)) is False
    assert OrmQ.objects.get().run_after is None


@pytest.mark.parametrize("moment", [None, 60, "soon"])
def test_what_is_no_moment_is_refused(moment):
    task_id = async_task(add, 1)

    with pytest.raises(InvalidValue, match="run_after="):
        change_run_after(task_id, moment)


@pytest.mark.parametrize("priority", [None, "high", 40000, True, 1.5])
def test_a_priority_that_cannot_be_stored_is_refused(priority):
    task_id = async_task(add, 1)

    with pytest.raises(InvalidValue, match="priority="):
        change_priority(task_id, priority)
