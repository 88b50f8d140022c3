"""The verbs of the queue, guarded by the transition table."""

from datetime import timedelta

import pytest

from django_q.kernel import clock
from django_q.kernel.states import TRANSITIONS, Event, TaskState
from django_q.models import OrmQ
from django_q.models.dialects.base import Later
from django_q_tests.support.factories import put, put_many, register

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", list(TaskState))
def test_an_event_changes_only_the_states_that_the_table_names(event, state):
    id = put(1, 1, state=state)
    sources, target = TRANSITIONS[event]

    changed = OrmQ.objects.filter(pk=id).move(event)

    found = OrmQ.objects.filter(pk=id).values_list("state", flat=True).first()
    if state in sources:
        assert (changed, found) == (1, target)
    else:
        assert (changed, found) == (0, state)


def test_a_deferred_row_is_promoted_when_its_time_has_come():
    due = put(1, 1, state=TaskState.DEFERRED, run_after=clock.now() - timedelta(seconds=1))
    ahead = put(1, 1, state=TaskState.DEFERRED, run_after=clock.now() + timedelta(hours=1))

    assert OrmQ.objects.promote() == 1

    assert dict(OrmQ.objects.values_list("pk", "state")) == {due: TaskState.READY, ahead: TaskState.DEFERRED}


def test_next_due_tells_the_seconds_until_the_first_deferred_row():
    assert OrmQ.objects.next_due() is None
    put(1, 1, state=TaskState.DEFERRED, run_after=Later(3600))
    put(1, 1, state=TaskState.DEFERRED, run_after=Later(60))

    assert OrmQ.objects.next_due() == pytest.approx(60, abs=2)


def test_enqueue_times_are_those_of_the_database():
    id = put(1, 1)

    row = OrmQ.objects.get(pk=id)

    assert abs((clock.now() - row.enqueued_at).total_seconds()) < 5


def test_a_claim_that_ended_leaves_no_token():
    put(1, 1)
    OrmQ.objects.claim(1, queues=["default"], incarnation=register(), generation=1)

    OrmQ.objects.all().give_up_claim(Event.RELEASE)

    row = OrmQ.objects.get()
    assert (row.token, row.claimed_by, row.running_since) == (None, None, None)


def test_only_the_claim_that_runs_is_marked_as_running():
    first, second = put_many([(1, 1), (2, 2)])
    claimed = OrmQ.objects.claim(2, queues=["default"], incarnation=register(), generation=1)

    assert OrmQ.objects.mark_running([(first, claimed[0]["token"]), (second, "stale")]) == 1

    assert OrmQ.objects.get(pk=first).running_since is not None
    assert OrmQ.objects.get(pk=second).running_since is None


def test_listing_decodes_no_payload(monkeypatch):
    put(1, 1)
    monkeypatch.setattr("django_q.models.fields.SignedPickleField.open", lambda *args: pytest.fail("decoded"))

    assert len(list(OrmQ.objects.all())) == 1
