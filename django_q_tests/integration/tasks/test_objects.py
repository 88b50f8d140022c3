import pytest

from django_q.models import OrmQ, Task
from django_q.tasks import Async, AsyncTask
from django_q.testing import run_all
from django_q_tests.integration.tasks.functions import add

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_call_is_enqueued_as_it_is_when_it_is_run():
    task = AsyncTask(add, 1, second=2, group="sums")
    task.args = (5,)

    task_id = task.run()
    run_all()

    assert (task.id, task.result(), task.fetch().pk) == (task_id, 7, task_id)
    assert task.result_group() == [7]
    assert [each.pk for each in task.fetch_group()] == [task_id]


def test_nothing_is_known_before_it_runs():
    task = AsyncTask(add, 1, group="sums")

    assert (task.started, task.id) == (False, "")
    assert [task.result(), task.fetch(), task.result_group(), task.fetch_group()] == [None] * 4


def test_a_task_without_a_group_has_none_to_read():
    task = AsyncTask(add, 1, sync=True)
    task.run()

    assert (task.result(), task.result_group(), task.fetch_group()) == (1, None, None)


def test_an_option_that_is_set_counts_from_the_next_run():
    task = AsyncTask(add, 1, sync=True)
    task.run()
    assert task.result() == 1

    task.group = "later"

    assert not task.started
    assert task.result() is None
    task.run()
    assert Task.objects.get(group="later").pk == task.id


@pytest.mark.parametrize(
    "name, value", [("group", "g"), ("save", False), ("sync", True), ("cached", 9), ("hook", "a.b")]
)
def test_options_are_written_where_options_were_given(name, value):
    among_keywords = AsyncTask(add, 1)
    setattr(among_keywords, name, value)
    among_options = AsyncTask(add, 1, q_options={"timeout": 5})
    setattr(among_options, name, value)

    assert (among_keywords.kwargs, getattr(among_keywords, name)) == ({name: value}, value)
    assert among_options.kwargs == {"q_options": {"timeout": 5, name: value}}
    assert (getattr(among_options, name), among_options.timeout) == (value, 5)


def test_the_callers_options_are_left_as_they_were():
    options = {"timeout": 5}
    task = AsyncTask(add, 1, q_options=options)

    task.group = "sums"

    assert options == {"timeout": 5}


def test_what_is_not_given_is_what_the_settings_say(settings):
    settings.Q_CLUSTER = {"timeout": 7, "save": False, "sync": True, "cached": 3, "ack_failures": True}
    task = AsyncTask(add, 1)

    assert (task.timeout, task.save, task.sync, task.cached, task.ack_failure) == (7, False, True, 3, True)
    assert (task.hook, task.group, task.broker, task.cluster, task.task_name) == (None,) * 5


def test_the_old_name_is_the_same_class():
    assert Async is AsyncTask


def test_a_call_can_run_twice():
    task = AsyncTask(add, 1)

    first, second = task.run(), task.run()

    assert first != second
    assert OrmQ.objects.count() == 2
