"""Whatever a task does becomes an outcome."""

import asyncio
import functools
import operator
import sys
import types
from dataclasses import replace

import pytest

from django_q import conf, signals
from django_q.engine.execution import execute, run
from django_q.engine.failures import clean
from django_q.engine.timeouts import Guard
from django_q.exceptions import FunctionNotFound
from django_q.kernel.ids import new_id
from django_q.kernel.messages import Report
from django_q.kernel.states import Ending, TaskKind
from django_q.models import Task
from django_q_tests.support import jobs
from django_q_tests.support.letters import letter_for, result_of


def outcome_of(func, *args, guard=None, **kwargs):
    envelope, letter = letter_for(func, *args, **kwargs)
    outcome = execute(envelope, letter, worker="here:1", guard=guard)
    return outcome, result_of(outcome, envelope)


def test_a_task_that_returns_has_succeeded():
    outcome, result = outcome_of("add", 20, 22)

    assert (outcome.ending, result, outcome.report.error, outcome.report.traceback) == (Ending.SUCCEEDED, 42, "", "")
    assert outcome.report.worker == "here:1"
    assert outcome.report.started <= outcome.report.stopped


def test_none_is_not_stored_at_all():
    outcome, _ = outcome_of("ok")

    assert outcome.ending is Ending.SUCCEEDED
    assert outcome.report.result == b""


def test_arguments_arrive_as_they_were_sent():
    _, result = outcome_of("echo", 1, (2, 3), key={"x": [4]})

    assert result == ((1, (2, 3)), {"key": {"x": [4]}})


@pytest.mark.parametrize("func", [functools.partial(operator.add, 20), "text".join, operator.itemgetter(0)])
def test_a_callable_may_travel_with_its_arguments(func):
    outcome, result = outcome_of(func, (22 if isinstance(func, functools.partial) else ["a", "b"]))

    assert outcome.ending is Ending.SUCCEEDED, outcome.report.traceback
    assert result == func(22 if isinstance(func, functools.partial) else ["a", "b"])


def test_an_error_is_told_without_the_frames_around_the_function():
    outcome, result = outcome_of("fail", "broken")

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error == "ValueError: broken"
    assert outcome.report.traceback.startswith("Traceback (most recent call last):\n")
    assert "jobs.py" in outcome.report.traceback
    assert "django_q/engine" not in outcome.report.traceback
    assert result == f"ValueError: broken : {outcome.report.traceback}"


def test_a_chain_of_errors_is_told_whole():
    outcome, _ = outcome_of("fail_with_cause")

    assert outcome.report.error == "RuntimeError: the consequence"
    assert "ValueError: the cause" in outcome.report.traceback
    assert "direct cause" in outcome.report.traceback


def test_an_error_that_cannot_be_shown_is_told_by_its_class():
    outcome, _ = outcome_of("fail_unspeakably")

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error.startswith("Unspeakable: <")


def test_a_message_is_cut_and_is_one_line_that_every_database_can_store():
    outcome, _ = outcome_of("fail", "a\nb\0c\ud800" + "x" * 5000)

    assert outcome.report.error.startswith("ValueError: a b\\x00c\\ud800xxx")
    assert len(outcome.report.error) < 1100
    outcome.report.traceback.encode()
    assert "\0" not in outcome.report.traceback


def test_a_traceback_is_bounded():
    outcome, _ = outcome_of("fail", "x" * 200_000)

    assert len(outcome.report.traceback) <= 50_000
    assert outcome.report.traceback.startswith("Traceback")


def test_text_is_cleaned_and_otherwise_left_alone():
    assert clean("naïve ☃ 🐍") == "naïve ☃ 🐍"


@pytest.mark.parametrize(
    ("func", "error"),
    [
        ("exit_zero", "SystemExit: 0"),
        ("interrupt", "KeyboardInterrupt"),
        ("exit_async", "SystemExit: 3"),
        ("cancel_itself", "CancelledError"),
        ("recurse", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_is_raised_becomes_a_failure(func, error):
    outcome, _ = outcome_of(func)

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error.startswith(error)


def test_run_hands_out_the_very_exception():
    envelope, letter = letter_for("fail", "broken")

    outcome, error = run(envelope, letter, worker="w")

    assert outcome.ending is Ending.FAILED
    assert isinstance(error, ValueError)
    assert error.__traceback__ is not None


# --- functions -----------------------------------------------------------------------------------------------------


def test_a_function_that_does_not_exist_is_unknown_and_the_nearest_is_named():
    outcome, _ = outcome_of("adds", 1, 2)

    assert outcome.ending is Ending.UNKNOWN
    assert "'django_q_tests.support.jobs.add'" in outcome.report.error


def test_a_module_that_does_not_exist_is_unknown():
    assert outcome_of("no.such.module.function")[0].ending is Ending.UNKNOWN


def test_a_class_that_the_payload_needs_and_this_code_lacks_is_unknown(monkeypatch):
    module = types.ModuleType("newer_release")
    exec("class Order: pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "newer_release", module)
    envelope, letter = letter_for("echo", module.Order())
    monkeypatch.delitem(sys.modules, "newer_release")

    assert execute(envelope, letter, worker="w").ending is Ending.UNKNOWN


def test_an_import_that_fails_inside_an_existing_module_is_an_ordinary_failure(tmp_path, monkeypatch):
    (tmp_path / "module_that_lacks_a_library.py").write_text("import no_such_library\ndef work(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)

    outcome, _ = outcome_of("module_that_lacks_a_library.work")

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error == "ModuleNotFoundError: No module named 'no_such_library'"


def test_an_unknown_function_that_the_task_itself_misses_is_an_ordinary_failure(monkeypatch):
    def miss():
        raise FunctionNotFound("somewhere else")

    monkeypatch.setattr(jobs, "ok", miss)

    assert outcome_of("ok")[0].ending is Ending.FAILED


def test_a_proxy_gives_way_to_the_function_that_it_stands_for(monkeypatch):
    def proxy():
        raise AssertionError("enqueues instead of running")

    proxy.task_function = lambda: "ran"
    monkeypatch.setattr(jobs, "ok", proxy)

    assert outcome_of("ok")[1] == "ran"


@pytest.mark.parametrize(
    ("args", "kwargs", "hint"),
    [
        ((1,), {"rihgt": 2}, "Did you mean 'right'?"),
        ((1, 2, 3), {}, "It takes (left: int, right: int) -> int."),
        ((1,), {}, "It takes (left: int, right: int) -> int."),
    ],
)
def test_wrong_arguments_are_told_with_what_the_function_takes(args, kwargs, hint):
    outcome, _ = outcome_of("add", *args, **kwargs)

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error.startswith("TypeError: add() ")
    assert hint in outcome.report.error


def test_a_type_error_from_inside_the_function_is_left_alone():
    outcome, _ = outcome_of("add", 1, "2")

    assert outcome.report.error == "TypeError: unsupported operand type(s) for +: 'int' and 'str'"


# --- coroutines ----------------------------------------------------------------------------------------------------


def test_a_coroutine_function_is_awaited():
    assert outcome_of("add_async", 20, 22)[1] == 42


def test_a_coroutine_that_a_plain_function_returns_is_awaited():
    assert outcome_of("returns_coroutine")[1] == 42


def test_a_coroutine_function_runs_even_where_a_loop_runs():
    async def caller():
        return outcome_of("add_async", 20, 22)[1], outcome_of("returns_coroutine")[1]

    assert asyncio.run(caller()) == (42, 42)


def test_a_coroutine_that_fails_is_told_like_a_function():
    outcome, _ = outcome_of("fail_async", "broken")

    assert outcome.report.error == "ValueError: broken"
    assert "django_q/engine" not in outcome.report.traceback


def test_a_coroutine_ends_at_its_limit():
    outcome, _ = outcome_of("slow_async", 30, timeout=0.05)

    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.report.error == "TaskTimeout: The task ran longer than its timeout of 0.05 s."


# --- payloads and results ------------------------------------------------------------------------------------------


def test_a_payload_of_another_task_is_refused():
    envelope, letter = letter_for("add", 1, 2)

    outcome = execute(replace(envelope, id=new_id()), letter, worker="w")

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error.startswith("PayloadError: The signature is wrong")


@pytest.mark.parametrize("args", [b"", b"\x51\x00short"])
def test_a_truncated_payload_is_refused(args):
    envelope, letter = letter_for("add", 1, 2)

    outcome = execute(envelope, replace(letter, args=args), worker="w")

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error.startswith("PayloadError: The payload")


def test_a_result_that_cannot_be_stored_is_a_failure_that_says_so():
    outcome, _ = outcome_of("unpicklable")

    assert outcome.ending is Ending.FAILED
    assert outcome.report.error.startswith(
        "UnpicklableError: The task ran, but its result cannot be stored: The result cannot be pickled"
    )


def test_a_result_is_written_like_the_arguments():
    outcome, _ = outcome_of("echo", {"a": 1}, serializer="json")
    assert outcome.ending is Ending.SUCCEEDED
    outcome, _ = outcome_of("big", 10, serializer="json")
    assert outcome.ending is Ending.FAILED
    assert "JSON" in outcome.report.error


def test_a_result_that_is_too_large_is_a_failure_that_says_so(settings):
    settings.Q_CLUSTER = {"max_result": 1000}

    outcome, _ = outcome_of("big", 2000)

    assert outcome.ending is Ending.FAILED
    assert "its result cannot be stored: it has 20" in outcome.report.error
    assert "Q_CLUSTER['max_result'] is 1000" in outcome.report.error


def test_an_outcome_survives_the_pipe():
    outcome, _ = outcome_of("fail", "\ud800")

    assert Report.unpack(outcome.report.pack()) == outcome.report


# --- signals -------------------------------------------------------------------------------------------------------


@pytest.fixture
def heard():
    heard = []

    def before(sender, func, task, **kwargs):
        heard.append(("before", func, task.id))

    def after(sender, func, task, outcome, **kwargs):
        heard.append(("after", func, outcome.ending))

    signals.pre_execute.connect(before)
    signals.post_execute_in_worker.connect(after)
    yield heard
    signals.pre_execute.disconnect(before)
    signals.post_execute_in_worker.disconnect(after)


@pytest.mark.parametrize("func", ["add", "add_async"])
def test_receivers_hear_of_the_call_and_of_its_end(heard, func):
    envelope, letter = letter_for(func, 1, 2)

    execute(envelope, letter, worker="w")

    function = getattr(jobs, func)
    assert heard == [("before", function, envelope.id), ("after", function, Ending.SUCCEEDED)]


def test_receivers_hear_of_failures_but_not_of_what_never_ran(heard):
    outcome_of("fail")
    outcome_of("adds")

    assert [entry[0::2] for entry in heard if entry[0] == "after"] == [("after", Ending.FAILED)]


def test_a_receiver_that_raises_changes_nothing(caplog):
    def receiver(sender, **kwargs):
        raise ValueError("a bad receiver")

    signals.pre_execute.connect(receiver)
    try:
        outcome, result = outcome_of("add", 20, 22)
    finally:
        signals.pre_execute.disconnect(receiver)

    assert (outcome.ending, result) == (Ending.SUCCEEDED, 42)
    assert "a bad receiver" in caplog.text


# --- hooks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def finished(db):
    codec, id = conf.current().codec(), new_id()
    hook = functools.partial(jobs.note_hook)
    moment = "2026-01-01T00:00:00Z"
    return Task.objects.create(
        id=id,
        name="the task",
        func="a.b",
        args=(1,),
        kwargs={},
        enqueued_at=moment,
        started=moment,
        stopped=moment,
    ), codec.encode({}, purpose="kwargs", task_id=id, func="a.b", callable_=hook)


def test_a_hook_is_called_with_the_task(finished):
    outcome, result = outcome_of("note_hook", finished[0].pk, kind=TaskKind.HOOK, options={"task": finished[0].pk})

    assert (outcome.ending, result) == (Ending.SUCCEEDED, "hooked the task")


def test_a_hook_without_a_path_travels_with_its_task(finished):
    task, blob = finished
    Task.objects.filter(pk=task.pk).update(kwargs=blob)

    outcome, result = outcome_of(
        "functools.partial(…)", task.pk, kind=TaskKind.HOOK, options={"task": task.pk, "pickled": True}
    )

    assert (outcome.ending, result) == (Ending.SUCCEEDED, "hooked the task"), outcome.report.error


def test_a_hook_whose_task_was_deleted_fails_and_says_so(db):
    outcome, _ = outcome_of("note_hook", "0" * 32, kind=TaskKind.HOOK, options={"task": "0" * 32})

    assert outcome.ending is Ending.FAILED
    assert "is no longer in the history" in outcome.report.error


# --- limits --------------------------------------------------------------------------------------------------------


def test_a_function_ends_at_its_limit():
    outcome, _ = outcome_of("hang", timeout=0.05, guard=Guard())

    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.report.error == "TaskTimeout: The task ran longer than its timeout of 0.05 s."
    assert "django_q/engine" not in outcome.report.traceback
