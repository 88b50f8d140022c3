"""The monitor, tick by tick, with both ends of its pipes in the test's hands."""

import itertools
import os
from dataclasses import replace
from multiprocessing import Pipe
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection

from django_q.brokers import current_broker
from django_q.cluster.channels import Frame, Inbox, Kind, Link, Outbox, Receiver, Sender
from django_q.cluster.ledger import as_tuple
from django_q.cluster.monitor import Monitor
from django_q.cluster.role import Berth
from django_q.kernel.messages import Verdict
from django_q.models import OrmQ, Task
from django_q_tests.support.factories import outcome_of, put_many, register

pytestmark = pytest.mark.django_db(transaction=True)


class Desk:
    """A monitor in this process, and the sentinel's ends of its pipes."""

    def __init__(self):
        to_read, writing = Pipe(duplex=False)
        reading, to_write = Pipe(duplex=False)
        berth = Berth(link=Link(reading, writing), life=None, cluster="default", incarnation="i", parent=os.getpid())
        self.monitor = Monitor(berth)
        self.monitor.receiver, self.monitor.sender = Receiver(reading.fileno()), Sender(writing.fileno())
        self.monitor.setup()
        self.inbox, self.outbox = Inbox(os.dup(to_read.fileno())), Outbox(os.dup(to_write.fileno()))
        self._keep = (to_read, to_write)

    def send(self, outcomes):
        headers = [as_tuple(Verdict(o.id, o.token, int(o.ending), 0.0, False)) for o in outcomes]
        self.outbox.push(Frame(Kind.OUTCOMES, headers, [o.report.pack() for o in outcomes]))
        self.monitor.tick()

    def work_until_confirmed(self, count, *, ticks=50):
        confirmed = []
        for _ in range(ticks):
            confirmed += [h for frame in self.inbox.frames() if frame.kind is Kind.CONFIRMED for h in frame.headers]
            if len(confirmed) >= count:
                return confirmed
            self.monitor.tick()
        raise AssertionError(f"{len(confirmed)} of {count} confirmed after {ticks} ticks")


@pytest.fixture
def desk(monkeypatch):
    # What a failed tick rests is the only time that passes here.
    monkeypatch.setattr("django_q.cluster.database._FIRST_REST", 0.0)
    desk = Desk()
    yield desk
    os.close(desk.inbox.fd)
    os.close(desk.outbox.fd)


@pytest.fixture
def claims():
    put_many([(n, n) for n in range(3)])
    return current_broker().claim(3, queues=["default"], incarnation=register(), generation=1)


def test_an_outcome_is_confirmed_when_it_is_recorded(desk, claims):
    desk.send([outcome_of(claims[0], result=7)])

    confirmed = desk.work_until_confirmed(1)

    assert confirmed == [(claims[0].envelope.id, claims[0].envelope.token)]
    assert Task.objects.get().result == 7


@pytest.fixture
def many_claims():
    put_many([(n, n) for n in range(150)])
    return current_broker().claim(150, queues=["default"], incarnation=register(), generation=1)


@pytest.mark.parametrize("seconds, sizes", [(0.0, [50, 100]), (3.0, [50, 12, 3, 1, 1])])
def test_batches_grow_while_they_are_quick_and_shrink_while_they_are_not(
    desk, many_claims, monkeypatch, seconds, sizes
):
    """A monitor that takes too long for a batch is replaced; the next one must get further."""
    finish, moment, found, looks = desk.monitor.broker.finish, 1000.0, [], itertools.count()

    def slow(outcomes, **kwargs):
        nonlocal moment
        moment += seconds
        found.append(len(outcomes))
        return finish(outcomes, **kwargs)

    monkeypatch.setattr(desk.monitor.broker, "finish", slow)
    # Its own clock only: how long it rests between two ticks is measured by another.
    monkeypatch.setattr(
        "django_q.cluster.monitor.clock", SimpleNamespace(monotonic=lambda: moment + next(looks) / 1000)
    )

    desk.send([outcome_of(claim) for claim in many_claims])
    desk.work_until_confirmed(sum(sizes))

    assert found[: len(sizes)] == sizes


def test_nothing_is_confirmed_while_the_database_refuses(desk, claims, monkeypatch):
    monkeypatch.setattr(
        desk.monitor.broker, "finish", lambda *args, **kwargs: (_ for _ in ()).throw(OperationalError())
    )

    desk.send([outcome_of(claims[0])])
    desk.monitor.tick()

    assert not any(frame.kind is Kind.CONFIRMED for frame in desk.inbox.frames())
    assert len(desk.monitor.outcomes) == 1


def test_a_lock_or_an_outage_costs_no_result_however_long_it_lasts(desk, claims, monkeypatch):
    finish, fails = desk.monitor.broker.finish, iter(range(20))

    def locked(*args, **kwargs):
        if next(fails, None) is not None:
            raise OperationalError("database is locked")
        return finish(*args, **kwargs)

    monkeypatch.setattr(desk.monitor.broker, "finish", locked)

    desk.send([outcome_of(claims[0], result=7)])
    desk.work_until_confirmed(1)

    task = Task.objects.get()
    assert (task.success, task.result) == (True, 7)


def test_an_outcome_that_the_database_refuses_loses_its_result_and_holds_up_nobody(desk, claims):
    good, bad, another = (outcome_of(claim, result=1) for claim in claims)
    too_long = replace(bad, report=replace(bad.report, worker="w" * 400))  # SQLite stores even this

    desk.send([good, too_long, another])
    desk.work_until_confirmed(3)

    assert OrmQ.objects.count() == 0
    tasks = dict(Task.objects.values_list("pk", "success"))
    assert tasks == {good.id: True, bad.id: connection.vendor == "sqlite", another.id: True}
    if connection.vendor != "sqlite":
        assert "cannot be stored" in Task.objects.get(pk=bad.id).error
