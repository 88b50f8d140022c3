"""Rows of one tree that many change at once: sums are exact, each row ends once, and nobody waits for ever."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Barrier

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_q.contrib.user_tasks import user_task_stopped
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.settling import Ending

ROUNDS = 25
FINAL = {"Succeeded", "Failed", "Canceled"}

_numbers = count()


@pytest.fixture
def user(transactional_db):
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def told():
    """How often the signal was sent for each row."""
    counts = Counter()

    def receive(status, **kwargs):
        counts[status.pk] += 1

    user_task_stopped.connect(receive)
    yield counts
    user_task_stopped.disconnect(receive)


def make(user, parent=None, **columns):
    columns = {"name": "n", "total_steps": 4, "state": "In Progress"} | columns
    return UserTaskStatus.objects.create(user=user, task_id=f"t{next(_numbers)}", parent=parent, **columns)


def container(user, parent=None, **columns):
    return make(user, parent, is_container=True, task_class="group", **columns)


def at_once(*calls):
    """Make all calls at the same instant, each in a thread with a connection of its own, and raise what one raised."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            connection.ensure_connection()
            barrier.wait(30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result(60) for each in [threads.submit(run, call) for call in calls]]


def own(row):
    """Return another object of a row, as another process has one."""
    return UserTaskStatus.objects.get(pk=row.pk)


def test_the_last_two_children_end_their_container_once(user, told):
    for _ in range(ROUNDS):
        above = container(user, container(user))
        children = [make(user, above) for _ in range(2)]

        at_once(*(own(child).succeed for child in children))

        assert own(above).state == own(above.parent).state == "Succeeded"
    assert set(told.values()) == {1} and len(told) == 4 * ROUNDS


def test_steps_of_many_add_up_exactly(user):
    above = container(user, total_steps=90)
    row, other = make(user, above, total_steps=60), make(user, above, total_steps=30)

    def steps(row, number):
        one = own(row)
        for _ in range(20):
            one.increment_completed_steps(number)

    at_once(partial(steps, row, 1), partial(steps, row, 1), partial(steps, other, 1), partial(steps, other, 1))

    assert [own(each).completed_steps for each in (row, other, above)] == [40, 30, 70]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there a transaction that writes holds all others up")
def test_a_task_that_moves_on_in_a_long_transaction_does_not_hold_up_the_end_of_another(user, told):
    above = container(user, total_steps=8)
    slow, other = make(user, above), make(user, above)

    with transaction.atomic():
        slow.increment_completed_steps(3)
        slow.set_state("Stapling")
        at_once(own(other).succeed)  # in a thread, as the monitor would
        assert (own(above).completed_steps, own(other).state, told[other.pk]) == (4, "Succeeded", 1)

    assert (own(above).completed_steps, own(slow).completed_steps, own(slow).state) == (7, 3, "Stapling")
    at_once(own(slow).succeed)
    assert (own(above).state, own(above).completed_steps) == ("Succeeded", 8)


def test_a_failure_and_the_last_success_end_their_container_once(user, told):
    for _ in range(ROUNDS):
        above = container(user)
        first, second = make(user, above), make(user, above)

        at_once(own(first).succeed, partial(own(second).fail, "no paper"))

        assert own(above).state == "Failed" and own(above).artifacts.get().text == "no paper"
    assert set(told.values()) == {1} and len(told) == 3 * ROUNDS


def test_cancel_from_above_meets_changes_from_below(user, told):
    """Rows are locked in one order, so that no database has to choose a victim."""
    for _ in range(ROUNDS):
        top = container(user)
        groups = [container(user, top) for _ in range(2)]
        leaves = [make(user, group) for group in groups for _ in range(3)]
        random.shuffle(leaves)
        rows = UserTaskStatus.objects.all()
        batch = {leaf.pk: Ending(random.choice(["Succeeded", "Failed"])) for leaf in leaves[:4]}

        def in_a_transaction(row):
            mine = own(row)  # on SQLite, one that has read in its transaction may write only if nobody else did
            with transaction.atomic():
                mine.cancel()

        def moves_on(row):
            try:
                own(row).increment_completed_steps(2)
                own(row).set_state("Stapling")
            except RuntimeError:
                pass  # it was canceled

        at_once(
            partial(rows.settle, batch),
            partial(in_a_transaction, top),
            partial(own(groups[0]).cancel),
            partial(moves_on, leaves[0]),
            partial(moves_on, leaves[5]),
        )

        everyone = [top, *groups, *leaves]
        assert {own(row).state for row in everyone} <= FINAL
        assert {told[row.pk] for row in everyone} == {1}
        failed = [row for row in everyone if own(row).state == "Failed"]
        assert UserTaskArtifact.objects.filter(status__in=everyone).count() == len(failed)


def test_batches_of_two_monitors_in_other_orders_do_not_wait_for_each_other(user, told):
    for _ in range(ROUNDS):
        groups = [container(user) for _ in range(3)]
        leaves = [make(user, group) for group in groups for _ in range(4)]
        shuffled = random.sample(leaves, len(leaves))
        rows = UserTaskStatus.objects.all()
        batches = [{row.pk: Ending("Succeeded") for row in shuffled[start::3]} for start in range(3)]

        at_once(*(partial(rows.settle, batch) for batch in batches))

        assert {own(row).state for row in [*groups, *leaves]} == {"Succeeded"}
        assert [own(group).completed_steps for group in groups] == [4, 4, 4]
        assert {told[row.pk] for row in [*groups, *leaves]} == {1}


def test_what_is_deleted_takes_along_what_its_tasks_make_meanwhile(user):
    for _ in range(ROUNDS):
        above = container(user, container(user))
        first, second = make(user, above), make(user, above)

        at_once(
            partial(UserTaskStatus.objects.all().delete_tree, own(above.parent)),
            partial(UserTaskArtifact.objects.create, status=own(first), text="done"),
            partial(UserTaskArtifact.objects.create, status=own(above), text="done"),
            partial(own(second).fail, "no paper"),
        )

        assert not UserTaskStatus.objects.exists() and not UserTaskArtifact.objects.exists()
