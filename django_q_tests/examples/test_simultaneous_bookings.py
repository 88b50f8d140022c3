"""Bookings at the same time, each over a connection of its own: the vehicle is never promised twice."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from django_q.examples.experimenteditor import bookings
from django_q.examples.experimenteditor.models import Booking, RunResult, RunTask, Vehicle
from django_q.models import OrmQ
from django_q_tests.examples.conftest import write_experiment
from django_q_tests.support.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
MANY = 6


def experiments(count):
    user = get_user_model().objects.create_user("ada")
    return [write_experiment(user, f"experiment {number}") for number in range(count)]


def at_once(*deeds):
    """Do all of it at the same time, each in a thread with a connection of its own; return what came of each."""
    gate, outcomes = threading.Barrier(len(deeds)), [None] * len(deeds)

    def do(number):
        gate.wait(10)
        try:
            outcomes[number] = deeds[number]()
        except ValidationError as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert None not in outcomes, "a thread died or hangs"
    return outcomes


def refused(outcomes):
    return [outcome for outcome in outcomes if isinstance(outcome, ValidationError)]


def assert_no_slots_overlap():
    slots = sorted(RunResult.objects.filter(booking__isnull=False).values_list("start", "end"))
    gap = timedelta(seconds=15)
    assert all(before[1] + gap <= after[0] for before, after in zip(slots, slots[1:], strict=False)), slots


@pytest.mark.parametrize("is_first_ever", [True, False])
def test_of_many_who_want_one_slot_one_gets_it(is_first_ever):
    wanted = experiments(MANY)
    if not is_first_ever:
        with transaction.atomic():
            Vehicle.reserve()
    start = timezone.now() + 60 * MINUTE

    outcomes = at_once(*(lambda e=each: bookings.book(e, start, start + MINUTE) for each in wanted))

    assert len(refused(outcomes)) == MANY - 1 and Booking.objects.count() == 1
    assert RunTask.objects.count() == OrmQ.objects.count() == 2


def test_slots_that_touch_in_any_way_are_never_given_together():
    wanted = experiments(MANY)
    start = timezone.now() + 60 * MINUTE

    outcomes = at_once(
        *(
            lambda e=each, n=number: bookings.book(e, start + n * MINUTE / 2, start + n * MINUTE / 2 + MINUTE)
            for number, each in enumerate(wanted)
        )
    )

    assert_no_slots_overlap()
    assert 0 < Booking.objects.count() == MANY - len(refused(outcomes))


def test_slots_that_do_not_touch_are_all_given():
    wanted = experiments(MANY)
    start = timezone.now() + 60 * MINUTE

    outcomes = at_once(
        *(
            lambda e=each, n=number: bookings.book(e, start + 5 * n * MINUTE, start + 5 * n * MINUTE + MINUTE)
            for number, each in enumerate(wanted)
        )
    )

    assert refused(outcomes) == [] and Booking.objects.count() == MANY


def test_one_experiment_is_booked_once_by_two_clicks():
    (wanted,) = experiments(1)
    start = timezone.now() + 60 * MINUTE

    outcomes = at_once(
        lambda: bookings.book(wanted, start, start + MINUTE),
        lambda: bookings.book(wanted, start + 30 * MINUTE, start + 31 * MINUTE),
    )

    assert len(refused(outcomes)) == 1 and Booking.objects.count() == 1


def test_two_bookings_cannot_be_moved_to_one_slot():
    first, second, third = experiments(3)
    start = timezone.now() + 60 * MINUTE
    for number, each in enumerate((first, second)):
        bookings.book(each, start + 10 * number * MINUTE, start + (10 * number + 1) * MINUTE)
    target = start + 60 * MINUTE

    outcomes = at_once(
        lambda: bookings.move_booking(first.booking, target, target + MINUTE),
        lambda: bookings.move_booking(second.booking, target, target + MINUTE),
        lambda: bookings.book(third, target, target + MINUTE),
    )

    assert len(refused(outcomes)) == 2
    assert_no_slots_overlap()


def test_a_booking_waits_for_one_that_is_not_committed_yet():
    first, second = experiments(2)
    start = timezone.now() + 60 * MINUTE
    is_booked, may_commit, outcomes = threading.Event(), threading.Event(), []

    def book_slowly():
        with transaction.atomic():
            bookings.book(first, start, start + MINUTE)
            is_booked.set()
            assert may_commit.wait(10)
        connection.close()

    def book_too():
        try:
            outcomes.append(bookings.book(second, start, start + MINUTE))
        except ValidationError as error:
            outcomes.append(error)
        connection.close()

    slow, other = threading.Thread(target=book_slowly), threading.Thread(target=book_too)
    slow.start()
    assert is_booked.wait(10)
    other.start()
    other.join(0.5)
    assert other.is_alive() and outcomes == []

    may_commit.set()
    slow.join(10), other.join(10)

    assert [type(outcome) for outcome in outcomes] == [ValidationError] and Booking.objects.count() == 1


def test_a_booking_that_is_canceled_while_it_is_moved_is_gone():
    (wanted,) = experiments(1)
    start = timezone.now() + 60 * MINUTE
    bookings.book(wanted, start, start + MINUTE)
    booking = Booking.objects.get()

    at_once(
        lambda: bookings.cancel_booking(booking) or "canceled",
        lambda: bookings.move_booking(booking, start + 9 * MINUTE, start + 10 * MINUTE),
    )

    eventually(lambda: Booking.objects.count() == RunResult.objects.count() == OrmQ.objects.count() == 0)
    wanted.refresh_from_db()
    assert not wanted.is_scheduled
