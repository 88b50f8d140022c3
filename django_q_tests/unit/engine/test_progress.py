"""What a task may say of how far it is, and what becomes of it before it is sent."""

import logging
from decimal import Decimal
from fractions import Fraction

import pytest

from django_q.engine import progress
from django_q.engine.context import RunningTask
from django_q.engine.progress import Meter
from django_q.exceptions import InvalidValue

ID = "0" * 32


class Kept:
    """A sink that keeps meters, as one does whose thread has not come to them."""

    def __init__(self):
        self.meters = []

    def take(self, meter):
        meter.queued = True
        self.meters.append(meter)


@pytest.fixture
def sink():
    return Kept()


@pytest.fixture
def task(sink):
    return RunningTask(ID, "tea", "math.floor", None, "mails", 1, meter=Meter(ID, sink))


@pytest.fixture
def complaints(caplog):
    progress.complain.clear()
    caplog.set_level(logging.WARNING, "django_q.tasks")
    return caplog


def newest(task):
    found = task.meter.advance(task.meter.newest)
    return found.done, found.total, found.message


def test_the_newest_values_win_and_the_sink_is_called_once_for_many(task, sink):
    for number in range(1000):
        task.progress(number, 1000, f"step {number}")

    assert sink.meters == [task.meter]
    assert newest(task) == (999, 1000, "step 999")


def test_the_sink_is_called_again_when_it_has_let_go(task, sink):
    task.progress(1)
    task.meter.queued = False

    task.progress(2)

    assert len(sink.meters) == 2


def test_what_is_said_after_the_end_goes_nowhere(task, sink):
    task.meter.closed = True

    task.progress(1)

    assert sink.meters == []


@pytest.mark.parametrize("done", [3, 3.0, Decimal(3), Fraction(6, 2)])
def test_numbers_of_every_kind_are_taken(task, done):
    task.progress(done, 10)

    assert newest(task) == (3.0, 10.0, "")


@pytest.mark.parametrize(
    ("said", "kept"),
    [((12, 10), (10, 10)), ((0, 10), (0, 10)), ((5, None), (5, None)), ((0, 0), (0, None)), ((7, 0.0), (7, None))],
)
def test_more_than_the_total_is_the_total_and_a_total_of_nothing_is_none(task, said, kept):
    task.progress(*said)

    assert newest(task)[:2] == kept


@pytest.mark.parametrize(
    "wrong", ["3", None, True, [1], 1j, -1, -0.5, float("nan"), float("inf"), 10**400, Decimal("NaN")]
)
def test_a_done_that_cannot_be_is_refused_at_once_by_name(task, wrong):
    with pytest.raises(
        InvalidValue, match=f"^done={wrong!r} ".replace("[", r"\[").replace("(", r"\(").replace(")", r"\)")
    ):
        task.progress(wrong, 10)

    assert task.meter.newest is None


@pytest.mark.parametrize("wrong", ["10", True, -1, float("nan"), float("inf")])
def test_a_total_that_cannot_be_is_refused_at_once_by_name(task, wrong):
    with pytest.raises(InvalidValue, match=f"^total={wrong!r} "):
        task.progress(1, wrong)


def test_it_is_refused_where_nobody_listens_too():
    alone = RunningTask(ID, "tea", "math.floor", None, "mails", 1)

    alone.progress(1, 2, "well")
    with pytest.raises(InvalidValue):
        alone.progress("1")


def test_a_message_becomes_text_when_it_is_sent_and_no_sooner(task):
    class Lazy:
        asked = 0

        def __str__(self):
            self.asked += 1
            return "lazy"

    message = Lazy()
    for number in range(100):
        task.progress(number, message=message)

    assert message.asked == 0
    assert newest(task)[2] == "lazy"
    assert message.asked == 1


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (None, ""),
        ("x" * 300, "x" * 255),
        ("two\nlines\x00\x1b[31m\u2028end", "two lines  [31m end"),
        ("half \ud800 a letter", "half   a letter"),
        ("żółw 🐢 \u200d", "żółw 🐢 \u200d"),
        (7, "7"),
    ],
)
def test_a_message_is_one_line_that_every_database_takes(task, message, text):
    task.progress(1, message=message)

    assert newest(task)[2] == text
    text.encode()


def test_a_message_without_a_text_is_left_out_and_said_once(task, complaints):
    class Broken:
        def __str__(self):
            raise RuntimeError("no text")

    task.progress(1, message=Broken())

    assert [newest(task) for _ in range(3)] == [(1.0, None, "")] * 3
    assert [record.getMessage() for record in complaints.records] == [
        "The message of a task's progress has no text: RuntimeError"
    ]
