"""A task knows which one it is."""

import pytest

from django_q.engine.context import current_task
from django_q.engine.execution import execute, prepare
from django_q_tests.support.letters import letter_for, result_of


@pytest.mark.parametrize("func", ["whoami", "whoami_in_thread", "whoami_async"])
def test_a_task_knows_itself(func):
    envelope, letter = letter_for(func, attempts=2)

    found = result_of(execute(envelope, letter, worker="w"), envelope)

    assert found == {
        "id": envelope.id,
        "name": "a name",
        "func": envelope.func,
        "group": "a group",
        "queue": "default",
        "attempt": 3,
        "stop_requested": False,
    }


def test_there_is_no_task_outside_of_tasks():
    execute(*letter_for("whoami"), worker="w")

    assert current_task() is None


def test_a_task_can_be_asked_to_stop():
    asked = []

    task = prepare(*letter_for("ok"), worker="w", asked=lambda: bool(asked)).task

    assert not task.stop_requested
    asked.append("now")
    assert task.stop_requested


def test_a_running_task_cannot_be_changed():
    task = prepare(*letter_for("ok"), worker="w").task

    with pytest.raises(AttributeError):
        task.id = "another"
