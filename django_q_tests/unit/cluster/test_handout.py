"""A worker gets about ten milliseconds of work at a time."""

import pytest

from django_q.cluster.handout import BUDGET, Durations, deal, excess
from django_q.cluster.ledger import Ledger
from django_q.kernel import clock
from django_q.kernel.messages import Envelope

CONCURRENCY = 100


class FakeSeat:
    """What a hand-out sees of a worker; the process behind it is tested in process/."""

    def __init__(self, *, load=0.0, takes_work=True, busy_since=None):
        self.load = load
        self.takes_work = takes_work
        self.given = {}
        self.is_exclusive = False
        self._busy_since = busy_since

    def is_busy_since(self, moment):
        return self._busy_since is not None and self._busy_since < moment

    def give(self, entries):
        for entry, estimate in entries:
            self.given[len(self.given)] = entry
            self.load += estimate

    @property
    def funcs(self):
        return [entry.envelope.func for entry in self.given.values()]


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def durations():
    return Durations(CONCURRENCY)


def admit(ledger, func, count=1, *, alone=False):
    start = len(ledger)
    return [ledger.admit(Envelope(f"{start + n}", "t", func, None, alone), b"") for n in range(count)]


def deal_to(seats, ledger, durations):
    deal(ledger, seats, durations)


def test_a_function_that_never_ran_is_handed_out_one_at_a_time(ledger, durations):
    admit(ledger, "new", 5)
    seat = FakeSeat()

    deal_to([seat], ledger, durations)

    assert seat.funcs == ["new"]


def test_a_hand_out_holds_about_ten_milliseconds_of_work(ledger, durations):
    durations.learn("quick", 0.001, is_async=False)
    admit(ledger, "quick", 100)
    seat = FakeSeat()

    deal_to([seat], ledger, durations)

    assert len(seat.given) == pytest.approx(BUDGET / 0.001, abs=1)


def test_a_small_backlog_is_shared_evenly(ledger, durations):
    durations.learn("quick", 0.001, is_async=False)
    admit(ledger, "quick", 6)
    seats = [FakeSeat(), FakeSeat()]

    deal_to(seats, ledger, durations)

    assert [len(seat.given) for seat in seats] == [3, 3]


def test_nothing_unknown_stands_behind_something_known(ledger, durations):
    durations.learn("quick", 0.0001, is_async=False)
    admit(ledger, "quick", 3)
    admit(ledger, "new")
    seat = FakeSeat()

    deal_to([seat], ledger, durations)

    assert seat.funcs == ["quick"] * 3


def test_a_worker_in_the_middle_of_a_slow_task_gets_no_more(ledger, durations):
    durations.learn("quick", 0.0001, is_async=False)
    admit(ledger, "quick", 3)
    seat = FakeSeat(load=0.0001, busy_since=clock.monotonic() - 1)

    deal_to([seat], ledger, durations)

    assert seat.given == {}


def test_what_has_to_run_alone_gets_an_empty_seat_for_itself(ledger, durations):
    (entry,) = admit(ledger, "suspect", alone=True)
    ledger.marked(entry.key)
    busy, free = FakeSeat(), FakeSeat()
    busy.given[0] = "something"

    deal_to([busy, free], ledger, durations)

    assert (free.funcs, free.is_exclusive) == (["suspect"], True)


def test_one_seat_runs_empty_for_what_has_to_run_alone(ledger, durations):
    durations.learn("known", 0.001, is_async=False)
    admit(ledger, "known", 100)
    (crashed,) = admit(ledger, "crashed", alone=True)
    ledger.marked(crashed.key)
    emptier, fuller = FakeSeat(load=0.002), FakeSeat(load=0.004)
    emptier.given[0] = fuller.given[0] = object()

    deal_to([emptier, fuller], ledger, durations)

    assert len(emptier.given) == 1
    assert len(fuller.given) > 1


def test_coroutines_fill_the_loop_and_not_the_clock(ledger, durations):
    durations.learn("fetch", 2.0, is_async=True)
    admit(ledger, "fetch", 300)
    seat = FakeSeat()

    deal_to([seat], ledger, durations)

    assert len(seat.given) == pytest.approx(CONCURRENCY, abs=1)


def test_coroutines_that_take_long_are_claimed_until_the_loops_are_full(durations):
    assert [durations.room(given) for given in (0, 1)] == [1, 0]

    for _ in range(10):
        durations.learn("fetch", 60.0, is_async=True)

    assert [durations.room(given) for given in (0, 30, 200)] == [CONCURRENCY, CONCURRENCY - 30, 0]


def test_coroutines_leave_no_long_backlog_behind_them(durations):
    for _ in range(10):
        durations.learn("fetch", 60.0, is_async=True)

    assert durations.backlog(seats=2) <= 2


def test_the_next_short_task_waits_where_one_runs(ledger, durations):
    durations.learn("short", 0.015, is_async=False)
    admit(ledger, "short", 5)
    seat = FakeSeat()

    deal_to([seat], ledger, durations)
    deal_to([seat], ledger, durations)
    deal_to([seat], ledger, durations)

    assert len(seat.given) == 2


@pytest.mark.parametrize("func", ["never ran", "long"])
def test_nothing_but_a_short_task_waits_behind_one_that_fills_a_hand_out(ledger, durations, func):
    durations.learn("short", 0.015, is_async=False)
    durations.learn("long", 0.030, is_async=False)
    admit(ledger, "short")
    admit(ledger, func)
    seat = FakeSeat()

    deal_to([seat], ledger, durations)
    deal_to([seat], ledger, durations)

    assert seat.funcs == ["short"]


def test_nothing_waits_behind_a_function_that_never_ran(ledger, durations):
    durations.learn("short", 0.001, is_async=False)
    admit(ledger, "never ran")
    admit(ledger, "short")
    seat = FakeSeat()

    deal_to([seat], ledger, durations)
    deal_to([seat], ledger, durations)

    assert seat.funcs == ["never ran"]


def test_nothing_is_handed_out_while_too_much_is_unrecorded(ledger, durations):
    admit(ledger, "new")
    ledger.unconfirmed_bytes = 33 << 20
    seat = FakeSeat()

    deal_to([seat], ledger, durations)

    assert seat.given == {}


def test_nothing_is_handed_out_while_too_many_outcomes_are_unrecorded(ledger, durations):
    admit(ledger, "new")
    ledger.unconfirmed = 2001
    seat = FakeSeat()

    deal_to([seat], ledger, durations)

    assert seat.given == {}


def test_a_run_that_takes_much_longer_counts_at_once(durations):
    durations.learn("func", 0.0001, is_async=False)

    durations.learn("func", 5.0, is_async=False)

    assert durations.estimate("func") == 5.0


def test_a_cluster_of_long_tasks_holds_nothing_beyond_its_seats(durations):
    for _ in range(50):
        durations.learn("long", 3.0, is_async=False)

    assert durations.backlog(seats=4) <= 4


def test_a_cluster_of_short_tasks_holds_a_good_batch(durations):
    durations.learn("short", 0.0, is_async=False)

    assert durations.backlog(seats=2) >= 250


def test_a_backlog_that_turns_out_to_be_long_is_given_back_but_for_two_turns(ledger, durations):
    entries = admit(ledger, "func", 50)
    assert excess(ledger, durations, seats=2) == []

    durations.learn("func", 3.0, is_async=False)

    assert excess(ledger, durations, seats=2) == entries[4:]


def test_a_backlog_of_short_tasks_is_kept(ledger, durations):
    admit(ledger, "func", 50)
    durations.learn("func", 0.001, is_async=False)

    assert excess(ledger, durations, seats=2) == []
