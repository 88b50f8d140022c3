"""What the keys change, and what the details say."""

import pytest
from django.db import OperationalError, connection

from django_q.brokers.orm import OrmBroker
from django_q.kernel import ids
from django_q.kernel.states import TaskState
from django_q.management.monitor.deeds import perform
from django_q.management.monitor.details import details_of
from django_q.management.monitor.gathering import Gatherer
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import Action, Verb
from django_q.management.monitor.text import Style
from django_q.models import Incarnation, OrmQ, Schedule, Task
from django_q.tasks import async_task, schedule
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db


def do(verb, key, label="it"):
    return perform(Action(verb, str(key), label))


def details(tab, key):
    return "\n".join(details_of(tab, str(key), Gatherer().look(tab)))


def divide(one, other):
    return one / other


def failure():
    with pytest.raises(ZeroDivisionError):
        async_task(f"{__name__}.divide", 1, 0, sync=True)
    return Task.objects.get(success=False)


# --- what is done ----------------------------------------------------------------------------------------------------


def test_a_task_that_waits_is_canceled():
    task = async_task("operator.neg", 1)

    status = do(Verb.CANCEL, task, "quiet-fox")

    assert status.text == "Canceled quiet-fox; what runs is asked to stop."
    assert Task.objects.get(pk=task).reason == "canceled"


def test_a_task_that_runs_is_asked_to_stop():
    task = factories.put(1)
    OrmBroker().claim(1, queues=["default"], incarnation=factories.register(), generation=1)

    do(Verb.CANCEL, task)

    assert OrmQ.objects.get(pk=task).stop_requested_at is not None


def test_a_task_that_ended_meanwhile_is_told():
    status = do(Verb.CANCEL, ids.new_id())

    assert (status.text, status.style) == ("it has ended meanwhile.", Style.WARN)


def test_a_failure_is_enqueued_again():
    task = failure()

    status = do(Verb.REQUEUE, task.pk, "quiet-fox")

    row = OrmQ.objects.get()
    assert status.text == f"Enqueued quiet-fox again as {row.pk}."
    assert (row.func, row.requeued_from) == (f"{__name__}.divide", task.pk)


def test_what_cannot_be_enqueued_again_says_why():
    task = failure()
    Task.objects.filter(pk=task.pk).update(func="operator.neg")  # what was signed belongs to another function

    status = do(Verb.REQUEUE, task.pk, "quiet-fox")

    assert status.style is Style.BAD and status.text.startswith("quiet-fox: ") and "\n" not in status.text
    assert not OrmQ.objects.exists()
    assert "The history has no task" in do(Verb.REQUEUE, ids.new_id()).text


def test_a_schedule_is_paused_and_resumed_by_the_same_key():
    row = schedule("operator.neg", 1, name="nightly", schedule_type="D")

    assert do(Verb.PAUSE, row.pk, "nightly").text == "Paused nightly."
    assert Schedule.objects.get().paused_at is not None
    assert do(Verb.PAUSE, row.pk, "nightly").text == "Resumed nightly."
    assert Schedule.objects.get().paused_at is None

    row.delete()
    assert do(Verb.PAUSE, row.pk or 1, "nightly").text == "nightly was deleted."


def test_a_cluster_is_asked_to_end_once():
    id = factories.register()

    assert "begins to drain" in do(Verb.STOP, id).text
    assert Incarnation.objects.get().stop_requested_at is not None
    assert do(Verb.STOP, id).text == "it has ended, or was asked before."


def test_an_error_of_the_database_is_told_and_goes_no_further():
    def refuse(*args):
        raise OperationalError("the server\nis gone")

    with connection.execute_wrapper(refuse):
        status = do(Verb.STOP, ids.new_id())

    assert (status.text, status.style) == ("it: the server is gone", Style.BAD)


# --- what the details say --------------------------------------------------------------------------------------------


def test_the_details_of_a_failure_have_its_traceback_and_no_arguments():
    task = failure()
    Task.objects.filter(pk=task.pk).update(errors='[{"at": "then", "reason": "error", "error": "OSError: first"}]')

    text = details(Tab.FAILURES, task.pk)

    assert "ZeroDivisionError: division by zero" in text and "Traceback (most recent call last)" in text
    assert f"id         {task.pk}" in text and "return one / other" in text
    assert "Earlier attempts" in text and "OSError: first" in text


def test_the_details_of_a_task_that_waits_say_why():
    task = async_task("operator.neg", 1, group="letters")

    text = details(Tab.QUEUE, task)

    assert 'no cluster serves "default"' in text and "group      letters" in text


def test_the_details_of_a_task_that_ended_meanwhile_are_those_of_the_history():
    task = factories.put(1, state=TaskState.DEFERRED)
    do(Verb.CANCEL, task)

    assert ": canceled" in details(Tab.QUEUE, task)
    assert "It is gone" in details(Tab.RUNNING, ids.new_id())


def test_the_details_of_a_schedule_name_its_next_runs_and_those_it_missed():
    row = schedule("operator.neg", 1, schedule_type="C", cron="0 3 * * *")
    Schedule.objects.update(missed=1, missed_runs='["2026-01-31T03:00:00+00:00"]')

    text = details(Tab.SCHEDULES, row.pk)

    assert text.count("03:00:00 UTC") == 6 and "2026-01-31 03:00:00" in text
    assert details(Tab.SCHEDULES, 10**6) == "It was deleted."


def test_the_details_of_a_schedule_that_cannot_be_read_say_so():
    row = schedule("operator.neg", 1, schedule_type="C", cron="0 3 * * *")
    Schedule.objects.update(cron="nonsense", error="nonsense: five fields are wanted")

    assert "nonsense: five fields are wanted" in details(Tab.SCHEDULES, row.pk)


@pytest.mark.parametrize("tab", [Tab.CLUSTERS, Tab.MEMORY])
def test_the_details_of_a_cluster_name_its_processes(tab):
    id = factories.register(name="web", host="here", pid=4711)

    assert "sentinel   4711" in details(tab, id)
    assert details(tab, ids.new_id()) == "It has ended."
