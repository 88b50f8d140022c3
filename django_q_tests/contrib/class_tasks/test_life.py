"""How a task begins and ends: its data, its output, its errors, its context."""

import logging

import pytest

from django_q.contrib.class_tasks import Runner, Task, client, start_task, stop_task
from django_q.contrib.class_tasks.exceptions import DuplicateTask, InvalidTask, MissingTask
from django_q_tests.support.class_tasks import InContext, Returns, lines
from django_q_tests.support.eventually import eventually

pytestmark = pytest.mark.once


def test_a_task_gets_its_data_and_runs_once(start, until, tmp_path):
    start()

    task = until(start_task("test/returns", value=1, path=str(tmp_path / "ran")), "SUCCESS")

    assert (task["output"], task["attempts"], lines(tmp_path / "ran")) == (1, 1, ["1"])


@pytest.mark.databases
def test_what_start_returns_is_read_back(start, until):
    start()

    for value in ({"a": 1}, [1, "zwei", None], "text", None, False):
        assert until(start_task("test/returns", value=value), "SUCCESS")["output"] == value


def test_what_json_cannot_hold_is_an_exception_that_says_so(start, until):
    start()

    output = until(start_task("test/unstorable"), "EXCEPTION")["output"]

    assert "start() of 'test/unstorable' returned what cannot be stored as JSON" in output


def test_a_class_without_name_or_start_is_refused_and_the_runner_serves_on(make, start, until):
    runner = make()

    class Nameless(Task):
        def start(self): ...

    class Startless(Task):
        NAME = "test/startless"

    with pytest.raises(InvalidTask, match="The NAME of .*Nameless is None. Write a text"):
        runner.add_task(Nameless)
    with pytest.raises(InvalidTask, match=r"Startless has no start\(\)"):
        runner.add_task(Startless)
    with pytest.raises(InvalidTask, match="is no class of tasks"):
        runner.add_task(int)
    start(runner)

    until(start_task("test/returns"), "SUCCESS")


def test_a_name_that_is_taken_is_refused_unless_it_replaces(make, start, until):
    class Other(Task):
        NAME = "test/returns"

        def start(self):
            return "the other"

    runner = make()
    with pytest.raises(DuplicateTask, match="'test/returns'. Rename one of them, or add the second with replace=True"):
        runner.add_task(Other)
    runner.add_task(Returns)  # the same class again is no other
    runner.add_task(Other, replace=True)
    start(runner)

    assert until(start_task("test/returns"), "SUCCESS")["output"] == "the other"


def test_a_task_map_names_classes_and_paths(own_database):
    runner = Runner()

    with pytest.raises(InvalidTask, match="is given as 'another', but its NAME is 'test/returns'"):
        runner.run({"another": "django_q_tests.support.class_tasks.Returns"})


def test_data_that_init_does_not_take_are_an_exception(start, until, told):
    start()

    task_id = start_task("test/fails", how="error", unknown=1)

    output = until(task_id, "EXCEPTION")["output"]
    assert "TypeError" in output and "unexpected keyword argument 'unknown'" in output
    assert told(task_id) == [("exception", output)]


def test_an_unknown_name_is_an_exception_that_names_it(make, start, until, told):
    seen = []
    runner = make()
    runner.add_exception_handler(seen.append)
    start(runner)

    task_id = start_task("test/nobody")

    output = until(task_id, "EXCEPTION")["output"]
    assert "No class has the NAME 'test/nobody' in this runner, which knows" in output
    eventually(lambda: [type(error) for error in seen] == [MissingTask])
    assert told(task_id) == [("exception", output)]
    until(start_task("test/returns"), "SUCCESS")


@pytest.mark.parametrize("how", ["error", "worse"])
def test_an_error_of_the_task_is_its_output(make, start, until, told, caplog, how):
    seen = []
    runner = make()
    runner.add_exception_handler(seen.append)
    start(runner)

    with caplog.at_level(logging.INFO, "django_q.class_tasks"):
        task_id = start_task("test/fails", how=how)
        output = until(task_id, "ERROR")["output"]

        assert output == "it went wrong"
        assert told(task_id) == [("error", "it went wrong")]
    assert seen == []
    assert {record.levelname for record in caplog.records} <= {"INFO", "DEBUG"}


@pytest.mark.parametrize(("how", "name"), [("exception", "ValueError"), ("exit", "SystemExit")])
def test_any_other_error_is_a_traceback_and_handlers_are_called_in_order(make, start, until, told, how, name):
    seen = []
    runner = make()
    runner.add_exception_handler(lambda error: seen.append(("first", str(error))))
    runner.add_exception_handler(lambda error: 1 / 0)
    runner.add_exception_handler(lambda error: seen.append(("last", str(error))))
    start(runner)

    task_id = start_task("test/fails", how=how)

    output = until(task_id, "EXCEPTION")["output"]
    assert output.startswith("Traceback") and 'raise kinds[self.how]("it went wrong")' in output and name in output
    assert told(task_id) == [("exception", output)]
    eventually(lambda: seen == [("first", "it went wrong"), ("last", "it went wrong")])


def test_events_come_in_their_order_those_of_init_too(start, until, told):
    start()
    task_id = start_task("test/returns", value="v", events=3)
    until(task_id, "SUCCESS")

    assert told(task_id) == [("made", {"value": "v"}), ("number", 0), ("number", 1), ("number", 2), ("success", "v")]


def test_each_task_and_each_stop_has_a_context_of_its_own(start, until, tmp_path, monkeypatch):
    path = tmp_path / "context"
    monkeypatch.setattr(InContext, "path", str(path))
    start()
    for _ in range(2):
        before = len(lines(path))
        task_id = start_task("test/in-context")
        eventually(lambda before=before: lines(path)[before + 1 :] == ["init", "start"])
        stop_task(task_id)
        until(task_id, "STOPPED")

    found = [line for line in lines(path)]
    entered = [line.split()[1] for line in found if line.startswith("enter")]
    left = [line.split()[1] for line in found if line.startswith("leave")]
    assert len(set(entered)) == 4 and sorted(entered) == sorted(left)
    assert found[0].startswith("enter") and found[1:3] == ["init", "start"]
    assert found[3].startswith("enter") and found[4] == "stop"


def test_a_context_that_cannot_be_made_is_an_exception(start, until, tmp_path):
    start()

    output = until(start_task("test/without-context", path=str(tmp_path / "ran")), "EXCEPTION")["output"]

    assert "no context today" in output and not lines(tmp_path / "ran")


def test_emit_and_redis_say_what_they_lack():
    with pytest.raises(Exception, match="where no runner runs the task"):
        Returns().emit("event")
    with pytest.raises(Exception, match="names no server"):
        _ = Returns().redis
    assert Returns().helpers is client
