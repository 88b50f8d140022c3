"""What every broker does, on every database."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_q.brokers import current_broker
from django_q.kernel.messages import Letter
from django_q.kernel.states import Ending, Event, TaskState
from django_q.models import Incarnation, OrmQ, Task
from django_q.tasks import async_task
from django_q_tests.support.factories import outcome_of, put, put_many, register

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker():
    return current_broker()


@pytest.fixture
def incarnation():
    return register()


def claim(broker, incarnation, limit=10, *, generation=1, queues=("default",)):
    return broker.claim(limit, queues=list(queues), incarnation=incarnation, generation=generation)


def test_a_claim_carries_what_was_enqueued(broker, incarnation):
    id = put(2, -2)

    (claimed,) = claim(broker, incarnation)

    assert claimed.envelope.id == id
    assert claimed.envelope.func == "math.copysign"
    row = OrmQ.objects.get(pk=id)
    letter = Letter.unpack(claimed.letter)
    assert letter.name == row.name
    assert letter.args == bytes(row.__dict__["args"])
    assert (row.state, row.claimed_by, row.generation, row.token) == (
        TaskState.CLAIMED,
        incarnation,
        1,
        claimed.envelope.token,
    )


def test_a_claimed_task_is_not_claimed_again(broker, incarnation):
    put_many([(1, 1)] * 3)

    first = claim(broker, incarnation)
    second = claim(broker, incarnation)

    assert (len(first), second) == (3, [])


def test_a_claim_takes_no_more_than_its_limit(broker, incarnation):
    put_many([(1, 1)] * 5)

    assert len(claim(broker, incarnation, limit=2)) == 2
    assert OrmQ.objects.filter(state=TaskState.READY).count() == 3


def test_higher_priority_comes_first_then_the_order_of_enqueueing(broker, incarnation):
    late = put_many([(1, 1)] * 3)
    urgent = put(1, 1, priority=5)
    last = put(1, 1, priority=-5)

    claimed = [each.envelope.id for each in claim(broker, incarnation)]

    assert claimed == [urgent, *late, last]


def test_a_task_of_another_queue_is_not_claimed(broker, incarnation):
    put(1, 1, queue="mail")

    assert claim(broker, incarnation) == []
    assert len(claim(broker, incarnation, queues=("default", "mail"))) == 1


@pytest.mark.parametrize("state", [TaskState.DEFERRED, TaskState.WAITING])
def test_only_ready_rows_are_claimed(broker, incarnation, state):
    put(1, 1, state=state)

    assert claim(broker, incarnation) == []


def test_a_dead_incarnation_claims_nothing(broker, incarnation):
    put(1, 1)
    Incarnation.objects.bury(incarnation, expired_only=False)

    assert claim(broker, incarnation) == []


def test_an_unregistered_incarnation_claims_nothing(broker):
    put(1, 1)

    assert claim(broker, "f" * 32) == []


def test_a_timeout_travels_in_the_envelope(broker, incarnation, settings):
    settings.Q_CLUSTER = {"timeout": 30}
    put(1, 1)
    put(1, 1, options=json.dumps({"timeout": 2.5}))
    put(1, 1, options=json.dumps({"timeout": None}))

    assert [each.envelope.timeout for each in claim(broker, incarnation)] == [30, 2.5, None]


def test_what_a_dead_cluster_held_is_claimed_to_run_alone(broker, incarnation):
    put(1, 1)
    OrmQ.objects.update(rescues=1)

    (claimed,) = claim(broker, incarnation)

    assert claimed.envelope.alone


def test_a_success_moves_from_the_queue_to_the_history(broker, incarnation):
    id = put(2, -2, name="quiet-fox", group="signs")
    (claimed,) = claim(broker, incarnation)

    settled = broker.finish([outcome_of(claimed, result=-2.0)], cluster="default")

    assert settled.discarded == ()
    assert not OrmQ.objects.exists()
    task = Task.objects.get()
    assert (task.id, task.name, task.group, task.func) == (id, "quiet-fox", "signs", "math.copysign")
    assert (task.args, task.kwargs, task.result) == ((2, -2), {}, -2.0)
    assert (task.success, task.reason, task.attempt_count, task.cluster) == (True, None, 1, "default")
    assert task.time_taken() == pytest.approx(0.5, abs=0.01)
    assert task.token == claimed.envelope.token


def test_a_finish_without_its_claim_is_discarded_and_changes_nothing(broker, incarnation):
    put(2, -2)
    (stale,) = claim(broker, incarnation)
    OrmQ.objects.all().give_up_claim(Event.RESCUE)
    (current,) = claim(broker, incarnation)

    settled = broker.finish([outcome_of(stale, result=1)], cluster="default")

    assert settled.discarded == ((stale.envelope.id, stale.envelope.token),)
    assert OrmQ.objects.get().token == current.envelope.token
    assert not Task.objects.exists()


def test_a_stale_failure_is_discarded_too(broker, incarnation):
    put(2, -2)
    (stale,) = claim(broker, incarnation)
    OrmQ.objects.all().give_up_claim(Event.RESCUE)

    settled = broker.finish([outcome_of(stale, Ending.FAILED, error="boom")], cluster="default")

    assert settled.discarded
    assert OrmQ.objects.get().state == TaskState.READY


@pytest.mark.parametrize("ending", [Ending.SUCCEEDED, Ending.FAILED, Ending.CANCELED])
def test_a_finish_that_is_sent_twice_is_recorded_once_and_discards_nothing(broker, incarnation, ending):
    put(2, -2)
    (claimed,) = claim(broker, incarnation)
    outcome = outcome_of(claimed, ending, result=1)

    broker.finish([outcome], cluster="default")
    settled = broker.finish([outcome], cluster="default")

    assert settled.discarded == ()
    assert Task.objects.count() == 1


def test_a_stale_finish_beside_a_current_one_of_the_same_batch_is_told_apart(broker, incarnation):
    first, second = put_many([(1, 1), (2, 2)])
    stale, _ = claim(broker, incarnation)
    OrmQ.objects.all().give_up_claim(Event.RESCUE)
    current = claim(broker, incarnation)

    settled = broker.finish([outcome_of(stale), outcome_of(current[1])], cluster="default")

    assert settled.discarded == ((first, stale.envelope.token),)
    assert list(Task.objects.values_list("pk", flat=True)) == [second]
    assert list(OrmQ.objects.values_list("pk", flat=True)) == [first]


def test_a_batch_is_recorded_in_few_statements(broker, incarnation):
    put_many([(n, n) for n in range(200)])
    claims = claim(broker, incarnation, limit=200)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        broker.finish([outcome_of(each, result=1) for each in claims], cluster="default")

    statements = [query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT"))]
    # MySQL selects before it deletes. SQLite counts an executemany as one.
    assert len(statements) <= 3, statements
    assert Task.objects.count() == 200


def test_enqueueing_is_one_statement(broker):
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        async_task("math.copysign", 2, -2)
        inserts = [query["sql"] for query in queries if "django_q_queue" in query["sql"]]

    assert len(inserts) == 1


def test_a_hook_becomes_a_row_in_the_transaction_that_records_the_result(broker, incarnation):
    id = put(2, -2, hook="hooks.print_result")
    (claimed,) = claim(broker, incarnation)

    settled = broker.finish([outcome_of(claimed)], cluster="default")

    hook = OrmQ.objects.get()
    assert settled.hooks == (hook.pk,)
    assert (hook.kind, hook.func, hook.args) == (1, "hooks.print_result", (id,))
    assert broker.depth("default") == 0


def test_what_a_dead_pusher_claimed_and_never_said_is_given_back(broker, incarnation):
    said, unsaid = put_many([(1, 1), (2, 2)])
    claim(broker, incarnation, generation=1)
    put(3, 3)
    (newer,) = claim(broker, incarnation, generation=2)

    given_back = broker.release(incarnation=incarnation, generations=[1], known=[said])

    assert given_back == 1
    states = dict(OrmQ.objects.values_list("pk", "state"))
    assert states == {said: TaskState.CLAIMED, unsaid: TaskState.READY, newer.envelope.id: TaskState.CLAIMED}


def test_depth_counts_ready_tasks(broker, incarnation):
    put_many([(1, 1)] * 3)
    put(1, 1, state=TaskState.DEFERRED)
    claim(broker, incarnation, limit=1)

    assert broker.depth("default") == 2


def test_rolled_back_work_leaves_no_task(broker):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        async_task("math.copysign", 2, -2)
        1 / 0  # noqa: B018

    assert not OrmQ.objects.exists()
