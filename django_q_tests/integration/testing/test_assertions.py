from datetime import datetime, timedelta, timezone
from unittest.mock import ANY

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import SimpleTestCase, TestCase, override_settings

from django_q.exceptions import FunctionNotFound, InvalidValue
from django_q.tasks import async_task
from django_q.testing import (
    TaskTestMixin,
    assert_enqueued,
    assert_not_enqueued,
    captured_tasks,
    enqueued_tasks,
    run_all,
)
from django_q_tests.integration.testing import jobs

PATH = "django_q_tests.integration.testing.jobs"

pytestmark = pytest.mark.django_db


def failure_of(assertion, *args, **kwargs):
    """Return the text with which an assertion fails."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **kwargs)
    return str(caught.value)


# --- what matches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("func", [jobs.add, f"{PATH}.add", f"{PATH}:add", None])
def test_a_function_is_named_by_itself_or_its_path_or_not_at_all(func):
    task_id = async_task(jobs.add, 1)

    [task] = assert_enqueued(func)

    assert (task.id, task.func, task.args, task.kwargs, str(task)) == (
        task_id,
        f"{PATH}.add",
        (1,),
        {},
        f"{PATH}.add(1)",
    )


@pytest.mark.parametrize("args", [(1, "two"), [1, "two"], (1, ANY), (ANY, ANY), ANY])
def test_arguments_match_by_value_and_any_matches_everything(args):
    async_task(jobs.add, 1, "two")

    assert_enqueued(jobs.add, args=args)


def test_an_argument_may_be_a_row():
    anna = User.objects.create(username="anna")
    async_task(jobs.note, anna)

    assert_enqueued(jobs.note, args=(anna,))


@pytest.mark.parametrize("kwargs", [{"second": 2}, {"second": ANY}, ANY])
def test_keywords_match_in_the_same_way(kwargs):
    async_task(jobs.add, 1, second=2)

    assert_enqueued(jobs.add, kwargs=kwargs)


@pytest.mark.parametrize(
    "wanted",
    [
        {"args": (2,)},
        {"args": ()},
        {"kwargs": {"second": 1}},
        {"queue": "slow"},
        {"group": None},
        {"hook": None},
        {"hook": f"{PATH}.broken_hook"},
        {"priority": 0},
        {"name": "other"},
        {"run_after": None},
        {"run_after": timedelta(minutes=6)},
    ],
    ids=str,
)
def test_what_is_named_has_to_match(wanted):
    async_task(
        jobs.add,
        1,
        group="g",
        cluster="mail",
        hook=jobs.hook,
        priority=3,
        task_name="n",
        run_after=timedelta(minutes=5),
    )

    assert_enqueued(
        jobs.add,
        args=(1,),
        kwargs={},
        queue="mail",
        group="g",
        hook=jobs.hook,
        priority=3,
        name="n",
        run_after=timedelta(minutes=5),
        count=1,
    )
    failure_of(assert_enqueued, jobs.add, **wanted)
    assert_not_enqueued(jobs.add, **wanted)


def test_run_after_may_be_the_moment():
    moment = datetime(2150, 1, 1, 12, tzinfo=timezone.utc)
    async_task(jobs.add, 1, run_after=moment)

    assert_enqueued(jobs.add, run_after=moment)
    assert_enqueued(jobs.add, run_after=moment.replace(tzinfo=None))
    assert_not_enqueued(jobs.add, run_after=moment + timedelta(seconds=1))


def test_a_count_has_to_be_exact():
    for number in range(3):
        async_task(jobs.add, number)

    assert len(assert_enqueued(jobs.add, count=3)) == 3
    assert_enqueued(jobs.add, args=(1,), count=1)
    assert_enqueued(jobs.fail, count=0)
    assert failure_of(assert_enqueued, jobs.add, count=2).startswith(f"3 tasks {PATH}.add were enqueued, not 2.\n")
    assert failure_of(assert_enqueued, jobs.add, args=(1,), count=2).startswith(
        f"1 task {PATH}.add(1) was enqueued, not 2.\n"
    )


def test_what_has_ended_was_enqueued_too():
    async_task(jobs.add, 1)
    async_task(jobs.add, 2, sync=True)
    run_all()

    assert [task.has_ended for task in assert_enqueued(jobs.add, count=2)] == [True, True]


def test_hooks_do_not_count():
    async_task(jobs.add, 1, hook=jobs.hook, sync=False)
    run_all(limit=2)

    assert_enqueued(count=1)


def test_only_the_tasks_that_are_given_are_looked_at():
    async_task(jobs.add, 1)
    with captured_tasks() as tasks:
        async_task(jobs.add, 2)

    assert_enqueued(jobs.add, args=(2,), among=tasks)
    assert_not_enqueued(jobs.add, args=(1,), among=tasks)
    assert_enqueued(jobs.add, count=2)


def test_a_function_without_a_path_is_found():
    bound = User(username="anna").get_username
    async_task(bound)

    assert_enqueued(bound, args=(), count=1)


def test_decorated_functions_are_found_by_themselves():
    with captured_tasks() as tasks:
        jobs.shared.delay(1)
        jobs.in_the_background(2)

    for among in (tasks, None):
        assert_enqueued(jobs.shared, args=(1,), count=1, among=among)
        assert_enqueued(jobs.in_the_background, args=(2,), count=1, among=among)
    assert [run.result for run in run_all()] == [1, 2]


# --- what a failure says -------------------------------------------------------------------------------------------


def test_a_failure_says_that_nothing_was_enqueued():
    assert failure_of(assert_enqueued, jobs.add) == f"No task {PATH}.add was enqueued.\nNothing was enqueued."


def test_a_failure_lists_what_was_enqueued_and_the_nearest_name():
    async_task(jobs.fail_until, 3)
    async_task(jobs.add, 1, second="two", cluster="slow")

    text = failure_of(assert_enqueued, f"{PATH}.ad", args=(1,), queue="slow")

    assert text == (
        f"No task {PATH}.ad(1) with queue='slow' was enqueued. Did you mean '{PATH}.add'?\n"
        "Enqueued were:\n"
        f"  {PATH}.add(1, second='two')  [queue='slow']\n"
        f"  {PATH}.fail_until(3)  [queue='default']"
    )


def test_a_failure_shows_first_what_came_near_and_what_is_other():
    async_task(jobs.fail)
    async_task(jobs.add, 8, group="b", sync=True)

    text = failure_of(assert_enqueued, jobs.add, args=(7,), group="a")

    assert text.splitlines()[2:] == [
        f"  {PATH}.add(8)  [group='b', other args and group, has ended]",
        f"  {PATH}.fail()  [group=None]",
    ]


def test_a_failure_ends_after_twenty_tasks():
    for number in range(25):
        async_task(jobs.add, number)

    lines = failure_of(assert_not_enqueued).splitlines()

    assert lines[0] == "25 tasks were enqueued, not none."
    assert len(lines) == 23
    assert lines[-1] == "  … and 5 more"


def test_long_arguments_are_cut():
    async_task(jobs.note, "x" * 10_000)

    assert max(map(len, failure_of(assert_not_enqueued).splitlines())) < 300


def test_a_path_that_leads_nowhere_is_no_proof_that_nothing_was_enqueued():
    async_task(jobs.add, 1)

    with pytest.raises(FunctionNotFound, match=f"Did you mean '{PATH}.add'"):
        assert_not_enqueued(f"{PATH}.ad")


@pytest.mark.parametrize("count", [-1, True, "2", 1.5])
def test_a_count_that_cannot_be_is_refused(count):
    with pytest.raises(InvalidValue, match="write 0 or more"):
        assert_enqueued(jobs.add, count=count)


def test_nothing_is_counted_where_nothing_is_expected():
    with pytest.raises(InvalidValue, match="leave it out"):
        assert_not_enqueued(jobs.add, count=2)


def test_a_criterion_that_does_not_exist_is_refused():
    with pytest.raises(TypeError, match="retries"):
        assert_not_enqueued(jobs.add, retries=2)


# --- what is captured ----------------------------------------------------------------------------------------------


def test_a_block_yields_what_it_enqueued():
    async_task(jobs.note, "before")
    with captured_tasks() as tasks:
        task_id = async_task(
            jobs.add, 1, second=2, group="g", cluster="mail", hook=jobs.hook, priority=3, task_name="n", timeout=9,
            run_after=timedelta(minutes=5),
        )  # fmt: skip
        assert len(tasks) == 1
    async_task(jobs.note, "after")

    [task] = tasks
    stored = next(each for each in enqueued_tasks() if each.id == task_id)
    for name in ("id", "name", "func", "args", "kwargs", "queue", "group", "hook", "priority", "options"):
        assert getattr(task, name) == getattr(stored, name), name
    assert_enqueued(jobs.add, run_after=timedelta(minutes=5), among=tasks, count=1)


def test_what_is_due_at_once_is_captured_without_a_moment():
    with captured_tasks() as tasks:
        async_task(jobs.note, 1)

    assert tasks[0].run_after is None


def test_what_is_rolled_back_is_captured_all_the_same():
    with captured_tasks() as tasks, pytest.raises(ZeroDivisionError), transaction.atomic():
        async_task(jobs.add, 1)
        raise ZeroDivisionError

    assert [task.args for task in tasks] == [(1,)]
    assert enqueued_tasks() == []


def test_what_runs_at_once_is_captured_too():
    with captured_tasks() as tasks:
        async_task(jobs.add, 1, sync=True)

    assert_enqueued(jobs.add, among=tasks, count=1)


def test_arguments_are_captured_as_a_worker_gets_them():
    values = [1]
    with captured_tasks() as tasks:
        async_task(jobs.note, values)
        async_task(jobs.note, (1, 2), serializer="json")
        values.append(2)

    assert [task.args for task in tasks] == [([1],), ([1, 2],)]


def test_capturing_makes_no_query_of_its_own(django_assert_num_queries):
    with django_assert_num_queries(1):
        async_task(jobs.note, 1)
    with captured_tasks(), django_assert_num_queries(1):
        async_task(jobs.note, 1)


def test_nothing_is_captured_after_an_error_in_the_block():
    with pytest.raises(ZeroDivisionError), captured_tasks(run=True) as tasks:
        async_task(jobs.note, 1)
        raise ZeroDivisionError
    async_task(jobs.note, 2)

    assert len(tasks) == 1
    assert jobs.calls == []


def test_a_block_may_run_what_is_ready_at_its_end():
    with captured_tasks(run=True) as tasks:
        async_task(jobs.enqueue_another, 2)
        assert len(tasks) == 1

    assert [task.has_ended for task in enqueued_tasks()] == [True] * 3


def test_blocks_may_be_nested():
    with captured_tasks() as outer:
        async_task(jobs.note, 1)
        with captured_tasks() as inner:
            async_task(jobs.note, 2)

    assert (len(outer), len(inner)) == (2, 1)


@override_settings(USE_TZ=False)
def test_moments_are_as_django_stores_them_without_time_zones():
    with captured_tasks() as tasks:
        async_task(jobs.note, 1, run_after=timedelta(minutes=5))

    assert tasks[0].run_after.tzinfo is None
    assert_enqueued(run_after=timedelta(minutes=5), among=tasks)
    assert_enqueued(run_after=timedelta(minutes=5))


# --- unittest ------------------------------------------------------------------------------------------------------


class WithTheMixin(TaskTestMixin, TestCase):
    def test_the_assertions_are_methods(self):
        async_task(jobs.add, 1)

        self.assertEnqueued(jobs.add, args=(1,))
        self.assertNotEnqueued(jobs.fail)
        with self.assertRaisesRegex(AssertionError, "No task"):
            self.assertEnqueued(jobs.fail)


class WithoutADatabase(SimpleTestCase):
    def test_captured_tasks_are_judged_without_a_query(self):
        with captured_tasks() as tasks:
            pass

        assert_not_enqueued(among=tasks)
