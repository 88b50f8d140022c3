"""Statements 1 to 12."""

import re
from datetime import datetime, timezone
from decimal import Decimal
from uuid import uuid4

import acceptance_jobs
import pytest
from django.contrib.auth.models import User
from django.db import transaction

from django_q.brokers import get_broker
from django_q.models import OrmQ, Task
from django_q.signals import pre_enqueue
from django_q.tasks import async_task, fetch, result

statement = pytest.mark.statement
ECHO = "acceptance_jobs.echo"


def unserved():
    """Count what waits in a queue that no cluster of these tests serves."""
    return get_broker("nobody").queue_size()


@statement("1")
def test_a_call_gives_an_id_of_32_digits_and_one_row():
    before = unserved()

    task_id = async_task("math.copysign", 2, -2, cluster="nobody")

    assert re.fullmatch("[0-9a-f]{32}", task_id)
    assert unserved() == before + 1


@statement("2")
def test_a_function_is_named_or_handed_over(ended):
    by_path, by_object = async_task("math.floor", 1.5), async_task(acceptance_jobs.first, 2)

    assert ended(by_path).result == 1
    assert (ended(by_object).result, ended(by_object).func) == (2, "acceptance_jobs.first")


@statement("3")
@pytest.mark.parametrize(
    "option",
    [
        {"hook": "acceptance_jobs.hook"}, {"group": "three"}, {"save": True}, {"sync": False}, {"cached": False},
        {"ack_failure": True}, {"timeout": 20}, {"task_name": "three"}, {"cluster": "default"},
    ],
)  # fmt: skip
def test_an_option_is_a_keyword_that_the_function_does_not_get(ended, option):
    assert ended(async_task(ECHO, 1, x=2, **option)).result == ((1,), {"x": 2})


@statement("3")
def test_a_broker_is_one_too(ended):
    assert ended(async_task(ECHO, 1, broker=get_broker())).result == ((1,), {})


@statement("4")
def test_q_options_win_and_the_function_gets_the_keyword_of_the_same_name(ended):
    task = ended(async_task(ECHO, group="the function's", q_options={"group": "four", "task_name": "named in four"}))

    assert (task.group, task.name) == ("four", "named in four")
    assert task.result == ((), {"group": "the function's"})


@statement("6")
def test_a_task_has_the_name_it_is_given_or_four_words(ended):
    assert ended(async_task(ECHO, task_name="six")).name == "six"
    assert re.fullmatch("[a-z]+(-[a-z]+){3}", ended(async_task(ECHO)).name)


@statement("7")
def test_a_receiver_of_pre_enqueue_may_change_the_task(ended):
    seen = []

    def change(sender, task, **kwargs):
        seen.append(set(task))
        task["name"], task["args"] = "changed", (9,)

    pre_enqueue.connect(change)
    try:
        task = ended(async_task(ECHO, 1))
    finally:
        pre_enqueue.disconnect(change)
    assert {"id", "name", "func", "args", "kwargs", "started"} <= seen[0]
    assert (task.name, task.result) == ("changed", ((9,), {}))


@statement("8")
def test_a_broker_comes_before_a_cluster_and_each_names_a_queue():
    elsewhere = get_broker("eight")
    before = elsewhere.queue_size()

    async_task(ECHO, cluster="eight")
    async_task(ECHO, broker=elsewhere, cluster="nobody")

    assert elsewhere.queue_size() == before + 2
    assert get_broker().list_key == "default"


@statement("9")
def test_a_rollback_takes_the_task_with_it():
    before = unserved()

    with pytest.raises(KeyError), transaction.atomic():
        async_task(ECHO, cluster="nobody")
        raise KeyError

    assert unserved() == before


@statement("11", "Q2-07")
def test_models_moments_numbers_and_long_texts_arrive_as_they_were(ended):
    user = User.objects.create(username=uuid4().hex)
    given = (user, datetime(2026, 11, 21, tzinfo=timezone.utc), Decimal("1.10"), "ä" * 100_000)

    task = ended(async_task(ECHO, *given, keyword=user))

    assert task.result == (given, {"keyword": user})
    assert (task.args, task.kwargs) == (given, {"keyword": user})


@statement("12")
def test_a_lambda_is_refused_at_the_call():
    before = unserved()

    with pytest.raises(Exception, match="lambda|pickle"):
        async_task(ECHO, lambda: None, cluster="nobody")
    with pytest.raises(Exception, match="lambda|pickle"):
        async_task(lambda: None, cluster="nobody")

    assert unserved() == before


@statement("13", "Q2-01")
def test_a_result_is_none_until_the_task_was_executed(ended):
    waiting = async_task("math.copysign", 2, -2, cluster="nobody")
    assert (result(waiting), fetch(waiting), result(waiting, wait=50)) == (None, None, None)

    assert result(async_task("math.copysign", 2, -2), wait=20_000) == -2.0
    assert result(async_task("math.copysign", 2, -2), wait=-1) == -2.0


@statement("13", "Q2-05")
def test_a_task_is_found_by_id_and_by_name(ended):
    task = ended(async_task("math.copysign", 2, -2, task_name="thirteen"))

    assert result("thirteen") == result(task.id) == Task.get_result("thirteen") == -2.0
    assert fetch("thirteen").id == fetch(task.id).id == Task.get_task(task.id).id


@statement("14")
@pytest.mark.parametrize("value", [[], 0, "", False, {}])
def test_falsy_results_are_results(ended, value):
    assert ended(async_task(acceptance_jobs.first, value)).result == value


@statement("15")
def test_a_task_of_the_history_has_the_columns_of_the_peer(ended):
    task = ended(async_task(ECHO, 1, x=2, hook="acceptance_jobs.hook", group="fifteen"))

    assert (len(task.id), type(task.name), task.func, task.hook, task.group) == (
        32, str, ECHO, "acceptance_jobs.hook", "fifteen",
    )  # fmt: skip
    assert (task.args, task.kwargs, task.result) == ((1,), {"x": 2}, ((1,), {"x": 2}))
    assert (task.cluster, task.success, task.attempt_count) == ("default", True, 1)
    assert task.started <= task.stopped
    assert task.time_taken() == (task.stopped - task.started).total_seconds()


@statement("17", "Q2-06", "Q2-09")
def test_a_failure_is_a_text_and_stands_among_the_failures_only(ended):
    from django_q.models import Failure, Success

    task = ended(async_task(acceptance_jobs.fail, "no tea"))

    assert task.success is False
    assert "no tea : Traceback" in task.result and "ValueError: no tea" in task.result
    assert Failure.objects.filter(pk=task.id).exists() and not Success.objects.filter(pk=task.id).exists()


@statement("18", "Q2-06")
def test_arguments_that_do_not_fit_a_path_are_a_failure(ended):
    task = ended(async_task("acceptance_jobs.first", 1, 2, 3))

    assert task.success is False
    assert "positional argument" in task.result


@statement("20")
def test_a_success_that_is_not_saved_leaves_no_row_and_a_failure_does(ended, until, lines):
    unsaved = async_task("acceptance_jobs.mark", "twenty", "ran", save=False)
    failed = async_task("acceptance_jobs.fail", save=False)

    until(lambda: lines("twenty"))
    assert ended(failed).success is False
    until(lambda: unsaved not in [row.task_id() for row in OrmQ.objects.all()])
    assert fetch(unsaved) is None


@statement("20")
def test_a_cluster_that_saves_nothing_saves_failures(start, until, lines):
    start("unsaved")
    good = async_task("acceptance_jobs.mark", "unsaved", "ran", cluster="unsaved")
    bad = async_task("acceptance_jobs.fail", cluster="unsaved")

    until(lambda: lines("unsaved") and fetch(bad))
    assert fetch(good) is None


@statement("Q2-03", "54")
def test_a_hook_is_called_once_with_the_task(ended, until, lines):
    good = async_task(acceptance_jobs.first, 3, hook="acceptance_jobs.hook")
    bad = async_task(acceptance_jobs.fail, hook=acceptance_jobs.hook)
    ended(good, bad)

    until(lambda: {good, bad} <= {line.split()[0] for line in lines("hooked")})
    found = [line for line in lines("hooked") if line.split()[0] in (good, bad)]
    assert sorted(found) == sorted([f"{good} True 3", f"{bad} False failed"])


@statement("Q2-04", "54")
def test_a_hook_that_is_wrong_or_raises_costs_no_result(ended, until, lines):
    wrong = async_task(acceptance_jobs.first, 3, hook="acceptance_jobs.no_such_hook")
    raising = async_task(acceptance_jobs.first, 4, hook="acceptance_jobs.broken_hook")

    assert (ended(wrong).result, ended(raising).result) == (3, 4)
    until(lambda: lines("broken") == [raising])
