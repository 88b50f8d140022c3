"""How much work a worker gets at a time: about ten milliseconds by the running average of each function, and the next
short task while it runs one, so that it need not ask for it."""

from collections import OrderedDict
from collections.abc import Sequence

from django_q.cluster.ledger import Entry, Ledger
from django_q.cluster.seats import Seat
from django_q.kernel import clock

BUDGET = 0.010  # seconds of work in a hand-out
OVERHEAD = 0.00005  # seconds that a task costs however little it does
LONG = 0.100  # seconds after which a task counts as long, and the rest of its hand-out is recalled
_SLOW = 0.020  # seconds after which a worker is given no more until its task ends
_MOST_BYTES = 32 << 20  # bytes of outcomes beyond which no work is handed out
_MOST_OUTCOMES = 2000  # that are not recorded, likewise: what a dead host has run and nobody knows of is run again
_WEIGHT = 0.2  # of the newest run in the average
_TURNS = 2  # long tasks per seat that a backlog may hold
_REMEMBERED = 4096  # functions


class Durations:
    """The running average of how long each function takes, and whether it is a coroutine function.

    ``concurrency`` is how many coroutines a worker runs beside each other.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._coroutine_share = 0.0  # of the newest runs
        self._seconds: OrderedDict[str, float] = OrderedDict()
        self._coroutines: set[str] = set()
        self.overall: float | None = None  # over all functions, for the size of the backlog

    def learn(self, func: str, seconds: float, *, is_async: bool) -> None:
        """Take a run into account."""
        cost = max(seconds, OVERHEAD)
        known = self._seconds.get(func)
        # A run that took much longer counts at once: it is the one that makes its neighbours wait.
        self._seconds[func] = cost if known is None or cost > 10 * known else known + _WEIGHT * (cost - known)
        # A worker has as many coroutines at a time as it may: each keeps it for its share of that time.
        kept = cost / self.concurrency if is_async else cost
        self.overall = kept if self.overall is None else self.overall + _WEIGHT * (kept - self.overall)
        self._coroutine_share += _WEIGHT * (is_async - self._coroutine_share)
        if is_async:
            self._coroutines.add(func)
        if len(self._seconds) > _REMEMBERED:
            forgotten, _ = self._seconds.popitem(last=False)
            self._coroutines.discard(forgotten)

    def estimate(self, func: str) -> float:
        """Return how long a function is likely to keep a worker, in seconds; one that never ran fills a hand-out by
        itself. A coroutine does not keep the main thread; a hand-out of them is full when the loop is."""
        return BUDGET / self.concurrency if func in self._coroutines else self._seconds.get(func, BUDGET)

    def is_known(self, func: str) -> bool:
        """Has it run here?"""
        return func in self._seconds

    def room(self, given: int) -> int:
        """Return how many claims a worker that holds so many could begin at once, if they are like the last ones."""
        return max(0, (self.concurrency if self._coroutine_share > 0.5 else 1) - given)

    def backlog(self, *, seats: int, most: int = 1000) -> int:
        """Return how many claims to hold for so many seats: about 50 ms of work; of long tasks one for each."""
        if self.overall is None:
            return seats
        return max(0 if self.overall >= LONG else seats, min(most, int(seats * 5 * BUDGET / self.overall)))


def excess(ledger: Ledger, durations: Durations, *, seats: int) -> list[Entry]:
    """Return the end of a backlog that was claimed when tasks were short and has turned out to be long.

    Another cluster may have nothing to do; what it does not take is claimed again when there is room.
    """
    if durations.overall is None or durations.overall < LONG:
        return []
    return list(ledger.backlog)[_TURNS * max(1, seats) :]


def deal(ledger: Ledger, seats: Sequence[Seat], durations: Durations) -> None:
    """Hand out what the seats have room for."""
    if ledger.unconfirmed_bytes > _MOST_BYTES or ledger.unconfirmed > _MOST_OUTCOMES:
        return
    _deal_alone(ledger, seats)
    if not ledger.backlog:
        return
    slow = clock.monotonic() - _SLOW
    free = [seat for seat in seats if seat.takes_work and _has_room(seat, durations) and not seat.is_busy_since(slow)]
    free.sort(key=lambda seat: seat.load)
    if ledger.alone:
        free = free[1:]  # the one with the least left runs empty, or what has to run alone would wait for ever
    for position, seat in enumerate(free):
        # An even share, so that one worker does not get all of a small backlog.
        share = -(-len(ledger.backlog) // (len(free) - position))
        part = _part(ledger, durations, room=BUDGET - seat.load, most=share)
        if part:
            seat.give(part)


def _deal_alone(ledger: Ledger, seats: Sequence[Seat]) -> None:
    for seat in seats:
        if ledger.alone and seat.takes_work and not seat.given:
            entry = ledger.alone.popleft()
            ledger.seated(entry)
            seat.is_exclusive = True
            seat.give([(entry, BUDGET)])


def _has_room(seat: Seat, durations: Durations) -> bool:
    """May it be given more: until its hand-out is full, and one more while it runs a single task that is short?"""
    if seat.load < BUDGET:
        return True
    if len(seat.given) != 1 or seat.load > _SLOW:
        return False
    [running] = seat.given.values()
    return durations.is_known(running.envelope.func)


def _part(ledger: Ledger, durations: Durations, *, room: float, most: int) -> list[tuple[Entry, float]]:
    """Take from the backlog what fits into the room of one seat; where there is none left, one short task."""
    part: list[tuple[Entry, float]] = []
    while ledger.backlog and len(part) < most:
        func = ledger.backlog[0].envelope.func
        estimate = durations.estimate(func)
        if part and not durations.is_known(func):
            break  # nobody knows how long it takes: nothing may stand in its way, nor it in anything's
        if room <= 0 and (part or not durations.is_known(func) or estimate > _SLOW):
            break
        entry = ledger.backlog.popleft()
        ledger.seated(entry)
        part.append((entry, estimate))
        room -= estimate
    return part
