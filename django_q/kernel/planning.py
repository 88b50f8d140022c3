"""What a schedule that is due runs now: pure, from its rule, the moment and its policy for missed runs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django_q.kernel.recurrence import ALL, ONE, Policy, Recurrence

#: A run that is later than this was missed, for those who rather skip than run late.
LATE = timedelta(seconds=60)
_AT_ONCE = 100  # runs that one plan holds; more follow in the next
_COUNTED = 10_000  # missed runs that are counted
_NAMED = 20  # and of these, that are named
_WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (1, 60, 60 * 24, 60 * 24 * 32, 60 * 24 * 367))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, what was missed, and when the schedule is due again."""

    runs: tuple[datetime, ...]
    following: datetime | None
    missed: tuple[datetime, ...] = field(default=())  # the newest of them
    missed_total: int = 0


def plan(rule: Recurrence, due: datetime, now: datetime, policy: Policy, *, most: int = _AT_ONCE) -> Plan:
    """Return the plan of a schedule that is due since ``due``; at most ``most`` runs are left to it."""
    if policy == ALL:
        runs = tuple(islice(rule.between(due, now), min(most, _AT_ONCE)))
        return Plan(runs, rule.after(runs[-1]))
    newest = _newest(rule, due, now)
    runs = (newest,) if policy == ONE or now - newest <= LATE else ()
    passed = list(islice(rule.between(due, newest), _COUNTED))
    missed = [moment for moment in passed if moment not in runs]
    return Plan(runs, rule.after(newest), tuple(missed[-_NAMED:]), len(missed))


def _newest(rule: Recurrence, due: datetime, now: datetime) -> datetime:
    """Return the last due moment until now, without walking through years of them."""
    for window in _WINDOWS:
        if now - window <= due:
            break
        found = rule.after(now - window)
        if found is not None and found <= now:
            return list(rule.between(found, now))[-1]
    return list(rule.between(due, now))[-1]
