"""Chords: many calls, and one that is given all their results."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction

from django_q.engine import gathering
from django_q.exceptions import InvalidValue
from django_q.models import OrmQ, Task
from django_q.tasks import aasync_chord, async_chord, cancel, delete, fetch, requeue, result, shared_task, why
from django_q.testing import run_all
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import add, add_later, fail, seen, totals

pytestmark = pytest.mark.django_db(transaction=True)


@shared_task
def report(results, title="Report"):
    return f"{title}: {results}"


def ends():
    """How each kind of call ended: those of one function are told once."""
    return {(task.func.rsplit(".")[-1], task.success, task.reason) for task in Task.objects.all()}


def test_the_final_call_is_given_all_results_in_their_order():
    chord = async_chord(add, [(1,), 3, (2,)], totals, second=1)
    assert result(chord) is None and OrmQ.objects.count() == 5

    run_all()

    assert result(chord) == [[2, 4, 3]] and fetch(chord).func.endswith("totals")


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        (totals, [[3]]),
        ("django_q_tests.integration.tasks.functions.totals", [[3]]),
        ((totals, (7, 8)), [[3], 7, 8]),
        ((report, (), {"title": "Sum"}), "Sum: [3]"),
        (report, "Report: [3]"),
        ([add_later, (["x"],)], [3, "x"]),
    ],
)
def test_the_final_call_is_written_like_the_step_of_a_chain(final, expected):
    chord = async_chord(add, [(1, 2)], final)
    run_all(raise_errors=True)

    assert result(chord) == expected


def test_no_calls_give_the_final_one_an_empty_list():
    chord = async_chord(add, [], totals)
    run_all()

    assert result(chord) == [[]]


@pytest.mark.parametrize("final", [5, (), "", (totals, "abc"), (totals, (), {}, 1), (lambda results: None)])
def test_what_is_no_final_call_is_refused_and_nothing_is_written(final):
    with pytest.raises((InvalidValue, TypeError, ValueError)):
        async_chord(add, [1], final)

    assert not OrmQ.objects.exists()


def test_wrong_words_are_refused():
    with pytest.raises(InvalidValue, match="final call of a chord"):
        async_chord(add, [1], (totals, "abc"))
    with pytest.raises(InvalidValue, match="run_after="):
        async_chord(add, [1], (totals, (), {"run_after": 3600}))
    with pytest.raises(InvalidValue, match="on_failure='never'"):
        async_chord(add, [1], totals, on_failure="never")
    with pytest.raises(InvalidValue, match="Pass a list"):
        async_chord(add, 5, totals)
    with pytest.raises(TypeError, match="too many positional"):
        async_chord(add, [1], functions.ended_before)

    assert not OrmQ.objects.exists()


def test_options_count_for_all_and_those_of_a_whole_for_the_final_call_alone():
    functions.calls.clear()
    chord = async_chord(
        add, [1, 2], (totals, (), {"priority": 9}), priority=3, timeout=7, group="sums", task_name="sum", hook=seen
    )

    last = OrmQ.objects.get(pk=chord)
    call = OrmQ.objects.filter(chain=last.waits_for).first()
    assert (call.priority, last.priority) == (3, 9)
    assert '"timeout":7' in call.options and '"timeout":7' in last.options
    assert (last.group, last.name, call.group, call.hook) == ("sums", "sum", last.waits_for, None)
    run_all()
    assert functions.calls == [(chord, True, True)]


def test_a_rollback_leaves_nothing():
    with transaction.atomic():
        async_chord(add, [1], totals)
        transaction.set_rollback(True)

    assert not OrmQ.objects.exists()


def test_a_call_that_fails_ends_the_chord_when_all_have_ended():
    chord = async_chord(fail, ["a", "b"], totals)
    run_all()

    last = fetch(chord)
    assert (last.success, last.reason) == (False, "canceled") and "did not succeed" in last.error
    assert not OrmQ.objects.exists()


def test_the_final_call_may_be_given_the_errors():
    chord = async_chord(fail, ["a", "b"], totals, on_failure="continue")
    run_all()

    [[first, second]] = result(chord)
    assert "ValueError: a" in first and "ValueError: b" in second


def test_whatever_is_kept_of_the_final_call_it_is_given_the_results():
    functions.calls.clear()
    async_chord(add, [1, 2], totals, save=False, hook=functions.Counter(0).hook)
    run_all()

    assert functions.calls == [(0, [[1, 2]])]


def test_the_final_call_can_be_run_again():
    chord = async_chord(add, [1, 2], totals)
    run_all()
    again = requeue(chord)
    run_all()

    assert result(again) == [[1, 2]]


def test_without_results_the_final_call_fails():
    chord = async_chord(add, [1, 2], totals)
    whole = OrmQ.objects.get(pk=chord).waits_for
    run_all()
    delete(whole)
    again = requeue(chord)
    run_all()

    assert "ItemsLost" in fetch(again).error


def test_to_cancel_the_final_call_cancels_all():
    chord = async_chord(add, [1, 2], totals)
    assert "follows" in str(why(chord))

    assert cancel(chord)

    assert not OrmQ.objects.exists() and {reason for _, _, reason in ends()} == {"canceled"}


@pytest.mark.parametrize("on_failure", ["stop", "continue"])
def test_to_cancel_the_calls_leaves_no_results_for_the_final_one(on_failure):
    chord = async_chord(add, [1, 2], totals, on_failure=on_failure)
    assert cancel(OrmQ.objects.get(pk=chord).waits_for)
    run_all()

    assert not fetch(chord).success and not OrmQ.objects.exists()


def test_in_sync_mode_all_run_here():
    assert result(async_chord(add, [1, 2], (totals, (3,)), sync=True)) == [[1, 2], 3]


def test_in_sync_mode_the_first_error_is_raised_and_the_final_call_recorded():
    with pytest.raises(ValueError, match="a"):
        async_chord(fail, ["a", "b"], totals, sync=True)

    assert ("totals", False, "canceled") in ends() and Task.objects.count() == 4


def test_in_sync_mode_the_final_call_may_be_given_the_errors():
    with pytest.raises(ValueError, match="a"):
        async_chord(fail, ["a"], totals, sync=True, on_failure="continue")

    assert ("totals", True, None) in {(name, success, reason or None) for name, success, reason in ends()}


def test_coroutines_enqueue_chords():
    chord = async_to_sync(aasync_chord)(add, [1], totals)
    run_all()

    assert result(chord) == [[1]]


def test_two_last_calls_at_once_release_the_gather_once():
    """The first to lock the gather does not see the end of the other; the second sees both."""
    chord = async_chord(add, [1, 2], totals)
    whole = OrmQ.objects.get(pk=chord).waits_for
    items = list(OrmQ.objects.filter(chain=whole).order_by("pk").values_list("pk", flat=True))

    def end(pk):
        try:
            with transaction.atomic():
                OrmQ.objects.filter(pk=pk).delete()
                return gathering.release("default", [whole])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        released = [each.result(30) for each in [threads.submit(end, pk) for pk in items]]

    assert sum(map(bool, released)) == 1
