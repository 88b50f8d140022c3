"""How much work a worker gets at a time: about ten milliseconds by the running average of each function."""

from collections import OrderedDict

BUDGET = 0.010  # seconds of work in a hand-out
OVERHEAD = 0.00005  # seconds that a task costs however little it does
LONG = 0.100  # seconds after which a task counts as long, and the rest of its hand-out is recalled
_WEIGHT = 0.2  # of the newest run in the average
_MOST = 4096  # functions remembered


class Durations:
    """The running average of how long each function takes, and whether it is a coroutine function."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[str, float] = OrderedDict()
        self._coroutines: set[str] = set()
        self.overall: float | None = None  # over all functions, for the size of the backlog

    def learn(self, func: str, seconds: float, *, is_async: bool) -> None:
        """Take a run into account."""
        cost = max(seconds, OVERHEAD)
        known = self._seconds.get(func)
        # A run that took much longer counts at once: it is the one that makes its neighbours wait.
        self._seconds[func] = cost if known is None or cost > 10 * known else known + _WEIGHT * (cost - known)
        self.overall = cost if self.overall is None else self.overall + _WEIGHT * (cost - self.overall)
        if is_async:
            self._coroutines.add(func)
        if len(self._seconds) > _MOST:
            forgotten, _ = self._seconds.popitem(last=False)
            self._coroutines.discard(forgotten)

    def estimate(self, func: str) -> float:
        """Return how long a function is likely to run, in seconds; one that never ran fills a hand-out by itself."""
        return self._seconds.get(func, BUDGET)

    def is_async(self, func: str) -> bool:
        """Was this function seen to be a coroutine function?"""
        return func in self._coroutines

    def backlog(self, *, seats: int, most: int = 500) -> int:
        """Return how many claims to hold for so many seats: about 50 ms of work, and nothing beyond a turn of long tasks."""
        if self.overall is None:
            return seats
        return max(0 if self.overall >= LONG else seats, min(most, int(seats * 5 * BUDGET / self.overall)))
