"""The attempts of a task, put together from its remembered errors and its row."""

from datetime import datetime, timedelta, timezone

import pytest

from django_q.admin import attempts
from django_q.models import OrmQ, Task

START = datetime(2026, 11, 21, 8, 0, tzinfo=timezone.utc)


def at(seconds):
    return START + timedelta(seconds=seconds)


def entry(started, stopped, reason="error", **more):
    return {
        "at": at(stopped + 0.1).isoformat(),
        "reason": reason,
        "error": f"it was {reason}",
        "started": at(started).timestamp(),
        "stopped": at(stopped).timestamp(),
        "worker": "web:7",
        **more,
    }


def ended(started, stopped, *, count, **columns):
    values = {"enqueued_at": START, "success": False, "reason": "error", "error": "last", "worker": "web:8", **columns}
    return Task(started=at(started), stopped=at(stopped), attempt_count=count, **values)


def told(found):
    rounded = [(each.number, each.waited, each.ran, each.ending) for each in found]
    return [
        (number, *(None if n is None else round(n, 3) for n in (waited, ran)), end)
        for number, waited, ran, end in rounded
    ]


def test_a_first_attempt_waited_since_it_was_enqueued():
    (only,) = attempts.of_ended(ended(2, 5, count=1, success=True, reason=None, error=""), [])

    assert told([only]) == [(1, 2, 3, "succeeded")]
    assert (only.at, only.worker) == (at(2), "web:8")


def test_later_attempts_waited_since_the_end_of_the_one_before_or_of_the_pause_after_it():
    entries = [entry(1, 2), entry(5, 7, "timeout", due=at(12).timestamp())]

    found = attempts.of_ended(ended(15, 16, count=3), entries)

    assert told(found) == [(1, 1, 1, "error"), (2, 3, 2, "timeout"), (3, 3, 1, "error")]
    assert [each.error for each in found] == ["it was error", "it was timeout", "last"]


def test_what_was_canceled_between_two_attempts_has_none_after_the_first():
    found = attempts.of_ended(ended(9, 9, count=1, reason="canceled", worker=""), [entry(1, 2)])

    assert told(found) == [(1, 1, 1, "error")]


def test_a_miss_of_the_function_is_no_attempt():
    entries = [entry(1, 1, "unknown"), entry(6, 8)]

    found = attempts.of_ended(ended(10, 11, count=2), entries)

    assert told(found) == [(None, None, None, "unknown"), (1, 5, 2, "error"), (2, 2, 1, "error")]
    last_miss = attempts.of_ended(ended(70, 70, count=0), [entry(1, 1, "unknown")])
    assert told(last_miss) == [(None, None, None, "unknown")]


def test_of_many_attempts_the_remembered_ones_keep_their_numbers():
    entries = [entry(100 + 2 * n, 101 + 2 * n) for n in range(20)]

    found = attempts.of_ended(ended(150, 151, count=31), entries)

    assert [each.number for each in found] == list(range(11, 32))
    assert found[0].waited is None  # nobody remembers when the one before it ended
    assert round(found[1].waited, 3) == 1


def test_a_death_without_times_shows_when_it_was_noted():
    lost = {"at": at(9).isoformat(), "reason": "lost", "error": "its worker died", "worker": "web:7"}

    found = attempts.of_ended(ended(12, 13, count=2), [lost])

    assert told(found) == [(1, None, None, "lost"), (2, 3, 1, "error")]
    assert found[0].at == at(9)


def test_the_attempt_that_runs_is_the_last_of_a_queued_task():
    row = OrmQ(enqueued_at=START, attempts=1, crashes=1, running_since=at(20))

    found = attempts.of_queued(row, [entry(1, 2), entry(4, 5, "lost")])

    assert told(found) == [(1, 1, 1, "error"), (2, 2, 1, "lost"), (3, None, None, "running")]


@pytest.mark.parametrize("entries", [[{}], [{"at": "never"}], [{"started": "x", "stopped": None}]])
def test_what_cannot_be_read_is_left_open(entries):
    assert len(attempts.of_queued(OrmQ(enqueued_at=START, attempts=1), entries)) == 1


def test_moments_without_a_zone_are_the_sites(settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "UTC"
    task = ended(3, 4, count=1)
    for name in ("enqueued_at", "started", "stopped"):
        setattr(task, name, getattr(task, name).replace(tzinfo=None))

    assert told(attempts.of_ended(task, [])) == [(1, 3, 1, "error")]
