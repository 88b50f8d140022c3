"""What a callable object can add to the calls of it that are enqueued, and what is told together."""

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection

from django_q import signals
from django_q.kernel.states import Event
from django_q.models import OrmQ, Task
from django_q.tasks import async_chain, async_iter, async_task
from django_q.tasks.control import take_back
from django_q.testing import run_all

pytestmark = pytest.mark.django_db


class Accompanied:
    """A callable that writes a group beside each call of it."""

    def __init__(self):
        self.__name__ = self.__qualname__ = "accompanied"  # it is found under this name

    def __call__(self, name):
        return Group.objects.filter(name=name).exists()

    def on_prepared(self, draft, args, kwargs):
        if args == ("refused",):
            raise LookupError("refused")
        draft.mark(group=args[0])
        draft.accompany(write, args[0])


def write(rows, alias):
    calls.append([draft.within for draft, _ in rows])
    Group.objects.using(alias).bulk_create([Group(name=name) for _, name in rows])


calls: list[object] = []
accompanied = Accompanied()


@pytest.fixture(autouse=True)
def _forgets():
    calls.clear()


def names():
    return sorted(Group.objects.values_list("name", flat=True))


def test_what_accompanies_a_call_is_written_with_it_and_the_row_is_marked():
    async_task(accompanied, "a")

    assert names() == ["a"] and OrmQ.objects.get().q_options() == {"group": "a"}
    (run,) = run_all()
    assert run.result is True


def test_a_function_that_is_named_by_its_path_is_asked_if_it_is_imported_here(monkeypatch):
    async_task(f"{__name__}.accompanied", "a")
    assert names() == ["a"]

    async_task("not_imported.accompanied", "b")
    assert names() == ["a"]


def test_what_it_raises_is_raised_and_nothing_is_written():
    for enqueue in (
        lambda: async_task(accompanied, "refused"),
        lambda: async_chain([(accompanied, ("a",)), (accompanied, ("refused",))]),
    ):
        with pytest.raises(LookupError):
            enqueue()

    assert names() == [] and not OrmQ.objects.exists()


def test_what_cannot_be_written_leaves_no_task():
    Group.objects.create(name="a")
    with pytest.raises(IntegrityError):
        async_task(accompanied, "a")

    assert not OrmQ.objects.exists()


def test_rows_that_are_enqueued_together_are_written_together():
    async_chain([(accompanied, ("a",)), (accompanied, ("b",))])
    whole = async_iter(accompanied, ["c", "d"])

    assert names() == ["a", "b", "c", "d"] and len(calls) == 2
    assert calls[0] == [(("chain", calls[0][0][0][1]),)] * 2
    assert calls[1] == [(("iteration", whole),)] * 2


def test_receivers_of_pre_enqueue_change_what_it_is_told():
    def receive(task, **kwargs):
        task["args"] = ("changed",)

    signals.pre_enqueue.connect(receive)
    try:
        async_task(accompanied, "a")
    finally:
        signals.pre_enqueue.disconnect(receive)

    assert names() == ["changed"]


def test_where_the_task_runs_here_it_finds_what_accompanies_it():
    task = async_task(accompanied, "a", sync=True)
    async_chain([(accompanied, ("b",)), (accompanied, ("c",))], sync=True)

    assert Task.objects.get(pk=task).result is True and names() == ["a", "b", "c"]


def test_what_ends_in_one_transaction_is_told_at_once():
    told = []

    def receive(attempts, using, **kwargs):
        assert connection.in_atomic_block
        told.append([attempt.reason for attempt in attempts])

    signals.attempts_recorded.connect(receive)
    try:
        async_chain([(fails, ()), (fails, ()), (fails, ())])
        run_all()
    finally:
        signals.attempts_recorded.disconnect(receive)

    assert told == [["error", "canceled", "canceled"]]


def fails():
    raise ValueError("no")


def test_only_what_nobody_has_claimed_is_taken_back():
    first, second, third = (async_task(fails) for _ in range(3))
    OrmQ.objects.filter(pk=second).move(Event.CLAIM, token="t", claimed_by="somebody")

    assert take_back([third, second, first, "unknown"]) == [first, third]

    assert list(OrmQ.objects.values_list("pk", flat=True)) == [second]
    assert set(Task.objects.values_list("pk", "reason")) == {(first, "canceled"), (third, "canceled")}
