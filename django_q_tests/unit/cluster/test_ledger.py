"""The sentinel forgets nothing before it is confirmed."""

import pytest

from django_q.cluster.ledger import Ledger, Place
from django_q.kernel.messages import Envelope
from django_q.kernel.states import Ending


def envelope(id="a", token="t", *, alone=False):
    return Envelope(id, token, "shop.send", None, alone)


@pytest.fixture
def ledger():
    return Ledger()


def ids(entries):
    return [entry.envelope.id for entry in entries]


def test_a_claim_waits_in_the_backlog(ledger):
    entry = ledger.admit(envelope(), b"letter")

    assert (entry.place, list(ledger.backlog), len(ledger)) == (Place.BACKLOG, [entry], 1)


def test_what_took_a_cluster_down_waits_until_its_start_is_written(ledger):
    entry = ledger.admit(envelope(alone=True), b"letter")

    assert (list(ledger.backlog), ledger.to_mark()) == ([], [entry])

    ledger.marked(entry.key)

    assert (list(ledger.alone), ledger.to_mark()) == ([entry], [])


def test_a_start_that_is_written_twice_is_queued_once(ledger):
    entry = ledger.admit(envelope(alone=True), b"")

    ledger.marked(entry.key)
    ledger.marked(entry.key)

    assert list(ledger.alone) == [entry]


def test_what_comes_back_goes_to_the_head_in_its_order(ledger):
    first, second, third = (ledger.admit(envelope(id), b"") for id in "abc")
    for entry in (first, second):
        ledger.backlog.remove(entry)
        ledger.seated(entry)

    ledger.put_back([first, second])

    assert list(ledger.backlog) == [first, second, third]
    assert first.place is Place.BACKLOG


def test_an_outcome_is_kept_until_it_is_confirmed(ledger):
    entry = ledger.admit(envelope(), b"letter")

    ledger.ended(entry.key, ("a", "t", 0, 0.1, False), b"report")

    assert ledger.outcomes() == ([("a", "t", 0, 0.1, False)], [b"report"])
    assert ledger.outcomes() == ([], [])
    assert (len(ledger), ledger.unconfirmed_bytes) == (1, 6)

    ledger.confirm(entry.key)

    assert (len(ledger), ledger.unconfirmed_bytes) == (0, 0)


def test_a_monitor_that_died_leaves_its_outcomes_to_the_next_one(ledger):
    entry = ledger.admit(envelope(), b"")
    ledger.ended(entry.key, ("a", "t", 0, 0.1, False), b"report")
    ledger.outcomes()

    ledger.send_again()

    assert ledger.outcomes()[1] == [b"report"]


def test_a_second_outcome_of_a_claim_changes_nothing(ledger):
    entry = ledger.admit(envelope(), b"")
    ledger.ended(entry.key, ("a", "t", 0, 0.1, False), b"first")

    assert ledger.ended(entry.key, ("a", "t", 1, 0.1, False), b"second") is None
    assert ledger.outcomes()[1] == [b"first"]


def test_an_outcome_of_an_unknown_claim_is_refused(ledger):
    assert ledger.ended(("a", "t"), ("a", "t", 0, 0.1, False), b"report") is None


def test_two_claims_of_one_task_are_told_apart_by_their_tokens(ledger):
    old = ledger.admit(envelope("a", "old"), b"")
    ledger.conclude(old, Ending.UNSTARTED)
    new = ledger.admit(envelope("a", "new"), b"")

    ledger.confirm(("a", "old"))

    assert ledger.get(("a", "new")) is new
    assert ledger.find("a") is new


def test_a_claim_that_ends_in_the_backlog_is_not_handed_out(ledger):
    entry = ledger.admit(envelope(), b"")

    ledger.conclude(entry, Ending.CANCELED, error="canceled")

    assert not ledger.backlog
    assert ledger.outcomes()[0][0][:3] == ("a", "t", Ending.CANCELED)
