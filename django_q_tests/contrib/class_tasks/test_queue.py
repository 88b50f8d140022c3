"""Who runs which task: order, limits, two runners, dead ones, and what clients are told."""

import threading

import pytest
from django.db import transaction

from django_q.contrib.class_tasks import (
    Task,
    client,
    get_task,
    remove_task,
    restart_task,
    set_task,
    start_task,
    stop_task,
)
from django_q.contrib.class_tasks.exceptions import TaskIsRunning
from django_q.contrib.class_tasks.models import ClassTask
from django_q.exceptions import InvalidValue
from django_q.models.dialects import dialect_for
from django_q_tests.support.class_tasks import lines
from django_q_tests.support.eventually import eventually

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("own_database")]


def is_dead_long_ago(task_id):
    """Let the last sign of life of a task's runner be an hour old, and let that runner be nobody we know."""
    rows = client.rows()
    long_ago = dialect_for("default").later_expression(-3600)
    rows.filter(pk=task_id).update(runner="dead", token="dead", beat_at=long_ago)


def test_what_came_first_runs_first_and_never_more_than_the_limit(make, start, until, tmp_path):
    most, now, lock = [], [], threading.Lock()

    class Counts(Task):
        NAME = "test/counts"

        def __init__(self, number):
            self.number = number

        def start(self):
            with lock:
                now.append(self.number)
                most.append(len(now))
            threading.Event().wait(0.02)
            with lock:
                now.remove(self.number)
                ran.append(self.number)

    ran = []
    ids = [start_task("test/counts", number=number) for number in range(12)]
    assert client.get_new_task_ids() == ids
    one, three = make(concurrency=1), make(concurrency=3)
    for runner in (one, three):
        runner.add_task(Counts)

    start(one)
    for task_id in ids:
        until(task_id, "SUCCESS")
    assert (ran, max(most)) == (list(range(12)), 1)
    most.clear()
    for task_id in ids:
        restart_task(task_id)
    start(three)
    eventually(lambda: len(ran) == 24)
    assert max(most) <= 1 + 3


@pytest.mark.databases
def test_one_task_is_run_by_one_of_two_runners(start, until, tmp_path):
    start(), start()

    ids = [start_task("test/returns", value=number, path=str(tmp_path / "ran")) for number in range(20)]

    for task_id in ids:
        assert until(task_id, "SUCCESS")["attempts"] == 1
    assert sorted(map(int, lines(tmp_path / "ran"))) == list(range(20))


@pytest.mark.databases
def test_a_task_of_a_dead_runner_runs_again(make, start, until):
    task_id = start_task("test/returns", value=7)
    assert [row.pk for row in client.rows().claim("dead", 1)] == [task_id]
    is_dead_long_ago(task_id)
    runner = make()
    runner.start_local_task("pytask/monitor", loop_interval=0.05)

    start(runner)

    assert until(task_id, "SUCCESS")["attempts"] == 2


@pytest.mark.databases
def test_a_local_task_of_a_dead_runner_is_deleted_and_one_that_was_to_stop_is_stopped(make, start):
    client.rows().put_local("local", "test/returns", "{}", "dead")
    start_task("test/returns", task_id="stopped")
    client.rows().claim("dead", 1)
    stop_task("stopped")
    for task_id in ("local", "stopped"):
        is_dead_long_ago(task_id)
    runner = make()
    runner.start_local_task("pytask/monitor", loop_interval=0.05)

    start(runner)

    eventually(lambda: get_task("local") == {} and get_task("stopped", "state") == "STOPPED")


def test_a_runner_that_was_declared_dead_writes_nothing_and_stops_the_task(start, until, tmp_path):
    start()
    task_id = start_task("test/loops", path=str(tmp_path / "lines"))
    eventually(lambda: lines(tmp_path / "lines"))

    client.rows().filter(pk=task_id).update(runner="other", token="other")

    eventually(lambda: lines(tmp_path / "lines") == ["started", "stopped"])
    assert ClassTask.objects.get().token == "other" and get_task(task_id, "state") == "RUNNING"


@pytest.mark.databases
def test_a_runner_that_ends_stops_its_tasks_which_wait_and_its_local_ones_are_gone(make, start, tmp_path):
    runner = make()
    runner.start_local_task("test/loops", path=str(tmp_path / "local"))
    one = start(runner)
    task_id = start_task("test/loops", path=str(tmp_path / "lines"))
    eventually(lambda: lines(tmp_path / "lines") and lines(tmp_path / "local"))
    assert ClassTask.objects.get(local=True).runner == ClassTask.objects.get(local=False).runner

    assert one.end() == 0

    assert lines(tmp_path / "lines") == lines(tmp_path / "local") == ["started", "stopped"]
    assert get_task(task_id, "state") == "WAIT" and client.get_new_task_ids() == [task_id]
    assert ClassTask.objects.count() == 1


def test_a_local_task_is_never_queued(make, start, tmp_path):
    runner = make()
    runner.start_local_task("test/returns", value=1)
    start(runner)
    task = eventually(lambda: ClassTask.objects.filter(state="SUCCESS").first())

    assert task.local and not restart_task(task.pk)


def test_the_lists_of_ids_say_where_a_task_is(start, until, tmp_path):
    def where(task_id):
        places = (client.get_new_task_ids, client.get_active_task_ids, client.get_end_task_ids)
        return [task_id in place() for place in places]

    path = str(tmp_path / "lines")
    task_id, kept = start_task("test/loops", path=path), start_task("test/returns", cleanup=False)
    assert where(task_id) == [True, False, False]
    start()
    until(task_id, "RUNNING")
    assert where(task_id) == [False, True, False]
    eventually(lambda: lines(tmp_path / "lines"))
    stop_task(task_id)
    until(task_id, "STOPPED")
    assert where(task_id) == [False, True, False]
    set_task(task_id, {"task": "test/returns", "data": {"value": 2}})
    restart_task(task_id)
    until(task_id, "SUCCESS")
    assert where(task_id) == [False, False, True]
    until(kept, "SUCCESS")
    assert where(kept) == [False, False, False] and get_task(kept, "cleanup") is False


@pytest.mark.databases
def test_a_chosen_id_is_queued_once_and_may_be_used_again_after_the_end(start, until, tmp_path):
    assert start_task("test/returns", task_id="k", value=1) == start_task("test/returns", task_id="k", value=2) == "k"
    assert client.get_new_task_ids() == ["k"]
    start()
    assert until("k", "SUCCESS")["output"] == 2
    start_task("test/loops", task_id="k", path=str(tmp_path / "lines"))
    eventually(lambda: lines(tmp_path / "lines"))

    assert get_task("k", ["task", "attempts", "output"]) == ["test/loops", 1, None]
    with pytest.raises(TaskIsRunning, match="The task 'k' is running. Stop it first"):
        start_task("test/returns", task_id="k")
    assert not remove_task("k")
    stop_task("k")
    until("k", "STOPPED")
    assert remove_task("k") and get_task("k") == {}


def test_a_task_is_started_when_the_transaction_is_committed(start, until):
    start()
    with transaction.atomic():
        task_id = start_task("test/returns")
        assert get_task(task_id, "state") == "WAIT"
    until(task_id, "SUCCESS")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: start_task(""), InvalidValue, "task_name is ''; pass a text"),
        (lambda: start_task("test/returns", task_id="x" * 191), InvalidValue, "pass a text of 1 to 190 characters"),
        (lambda: start_task("test/returns", value={1}), TypeError, "JSON, which cannot hold"),
        (lambda: get_task("k", "stat"), InvalidValue, "Nothing is kept under 'stat'. Choose among task, data"),
        (lambda: set_task("k", "state", "WAIT"), InvalidValue, "'state' cannot be set. Choose among task, data"),
        (lambda: set_task("k", "data"), TypeError, "the key 'data' without a value"),
        (lambda: set_task("k", "data", [1]), TypeError, "are a dict of what its __init__ takes"),
    ],
)
def test_what_cannot_be_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_key_is_a_value_several_are_a_list_and_none_a_dict():
    start_task("test/returns", task_id="k", value=None)

    assert get_task("k", "data") == {"value": None}
    assert get_task("k", ["state", "output"]) == ["WAIT", None]
    assert get_task("k")["last_update"] is None
    assert set_task("k", "data", {}) and get_task("k", "data") == {}
    assert (get_task("ghost"), get_task("ghost", "state"), set_task("ghost", "data", {})) == ({}, None, False)


def test_a_task_that_does_not_end_ends_the_runner_and_the_others_wait(start, until, tmp_path):
    one = start()
    deaf = start_task("test/deaf", path=str(tmp_path / "deaf"), in_c=4)
    other = start_task("test/loops", path=str(tmp_path / "lines"))
    eventually(lambda: lines(tmp_path / "deaf") and lines(tmp_path / "lines"))

    stop_task(deaf)

    one.thread.join(10)
    assert one.code == 75
    assert (get_task(deaf, "state"), get_task(other, "state")) == ("STOPPED", "WAIT")


def test_what_is_stopped_while_its_runner_ends_does_not_run_elsewhere():
    task_id = start_task("test/returns")
    (row,) = client.rows().claim("mine", 1)
    stop_task(task_id)

    client.rows().release([(row.pk, row.token)], "WAIT")

    assert get_task(task_id, "state") == "STOPPED"


def test_what_has_ended_by_itself_keeps_its_end_when_its_runner_ends(make, own_database, tmp_path):
    service = make()._new_service()
    task_id = start_task("test/returns", value=1)
    service._work()
    eventually(lambda: all(run.has_ended for run in service._runs.values()))

    service.end()
    assert service.run() == 0

    assert get_task(task_id, ["state", "output"]) == ["SUCCESS", 1]
