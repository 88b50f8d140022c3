"""Interrupts reach user code and nothing else."""

import os
import signal
import threading
import time

import pytest

from django_q.engine import timeouts
from django_q.engine.timeouts import Guard
from django_q.exceptions import TaskCanceled, TaskTimeout


def nap(seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.005)
    return "rested"


def test_a_function_within_its_limit_returns():
    assert Guard().call(5, nap, 0.01) == "rested"


def test_fractions_of_a_second_count():
    started = time.monotonic()

    with pytest.raises(TaskTimeout, match=r"timeout of 0\.05 s"):
        Guard().call(0.05, nap)

    assert time.monotonic() - started < 1


def test_handler_and_timer_of_others_are_given_back():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        Guard().call(5, nap, 0.01)
        assert rung == []
        nap(0.3)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_without_a_limit_no_timer_is_touched(monkeypatch):
    monkeypatch.setattr(timeouts, "_set_timer", lambda *args: pytest.fail("a system call"))

    assert Guard().call(None, nap, 0) == "rested"


def test_outside_of_the_main_thread_there_is_no_soft_limit():
    answers = []
    thread = threading.Thread(target=lambda: answers.append(Guard().call(0.01, nap, 0.05)))
    thread.start()
    thread.join()

    assert answers == ["rested"]


def test_where_there_is_no_timer_there_is_no_soft_limit(monkeypatch):
    monkeypatch.setattr(timeouts, "_set_timer", None)

    assert Guard().call(0.01, nap, 0.05) == "rested"


def test_an_interrupt_between_calls_is_ignored():
    guard = Guard()
    guard.interrupt(TaskCanceled())
    guard.call(None, nap, 0)
    guard.interrupt(TaskCanceled())


def test_an_interrupt_is_raised_once_in_a_call():
    guard = Guard()
    caught = []

    def stubborn():
        for _ in range(2):
            try:
                guard.interrupt(TaskCanceled("stop"))
            except TaskCanceled as error:
                caught.append(error)
        return "went on"

    assert guard.call(None, stubborn) == "went on"
    assert len(caught) == 1


def test_what_was_asked_for_before_the_call_is_raised_in_it():
    called = []

    with pytest.raises(TaskCanceled):
        Guard(pending=TaskCanceled).call(None, called.append, 1)

    assert called == []


def test_what_comes_while_the_guard_is_held_is_raised_when_it_is_released():
    guard = Guard()
    steps = []

    def function():
        guard.hold()
        guard.interrupt(TaskCanceled())
        steps.append("not cut in two")
        guard.release()
        steps.append("never reached")

    with pytest.raises(TaskCanceled):
        guard.call(None, function)
    assert steps == ["not cut in two"]


def test_an_interrupt_at_any_moment_either_stops_the_function_or_comes_too_late():
    """No signal, however it falls, escapes into the code around the call."""
    guard = Guard()
    before = signal.signal(signal.SIGUSR2, lambda number, frame: guard.interrupt(TaskCanceled()))
    stop = threading.Event()

    def pester():
        while not stop.is_set():
            os.kill(os.getpid(), signal.SIGUSR2)
            time.sleep(0.00005)

    thread = threading.Thread(target=pester)
    thread.start()
    endings = {"returned": 0, "stopped": 0}
    try:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            try:
                assert guard.call(1.0, sum, range(200)) == 19900
                endings["returned"] += 1
            except TaskCanceled:
                endings["stopped"] += 1
            assert not guard.armed
    finally:
        stop.set()
        thread.join()
        signal.signal(signal.SIGUSR2, before)
    assert all(endings.values()), endings


def test_a_limit_at_any_moment_either_stops_the_function_or_comes_too_late():
    guard = Guard()
    deadline = time.monotonic() + 1
    seconds = 0.00001
    while time.monotonic() < deadline:
        try:
            assert guard.call(seconds, sum, range(200)) == 19900
        except TaskTimeout:
            pass
        assert not guard.armed
        seconds = seconds * 1.1 if seconds < 0.0005 else 0.00001
