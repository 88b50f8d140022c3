from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import pytest
from django.test import TestCase, override_settings
from django.utils.timezone import make_naive

from django_q.exceptions import InvalidValue
from django_q.kernel import clock
from django_q.models import Failure, OrmQ, Task
from django_q.tasks import async_task, fetch, result
from django_q.testing import assert_enqueued, eager_tasks, run_all, time_travel
from django_q_tests.integration.testing import jobs

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def run_values():
    """Run what is due and return what was noted since the test began."""
    run_all()
    return list(jobs.calls)


def test_what_is_due_within_the_span_runs_and_no_more(either_db):
    async_task(jobs.note, "soon", run_after=59 * MINUTE)
    async_task(jobs.note, "later", run_after=61 * MINUTE)

    with time_travel(HOUR):
        assert run_values() == ["soon"]
    assert run_values() == ["soon"]
    with time_travel(2 * HOUR):
        assert run_values() == ["soon", "later"]


def test_what_is_due_at_a_moment_runs(either_db):
    moment = clock.now() + HOUR
    async_task(jobs.note, 1, run_after=moment)

    with time_travel(moment - MINUTE):
        assert run_values() == []
    with time_travel(moment + MINUTE):
        assert run_values() == [1]


def test_attempts_rest_for_their_time_from_the_later_moment(either_db):
    async_task(jobs.fail, max_attempts=3, backoff=[60, 600])

    assert len(run_all()) == 1
    with time_travel(2 * MINUTE):
        assert len(run_all()) == 1
        assert run_all() == []
        with time_travel(9 * MINUTE):
            assert run_all() == []
        with time_travel(11 * MINUTE):
            assert [run.is_deferred for run in run_all()] == [False]
    assert Failure.objects.get().attempt_count == 3


def test_what_is_enqueued_later_counts_from_there(either_db):
    with time_travel(HOUR):
        async_task(jobs.note, 1, run_after=10 * MINUTE)
        assert run_values() == []
        assert_enqueued(jobs.note, run_after=10 * MINUTE)
    with time_travel(HOUR + 9 * MINUTE):
        assert run_values() == []
    with time_travel(HOUR + 11 * MINUTE):
        assert run_values() == [1]


def test_a_moment_that_has_passed_by_then_is_not_deferred(either_db):
    moment = clock.now() + HOUR
    with time_travel(2 * HOUR):
        async_task(jobs.note, 1, run_after=moment)

        assert run_values() == [1]


def test_a_block_inside_a_block_goes_further(either_db):
    async_task(jobs.note, 1, run_after=119 * MINUTE)

    with time_travel(HOUR):
        with time_travel(MINUTE):
            assert run_values() == []
        with time_travel(HOUR):
            assert run_values() == [1]


def test_a_moment_inside_a_block_is_that_moment(either_db):
    moment = clock.now() + 3 * HOUR
    async_task(jobs.note, 1, run_after=moment)

    with time_travel(HOUR), time_travel(moment - MINUTE):
        assert run_values() == []
    with time_travel(HOUR), time_travel(moment + MINUTE):
        assert run_values() == [1]


def test_it_is_the_usual_time_after_the_block_and_after_an_error_in_it(either_db):
    with pytest.raises(ZeroDivisionError), time_travel(HOUR):
        raise ZeroDivisionError
    async_task(jobs.note, 1, run_after=MINUTE)

    row = OrmQ.objects.get()
    assert abs(row.enqueued_at - clock.now()) < MINUTE
    assert abs(datetime.now(timezone.utc) - clock.now()) < MINUTE


def test_the_history_moves_as_far_as_it_is_documented(either_db):
    with time_travel(HOUR):
        task = fetch(async_task(jobs.add, 1))
        run_all()
        task = Task.objects.get()

    assert task.enqueued_at - datetime.now(timezone.utc) > 50 * MINUTE
    assert abs(task.started - datetime.now(timezone.utc)) < 10 * MINUTE
    assert 0 <= task.time_taken() < 60


def test_old_history_may_be_pruned(either_db):
    async_task(jobs.add, 1)
    run_all()

    assert Task.objects.ended_before(7 * 86400, success=True).delete_oldest(10) == 0
    with time_travel(timedelta(days=8)):
        assert Task.objects.ended_before(7 * 86400, success=True).delete_oldest(10) == 1


def test_who_froze_the_time_of_the_process_takes_the_queue_along(either_db):
    frozen = datetime(2150, 5, 1, 12, tzinfo=timezone.utc)
    with patch.object(clock, "now", lambda: frozen):
        async_task(jobs.note, 1, run_after=frozen + HOUR)
    with patch.object(clock, "now", lambda: frozen + HOUR):
        assert run_values() == []
        with time_travel(frozen + HOUR):
            assert clock.now() == frozen + HOUR
            assert run_values() == [1]


def test_tasks_that_run_at_once_run_in_a_block_too(either_db):
    with eager_tasks(), time_travel(HOUR):
        assert result(async_task(jobs.add, 1, 2)) == 3


@override_settings(USE_TZ=False)
def test_it_works_without_time_zones(either_db):
    async_task(jobs.note, 1, run_after=59 * MINUTE)
    async_task(jobs.note, 2, run_after=make_naive(clock.now()) + 2 * HOUR)

    with time_travel(HOUR):
        assert run_values() == [1]
    with time_travel(make_naive(clock.now()) + 2 * HOUR + MINUTE):
        assert run_values() == [1, 2]


@pytest.mark.parametrize("to", [60, "tomorrow", None])
def test_what_is_no_span_and_no_moment_is_refused(to):
    with pytest.raises(InvalidValue, match="pass a timedelta or a datetime"), time_travel(to):
        pass


class InATestCase(TestCase):
    def setUp(self):
        jobs.calls.clear()

    def test_what_is_due_runs(self):
        async_task(jobs.note, 1, run_after=HOUR)

        with time_travel(HOUR + MINUTE):
            assert len(run_all()) == 1
