"""Brokers of one's own, with the verbs that Django Q documents."""

import pickle

import pytest
from django.core.cache import cache
from django.db import transaction

from django_q import brokers
from django_q.brokers import Broker, current_broker, get_broker
from django_q.brokers.orm import ORM, OrmBroker
from django_q.exceptions import InvalidSettings, InvalidValue
from django_q.kernel.states import Event, TaskKind, TaskState
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task, queue_size
from django_q_tests.support import spool
from django_q_tests.support.factories import put, register
from django_q_tests.support.spool import Spool

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def use(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(brokers, "_brokers", {})  # a process knows its brokers for good
    monkeypatch.setenv("DJANGO_Q_TEST_SPOOL", str(tmp_path))

    def use(kind):
        settings.Q_CLUSTER = {"broker_class": f"{spool.__name__}.{kind.__name__}"}
        return get_broker()

    return use


@pytest.fixture
def incarnation():
    return register()


def claim(incarnation, limit=10):
    claims = current_broker().claim(limit, queues=["default"], incarnation=incarnation, generation=1)
    return [claim.envelope.id for claim in claims]


def test_a_ticket_is_sent_after_the_commit_and_names_the_task(use):
    broker = use(Spool)

    with transaction.atomic():
        task_id = async_task("math.floor", 1.5, group="g")
        assert not broker.tickets()

    (ticket,) = broker.tickets()
    told = SignedPackage.loads(ticket.read_text())
    assert (told["id"], told["func"], told["group"]) == (task_id, "math.floor", "g")


def test_a_rollback_sends_none(use):
    broker = use(Spool)

    with pytest.raises(RuntimeError), transaction.atomic():
        async_task("math.floor", 1.5)
        raise RuntimeError

    assert not broker.tickets()


def test_tasks_are_handed_out_as_tickets_arrive(use, incarnation):
    broker = use(Spool)
    first, second = (async_task("math.floor", number) for number in (1, 2))
    for path in broker.tickets():
        if SignedPackage.loads(path.read_text())["id"] == first:
            path.rename(path.with_suffix(".late"))

    assert claim(incarnation) == [second]
    assert claim(incarnation) == []
    broker.connection.joinpath(next(broker.connection.glob("*.late")).name).rename(broker.connection / "x.ticket")
    assert claim(incarnation) == [first]
    assert not list(broker.connection.glob("*"))


def test_tickets_beyond_the_limit_are_kept_for_the_next_claim(use, incarnation):
    use(Spool)
    ids = [async_task("math.floor", number) for number in range(5)]

    found = [claim(incarnation, 2) for _ in range(3)]

    assert [len(each) for each in found] == [2, 2, 1]
    assert sorted(sum(found, [])) == sorted(ids)


def test_a_ticket_that_comes_twice_runs_nothing_twice(use, incarnation):
    broker = use(Spool)
    task_id = async_task("math.floor", 1)
    (ticket,) = broker.tickets()
    ticket.with_name("again.ticket").write_text(ticket.read_text())

    assert claim(incarnation) == [task_id]
    assert claim(incarnation) == []
    assert not list(broker.connection.glob("*"))


def test_a_forged_ticket_is_told_to_the_broker_and_the_log(use, incarnation, caplog):
    broker = use(Spool)
    broker.enqueue("no signature")
    task_id = async_task("math.floor", 1)

    assert claim(incarnation) == [task_id]
    assert "brought a ticket that is none" in caplog.text
    assert not list(broker.connection.glob("*"))


def test_a_task_without_a_ticket_gets_one_after_a_second(use, incarnation):
    broker = use(spool.Forgetful)
    task_id = async_task("math.floor", 1)
    assert claim(incarnation) == []

    OrmQ.objects.update(enqueued_at="2020-01-01T00:00Z")
    assert claim(incarnation) == []  # it sends the ticket again,
    assert len(broker.tickets()) == 1
    assert claim(incarnation) == [task_id]  # and this time it arrives


def test_a_ticket_is_not_sent_again_and_again(use, incarnation):
    broker = use(spool.Closed)
    async_task("math.floor", 1)
    OrmQ.objects.update(enqueued_at="2020-01-01T00:00Z")

    for _ in range(3):
        assert claim(incarnation) == []

    assert len(broker.tickets()) == 2  # the first one, and one more


def test_hooks_need_no_ticket(use, incarnation):
    broker = use(Spool)
    hook = put(kind=TaskKind.HOOK)

    assert claim(incarnation) == [hook]
    assert not broker.tickets()


def test_a_subclass_of_the_database_broker_is_asked(use, incarnation, tmp_path):
    use(spool.CountingORM)
    ids = [async_task("math.floor", number) for number in range(3)]

    assert sorted(claim(incarnation)) == sorted(ids)
    assert (tmp_path / "asked").read_text() == "3\n"


def test_the_database_itself_may_be_named(settings):
    settings.Q_CLUSTER = {"broker_class": "django_q.brokers.orm.ORM"}

    assert type(current_broker()) is OrmBroker
    assert type(get_broker()) is ORM


def test_a_broker_is_of_one_queue(use, settings):
    assert (use(Spool).list_key, get_broker("mails").list_key) == ("default", "mails")
    settings.Q_CLUSTER = {"name": "shop"}
    assert (get_broker().list_key, get_broker("mails").list_key) == ("shop", "mails")


def test_the_broker_of_a_call_decides_its_queue():
    task_id = async_task("math.floor", 1, broker=get_broker("mails"), cluster="other")

    assert OrmQ.objects.get(pk=task_id).queue == "mails"
    assert (queue_size("mails"), queue_size(get_broker("mails")), queue_size(broker=get_broker())) == (1, 1, 0)


def test_the_broker_of_a_call_carries_its_ticket(monkeypatch, tmp_path):
    monkeypatch.setenv("DJANGO_Q_TEST_SPOOL", str(tmp_path))
    broker = Spool("mails")

    async_task("math.floor", 1, broker=broker)

    assert len(broker.tickets()) == 1


def test_a_broker_counts_and_deletes_the_tasks_of_its_queue():
    broker = get_broker()
    task_id, later, other = async_task("math.floor", 1), async_task("math.floor", 2), async_task("math.floor", 3)
    async_task("math.floor", 4, cluster="mails")
    OrmQ.objects.filter(pk=later).update(state=TaskState.CLAIMED)

    assert (broker.queue_size(), broker.lock_size(), get_broker("mails").queue_size()) == (2, 1, 1)
    assert (broker.delete(task_id), broker.delete(task_id), broker.delete(later)) == (True, False, False)
    assert broker.purge_queue() == 1
    assert not OrmQ.objects.filter(pk=other).exists()
    assert OrmQ.objects.filter(pk=later).move(Event.RELEASE) == 1
    assert (broker.delete_queue(), broker.queue_size(), broker.lock_size()) == (1, 0, 0)


def test_a_broker_can_be_pickled_and_says_what_it_is(use, tmp_path):
    copy = pickle.loads(pickle.dumps(use(Spool)))

    assert (copy.list_key, copy.connection, copy.cache) == ("default", tmp_path / "default", cache)
    assert (copy.ping(), copy.info(), ORM().info()) == (True, "Spool", "ORM default")


def test_a_cache_that_does_not_exist_is_none(settings):
    settings.Q_CLUSTER = {"cache": "nowhere"}

    assert Broker.get_cache() is None


def test_verbs_that_have_to_be_written_say_so():
    with pytest.raises(NotImplementedError, match=r"Broker.enqueue\(task\) has to store 'x'"):
        Broker().enqueue("x")
    with pytest.raises(NotImplementedError, match="pairs of a receipt and a ticket"):
        Broker().dequeue()


@pytest.mark.parametrize("name", ["", 7, "q" * 101])
def test_a_name_that_no_queue_can_have_is_refused(name):
    with pytest.raises(InvalidValue, match="not the name of a queue"):
        get_broker(name) if name else Broker(name)


def test_what_is_no_broker_is_refused(settings):
    settings.Q_CLUSTER = {"broker_class": "builtins.dict"}

    with pytest.raises(InvalidSettings, match="Name a subclass of django_q.brokers.Broker"):
        get_broker()
