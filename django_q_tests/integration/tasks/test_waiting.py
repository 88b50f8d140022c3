"""Every task that has not ended can say why."""

import logging
import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_q import conf
from django_q.brokers import current_broker, inline
from django_q.engine import completion
from django_q.kernel import ids
from django_q.kernel.states import Ending, Event, TaskState
from django_q.models import Incarnation, OrmQ
from django_q.tasks import afetch, async_task, cancel, fetch, result, why
from django_q.tasks.waiting import explain, reason_of, reasons
from django_q_tests.integration.tasks.functions import add
from django_q_tests.support.factories import outcome_of, put, register

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"


def claim(cluster):
    """Claim one task for a cluster, as its pusher does."""
    return current_broker().claim(1, queues=["default"], incarnation=cluster, generation=1)[0]


def end(claim, ending, error):
    completion.finish([outcome_of(claim, ending, error=error)], cluster="default")


def test_without_a_cluster_it_says_what_to_start():
    task_id = async_task(add, 1)

    assert why(task_id) == 'no cluster serves "default"; start manage.py qcluster'


def test_a_cluster_for_another_queue_is_none():
    register(queues='["other"]')

    assert why(async_task(add, 1)).startswith('no cluster serves "default"')


def test_it_counts_who_is_ahead():
    register()
    first, *rest = [async_task(add, number) for number in range(3)]
    urgent = async_task(add, 9, priority=1)

    assert why(urgent) == 'it is the next in the queue "default" and waits for a free worker'
    assert why(first) == 'it is behind 1 other in the queue "default"'
    assert why(rest[1]) == 'it is behind 3 others in the queue "default"'


def test_what_is_due_later_says_when():
    register()
    task_id = async_task(add, 1, run_after=timedelta(hours=1))

    assert re.fullmatch(rf"it is due at {MOMENT}", why(task_id))


def test_what_is_due_later_says_too_if_nobody_will_be_there():
    task_id = async_task(add, 1, run_after=timedelta(hours=1))

    assert re.fullmatch(rf'it is due at {MOMENT}; no cluster serves "default"; start manage.py qcluster', why(task_id))


def test_an_attempt_that_failed_says_of_what():
    task_id = async_task(add, 1, max_attempts=2)
    end(claim(register()), Ending.FAILED, "ValueError: no")

    assert re.fullmatch(rf"it is tried again at {MOMENT}, after ValueError: no", why(task_id))


def test_a_function_that_no_worker_knows_is_named():
    task_id = put(func="shop.tasks.gone")
    end(claim(register()), Ending.UNKNOWN, "FunctionNotFound: there is no module 'shop'")

    text = rf"no worker knows the function 'shop.tasks.gone' since {MOMENT}; it is looked for again at {MOMENT}"
    assert re.fullmatch(text, why(task_id))
    assert explain(task_id).needs_help


def test_a_step_of_a_chain_names_the_one_before():
    first = put(name="first", chain="c" * 32)
    second = put(state=TaskState.WAITING, chain="c" * 32, waits_for=first)

    assert why(second) == "it follows first, which has not ended"


def test_what_a_cluster_holds_names_it():
    cluster = register()
    task_id = async_task(add, 1)
    held = claim(cluster)

    assert why(task_id) == "the cluster default on elsewhere (1) has claimed it"

    OrmQ.objects.mark_running([(task_id, held.envelope.token)])
    assert re.fullmatch(rf"it runs on the cluster default on elsewhere \(1\) since {MOMENT}", why(task_id))

    cancel(task_id)
    assert why(task_id).endswith("; it was asked to stop")


def test_what_a_silent_cluster_holds_will_be_taken_over():
    task_id = async_task(add, 1)
    cluster = register()
    claim(cluster)
    Incarnation.objects.bury(cluster, expired_only=False)

    assert why(task_id) == "a cluster that is not heard of any more holds it; another one takes it over"


def test_what_runs_where_it_was_enqueued_says_so():
    task_id = put()
    OrmQ.objects.filter(pk=task_id).move(Event.CLAIM, token="t", claimed_by=inline.INLINE)

    assert why(task_id) == "the process that enqueued it runs it"


def test_what_has_ended_says_how():
    canceled = async_task(add, 1)
    cancel(canceled)

    assert re.fullmatch(rf"it has ended: it succeeded at {MOMENT}", why(async_task(add, 1, sync=True)))
    assert re.fullmatch(rf"it has ended: it was canceled at {MOMENT}", why(canceled))


def test_what_nobody_knows_says_what_may_have_happened():
    assert why(ids.new_id()).startswith("there is no such task: it was not enqueued, its transaction is not committed")


def test_a_page_of_rows_costs_two_queries(django_assert_max_num_queries):
    register()
    listed = [put(), put(state=TaskState.DEFERRED), put(state=TaskState.WAITING, waits_for="x" * 32)]
    rows = list(OrmQ.objects.order_by("pk"))

    with django_assert_max_num_queries(2):
        found = reasons(rows)

    assert set(found) == set(listed)
    assert found[rows[0].pk] == 'it is in line in the queue "default"'
    assert reason_of(rows[0]) == 'it is the next in the queue "default" and waits for a free worker'


# --- a wait in vain ------------------------------------------------------------------------------------------------


@pytest.fixture
def said(caplog):
    """What was logged as a warning."""
    caplog.set_level(logging.WARNING, "django_q")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("read", [result, fetch, async_to_sync(afetch)], ids=["result", "fetch", "afetch"])
def test_a_wait_in_vain_is_explained(read, said):
    task_id = async_task(add, 1)

    assert read(task_id, wait=1) is None

    assert said() == [
        f'The task {task_id} has not ended: no cluster serves "default"; start manage.py qcluster.',
    ]


def test_a_wait_for_ever_in_vain_is_explained_after_a_while(monkeypatch):
    monkeypatch.setattr("django_q.tasks.results._PATIENCE", 20)
    task_id = async_task(add, 1)
    told = Told()
    logging.getLogger("django_q").addHandler(told)
    try:
        assert fetch(task_id, wait=-1).success
    finally:
        logging.getLogger("django_q").removeHandler(told)
    assert "no cluster serves" in told.message


class Told(logging.Handler):
    """A user who reads the warning and starts a cluster."""

    message = ""

    def emit(self, record):
        self.message = record.getMessage()
        end(claim(register()), Ending.SUCCEEDED, "")


def test_one_look_says_nothing(said):
    assert result(async_task(add, 1)) is None
    assert said() == []


def test_a_wait_for_what_a_cluster_will_run_says_nothing(said):
    register()

    assert result(async_task(add, 1), wait=1) is None
    assert said() == []


def test_whoever_waits_inside_the_transaction_that_enqueued_is_told(said):
    register()
    with transaction.atomic(using=conf.current().orm):
        assert result(async_task(add, 1), wait=1) is None

    assert said()[0].endswith("; a transaction is open here: clusters see what it enqueued when it commits.")
