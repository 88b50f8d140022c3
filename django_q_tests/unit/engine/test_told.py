"""What receivers of signals are told of a task."""

import pytest

from django_q import conf
from django_q.engine import told
from django_q.engine.context import RunningTask
from django_q.exceptions import PayloadError
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending

TASK = RunningTask("0" * 32, "tea", "math.floor", None, "mails", 1)


def sealed(value, **place):
    place = {"task_id": TASK.id, "func": TASK.func, **place}
    return conf.current().codec().encode(value, purpose="result", **place)


def test_a_running_task_is_a_dict_and_has_the_attributes_of_the_task():
    task = told.of_running(TASK, (1.5,), {"x": 1})

    assert (task["id"], task["func"], task["cluster"], task["args"], task["kwargs"]) == (
        TASK.id, "math.floor", "mails", (1.5,), {"x": 1},
    )  # fmt: skip
    assert (task.id, task.attempt, task.stop_requested) == (TASK.id, 1, False)
    with pytest.raises(KeyError):
        task["result"]
    with pytest.raises(AttributeError):
        task.colour  # noqa: B018


def test_an_ended_task_tells_its_result_when_it_is_asked_for():
    outcome = Outcome(TASK.id, "token", Ending.SUCCEEDED, Report(0, 1, sealed(1)))
    task = told.of_ended(TASK, (1.5,), {}, outcome)

    assert dict(task).keys() & {"result"} == set()
    assert "result" in task
    assert (task["success"], task["result"], task.get("result"), task.get("nothing", 7)) == (True, 1, 1, 7)


def test_without_a_result_it_is_none():
    task = told.of_ended(TASK, (), {}, Outcome(TASK.id, "token", Ending.LOST, Report(0, 1)))

    assert (task["success"], task["result"]) == (False, None)


def test_a_result_that_is_another_tasks_is_refused():
    outcome = Outcome(TASK.id, "token", Ending.SUCCEEDED, Report(0, 1, sealed(1, task_id="1" * 32)))

    with pytest.raises(PayloadError):
        told.of_ended(TASK, (), {}, outcome)["result"]
