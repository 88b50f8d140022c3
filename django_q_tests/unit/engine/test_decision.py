"""What follows from an attempt that did not succeed."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from django_q import conf
from django_q.engine.decision import decide, remembered, unknown_since
from django_q.kernel import clock
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, Event


@dataclass(frozen=True)
class Row:
    id: str = "a" * 32
    kind: int = 0
    func: str = "shop.send"
    options: str = ""
    attempts: int = 0
    crashes: int = 0
    errors: str = ""


def outcome(ending):
    return Outcome("a" * 32, "t", ending, Report(started=1.0, stopped=2.0, error="Boom: bang", worker="host:1"))


def decided(ending, row=Row(), **settings):  # noqa: B008  frozen
    return decide(outcome(ending), row, replace(conf.current(), **settings))


@pytest.mark.parametrize("ending", [Ending.UNSTARTED, Ending.INTERRUPTED])
def test_what_was_not_run_to_its_end_is_given_back_uncounted(ending):
    decision = decided(ending, max_crashes=1)

    assert (decision.event, decision.changes, decision.error) == (Event.RELEASE, {}, "")


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.TIMED_OUT])
def test_one_attempt_is_the_default(ending):
    assert decided(ending).event is Event.FINISH


def test_an_error_with_attempts_left_is_tried_again_after_a_pause():
    decision = decided(Ending.FAILED, Row(options='{"max_attempts": 2, "backoff": 30}'))

    assert (decision.event, decision.changes, decision.delay) == (Event.RETRY, {"attempts": 1}, pytest.approx(30))
    assert decision.error == "Boom: bang"


def test_the_last_attempt_ends_the_task():
    assert decided(Ending.FAILED, Row(attempts=1, options='{"max_attempts": 2}')).event is Event.FINISH


def test_no_attempts_means_no_limit():
    assert decided(Ending.FAILED, Row(attempts=1000), max_attempts=0).event is Event.RETRY


def test_an_acknowledged_failure_is_not_tried_again():
    assert decided(Ending.FAILED, Row(options='{"ack_failure": true}'), max_attempts=5).event is Event.FINISH


def test_a_hook_has_attempts_of_its_own():
    assert decided(Ending.FAILED, Row(kind=1), max_attempts=5, hook_max_attempts=1).event is Event.FINISH
    assert decided(Ending.FAILED, Row(kind=1), max_attempts=1, hook_max_attempts=2).event is Event.RETRY


def test_deaths_are_counted_apart_from_errors():
    decision = decided(Ending.LOST, Row(attempts=4), max_attempts=1)

    assert (decision.event, decision.changes) == (Event.RESCUE, {"crashes": 1})


def test_a_poison_task_ends():
    assert decided(Ending.LOST, Row(crashes=2), max_crashes=3).event is Event.FINISH


def test_the_first_miss_of_a_function_waits_for_another_worker_and_warns():
    decision = decided(Ending.UNKNOWN)

    assert decision.event is Event.POSTPONE
    assert decision.delay == pytest.approx(5)
    assert "Boom: bang" in decision.warning


def test_a_function_that_stays_unknown_is_a_failure():
    long_ago = (clock.now() - timedelta(seconds=61)).isoformat()
    row = Row(errors=json.dumps([{"reason": "unknown", "at": long_ago}]))

    assert decided(Ending.UNKNOWN, row).event is Event.FINISH


def test_only_the_first_miss_warns():
    row = Row(errors=remembered("", outcome(Ending.UNKNOWN), "no such function"))

    decision = decided(Ending.UNKNOWN, row)

    assert (decision.event, decision.warning) == (Event.POSTPONE, "")
    assert unknown_since(row.errors) is not None


def test_a_patient_row_waits_for_ever_and_is_spoken_of_once_a_minute():
    def patient(seconds):
        since = (clock.now() - timedelta(seconds=seconds)).isoformat()
        return Row(errors=json.dumps([{"reason": "unknown", "at": since}]), options='{"patient": true}')

    decisions = {seconds: decided(Ending.UNKNOWN, patient(seconds)) for seconds in (7, 61, 67, 7202, 7207)}

    assert {decision.event for decision in decisions.values()} == {Event.POSTPONE}
    assert [seconds for seconds, decision in decisions.items() if decision.warning] == [61, 7202]


def test_a_task_that_gave_up_has_ended_whatever_attempts_are_left():
    assert decided(Ending.GAVE_UP, Row(options='{"max_attempts": 5}')).event is Event.FINISH


def test_a_row_remembers_only_its_latest_errors():
    errors = ""
    for number in range(50):
        errors = remembered(errors, outcome(Ending.FAILED), f"error {number}")

    entries = json.loads(errors)

    assert len(entries) == 20
    assert entries[-1]["error"] == "error 49"
