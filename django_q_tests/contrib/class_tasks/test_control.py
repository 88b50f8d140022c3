"""Stopping, reloading and restarting, by whoever knows the id."""

import logging
import threading

import pytest

from django_q.contrib.class_tasks import (
    client,
    get_task,
    reload_task,
    restart_if_state,
    restart_task,
    set_task,
    spawn,
    start_task,
    stop_task,
)
from django_q.contrib.class_tasks.exceptions import StopTask
from django_q.exceptions import InvalidValue
from django_q_tests.support.class_tasks import lines
from django_q_tests.support.eventually import eventually

pytestmark = pytest.mark.once


@pytest.fixture
def running(start, until, tmp_path):
    """Start a task that leaves lines, and wait until it has left its first."""

    def started(name, **data):
        path = tmp_path / f"lines-{name.replace('/', '-')}"
        task_id = start_task(name, path=str(path), **data)
        eventually(lambda: lines(path))
        return task_id, path

    return started


def test_a_loop_that_is_stopped_is_stopped_within_a_second(start, running, until, told):
    start(interval=0.5)
    task_id, path = running("test/loops")

    assert stop_task(task_id)

    task = until(task_id, "STOPPED", within=1)
    assert (task["output"], lines(path)) == (None, ["started", "stopped"])
    assert [event for event, _ in told(task_id)] == ["working", "stopped"]


def test_who_does_not_care_for_stop_is_interrupted_after_the_grace(start, running, until):
    start()
    task_id, _ = running("test/deaf")

    stop_task(task_id)

    until(task_id, "STOPPED", within=3)


def test_what_a_task_has_spawned_is_killed_with_it(start, running, until):
    start(grace=30)
    task_id, path = running("test/leaves-children")

    stop_task(task_id)

    until(task_id, "STOPPED", within=3)
    eventually(lambda: lines(path) == ["started", "killed"])


def test_an_error_in_stop_is_logged_and_the_task_is_stopped(start, running, until, caplog):
    start()
    task_id, _ = running("test/fails-to-stop")

    stop_task(task_id)

    until(task_id, "STOPPED")
    assert "stop() of test/fails-to-stop" in caplog.text and "stop() is broken" in caplog.text
    until(start_task("test/returns"), "SUCCESS")


def test_a_stopped_task_runs_again_with_its_data(start, running, until):
    start()
    task_id, path = running("test/loops")
    stop_task(task_id)
    until(task_id, "STOPPED")

    assert restart_task(task_id)

    eventually(lambda: lines(path) == ["started", "stopped", "started"])
    assert get_task(task_id, ["state", "attempts"]) == ["RUNNING", 2]


@pytest.mark.databases
def test_a_reloaded_task_starts_anew_with_new_data_and_never_ends(start, running, told):
    start()
    task_id, path = running("test/loops")
    set_task(task_id, "data", {"path": str(path), "word": "anew"})

    assert reload_task(task_id)

    eventually(lambda: lines(path) == ["started", "stopped", "anew"])
    assert get_task(task_id, ["state", "attempts"]) == ["RUNNING", 1]
    stop_task(task_id)
    assert [event for event, _ in told(task_id)] == ["working", "working", "stopped"]


@pytest.mark.databases
def test_who_stops_or_reloads_what_nobody_runs_learns_it(start, until, own_database):
    assert not stop_task("ghost") and not reload_task("ghost") and not restart_task("ghost")
    waiting = start_task("test/returns")
    assert reload_task(waiting)

    assert stop_task(waiting)

    assert get_task(waiting, "state") == "STOPPED" and not stop_task(waiting)
    start()
    until(start_task("test/returns"), "SUCCESS")
    assert get_task(waiting, ["state", "attempts"]) == ["STOPPED", 0]


def test_an_unknown_word_is_logged_and_ignored(start, running, caplog):
    start()
    task_id, _ = running("test/loops")

    with caplog.at_level(logging.WARNING, "django_q.class_tasks"):
        client.rows().ask(task_id, "dance")
        client.ring()
        eventually(lambda: f"Task {task_id} was asked to 'dance', which means nothing." in caplog.text)

    assert get_task(task_id, "state") == "RUNNING"


def test_a_task_is_restarted_only_in_these_states(start, until):
    start()
    task_id = start_task("test/fails", how="error")
    until(task_id, "ERROR")

    assert not restart_if_state(task_id, "EXCEPTION") and not restart_if_state(task_id, ["SUCCESS", "WAIT"])
    with pytest.raises(InvalidValue, match="'ERR' is no state. Choose among WAIT,"):
        restart_if_state(task_id, "ERR")
    assert restart_if_state(task_id, ["ERROR", "EXCEPTION"])

    eventually(lambda: get_task(task_id, ["state", "attempts"]) == ["ERROR", 2])


def test_a_running_task_cannot_be_restarted(start, running):
    start()
    task_id, path = running("test/loops")

    assert not restart_task(task_id)

    assert lines(path) == ["started"]


# --- spawn() alone --------------------------------------------------------------------------------------------------


def test_what_is_spawned_returns_and_raises_where_it_is_waited_for():
    assert spawn(max, 1, 2).get() == 2
    with pytest.raises(ZeroDivisionError):
        spawn(lambda: 1 / 0).get()
    with pytest.raises(TimeoutError, match="not ended within 0 seconds"):
        spawn(threading.Event().wait, 0.1).get(timeout=0)


def test_what_is_killed_has_no_value():
    begun = threading.Event()

    def works():
        begun.set()
        while True:
            begun.wait(0.01)

    spawned = spawn(works)
    begun.wait()
    spawned.kill()

    assert spawned.get() is None
    eventually(lambda: spawned.dead)


def test_who_is_broken_off_does_not_catch_it_by_accident():
    assert issubclass(StopTask, SystemExit) and not issubclass(StopTask, Exception)
