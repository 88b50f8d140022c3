"""A real worker, with the sentinel's ends of its pipes in the hands of the test."""

import multiprocessing
import os
import select
import signal
import time
from collections import deque
from types import SimpleNamespace

import pytest
from django.db import connections

from django_q.cluster.channels import Frame, Inbox, Kind, Link, Outbox
from django_q.cluster.launch import Recruit, launch
from django_q.cluster.role import Berth, inherited_by_fork
from django_q.cluster.slots import MAIN, Slots, StopReason
from django_q.kernel.messages import Report
from django_q.kernel.states import Ending
from django_q_tests.support.eventually import eventually
from django_q_tests.support.jobs import lines
from django_q_tests.support.letters import letter_for, result_of

pytestmark = [pytest.mark.methods, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]


class Desk:
    """The sentinel's place, worked by hand."""

    def __init__(self, method="fork", concurrency=4, **options):
        context = multiprocessing.get_context(method)
        to_read, child_writes = context.Pipe(duplex=False)
        child_reads, to_write = context.Pipe(duplex=False)
        self.child_watches, self.life = context.Pipe(duplex=False)
        self.slots = Slots.create(context, concurrency + 1)
        ours = [to_read.fileno(), to_write.fileno(), self.life.fileno()]
        berth = Berth(
            link=Link(child_reads, child_writes),
            life=self.child_watches,
            cluster="test",
            incarnation="i",
            parent=os.getpid(),
            inherited=inherited_by_fork(ours, method),
        )
        options |= {"slots": self.slots, "seat": 1}
        self.process = context.Process(target=launch, args=(Recruit("worker", "Worker", options), berth))
        connections.close_all()  # as a cluster does before it starts
        self.process.start()
        child_reads.close()
        child_writes.close()
        self.ends = (to_read, to_write)
        self.inbox, self.outbox = Inbox(to_read.fileno()), Outbox(to_write.fileno())
        self.frames = deque()
        self.is_leaving = False
        self.envelopes = {}
        self.sequence = 0

    def give(self, *calls):
        """Hand tasks out, each a tuple of function and arguments; return their envelopes."""
        headers, letters, given = [], [], []
        for func, *args in calls:
            options = args.pop() if args and isinstance(args[-1], dict) else {}
            envelope, letter = letter_for(func, *args, **options)
            self.sequence += 1
            self.envelopes[envelope.id] = envelope
            headers.append(
                (self.sequence, envelope.id, envelope.token, envelope.func, envelope.timeout, envelope.alone)
            )
            letters.append(letter.pack())
            given.append(envelope)
        self.tell(Frame(Kind.TASKS, headers, letters))
        return given

    def tell(self, frame):
        self.outbox.push(frame)
        while not self.outbox.is_empty:
            # A worker that cannot write does not read.
            select.select([self.inbox.fd], [self.outbox.fd], [], 1)
            self._take(self.inbox.frames())
            self.outbox.flush()

    def stop(self):
        self.tell(Frame(Kind.STOP))

    def hear(self, kind, within=10):
        """Return the next frame, which has to be of this kind."""
        deadline = time.monotonic() + within
        while not self.frames:
            assert time.monotonic() < deadline, f"no {kind.name} within {within} s"
            assert not self.inbox.closed, f"the worker is gone instead of sending {kind.name}"
            select.select([self.inbox.fd], [], [], 0.1)
            self._take(self.inbox.frames())
        frame = self.frames.popleft()
        assert frame.kind is kind, frame
        return frame

    def _take(self, frames):
        """Keep frames but for the one that says that the worker leaves, which may come before any other."""
        self.is_leaving = self.is_leaving or any(frame.kind is Kind.LEAVING for frame in frames)
        self.frames.extend(frame for frame in frames if frame.kind is not Kind.LEAVING)

    def outcome(self, within=10):
        """Return what the next outcome says."""
        frame = self.hear(Kind.OUTCOMES, within)
        (header,), (letter,) = frame.headers, frame.letters
        envelope, report = self.envelopes[header[0]], Report.unpack(letter)
        assert header[1] == envelope.token
        outcome = SimpleNamespace(id=header[0], ending=Ending(header[2]), seconds=header[3], is_async=header[4])
        outcome.report, outcome.result = report, None
        outcome.result = result_of(outcome, envelope)
        return outcome

    def returned(self, within=10):
        """Return the sequences that the worker gives back next."""
        return [sequence for (sequence,) in self.hear(Kind.RETURNED, within).headers]

    def stop_running(self, entry, sequence, reason):
        self.slots.ask_stop(entry, sequence, reason)
        self.signal(signal.SIGTERM)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def is_silent_for(self, seconds):
        select.select([self.inbox.fd], [], [], seconds)
        self._take(self.inbox.frames())
        return not self.frames

    def exit_code(self, within=10):
        self.process.join(within)
        return self.process.exitcode

    def close(self):
        if self.process.exitcode is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self.process.kill()
        self.process.join()
        for end in (*self.ends, self.child_watches, self.life):
            if not end.closed:
                end.close()


@pytest.fixture
def hire():
    desks = []

    def hire(**options):
        desk = Desk(**options)
        desks.append(desk)
        desk.hear(Kind.READY, within=30)
        return desk

    yield hire
    for desk in desks:
        desk.close()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- running -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_worker_runs_what_it_is_given_and_stops_when_told(hire, method):
    desk = hire(method=method)
    desk.give(("add", 20, 22), ("fail", "broken"))

    first, second = desk.outcome(), desk.outcome()

    assert (first.ending, first.result, first.is_async) == (Ending.SUCCEEDED, 42, False)
    assert (second.ending, second.report.error) == (Ending.FAILED, "ValueError: broken")
    assert first.report.worker.endswith(f":{desk.process.pid}")
    eventually(lambda: desk.slots.running() == [])
    desk.stop()
    assert desk.returned() == []
    assert desk.exit_code() == 0


def test_outcomes_come_one_by_one_and_not_at_the_end_of_a_hand_out(hire):
    desk = hire()
    desk.give(("ok",), ("hang",))

    assert desk.outcome().ending is Ending.SUCCEEDED
    eventually(lambda: [entry[:2] for entry in desk.slots.running()] == [(MAIN, 2)])


def test_a_large_result_comes_whole(hire):
    desk = hire()
    desk.give(("big", 3 * 2**20), ("add", 1, 2))

    assert len(desk.outcome().result) == 3 * 2**20
    assert desk.outcome().result == 3


def test_a_task_that_ends_the_interpreter_ends_only_itself(hire):
    desk = hire()
    desk.give(("exit_zero",), ("recurse",), ("unpicklable",), ("interrupt",), ("add", 1, 2))

    assert [desk.outcome().ending for _ in range(4)] == [Ending.FAILED] * 4
    assert desk.outcome().result == 3


def test_an_unknown_function_is_reported_as_such(hire):
    desk = hire()
    desk.give(("adds", 1, 2))

    assert desk.outcome().ending is Ending.UNKNOWN


@pytest.mark.parametrize(("job", "code"), [("die", 1), ("segfault", -signal.SIGSEGV)])
def test_a_worker_that_dies_leaves_its_task_in_the_slot(hire, job, code):
    desk = hire()
    desk.give(("ok",), (job,), ("ok",))

    desk.outcome()

    assert desk.exit_code() == code
    assert [entry[:2] for entry in desk.slots.running()] == [(MAIN, 2)]
    assert desk.inbox.frames() == []


def test_a_worker_that_cannot_boot_says_so_by_its_exit_code():
    desk = Desk(cpus=(99_999,))
    try:
        assert desk.exit_code() == 3
    finally:
        desk.close()


# --- recall --------------------------------------------------------------------------------------------------------


def test_a_recall_in_the_middle_of_a_long_task_brings_the_rest_back(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("slow", 3.0, str(mark)), ("ok",), ("ok",))
    eventually(lambda: lines(mark))
    desk.give(("ok",))  # still in the pipe

    desk.signal(signal.SIGUSR1)

    assert desk.returned(within=2.5) == [2, 3, 4]
    assert lines(mark) == ["started"]
    assert desk.outcome().result == "slept"
    assert desk.is_silent_for(0.2)


def test_a_recall_of_an_idle_worker_is_answered_and_hurts_nothing(hire):
    desk = hire()

    desk.signal(signal.SIGUSR1)

    assert desk.returned() == []
    desk.give(("add", 1, 2))
    assert desk.outcome().result == 3


def test_recalls_at_any_moment_lose_and_double_nothing(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    done, back = 0, 0
    for _ in range(100):
        desk.give(*[("touch", str(mark), str(desk.sequence + number)) for number in range(20)])
        for _ in range(3):
            desk.signal(signal.SIGUSR1)
            time.sleep(0.0003)
    deadline = time.monotonic() + 20
    while done + back < desk.sequence and time.monotonic() < deadline:
        desk.is_silent_for(0.1)
        while desk.frames:
            frame = desk.frames.popleft()
            done += len(frame.headers) if frame.kind is Kind.OUTCOMES else 0
            back += len(frame.headers) if frame.kind is Kind.RETURNED else 0

    assert done + back == desk.sequence == 2000
    assert back > 0
    assert len(lines(mark)) == len(set(lines(mark))) == done


def test_a_recall_does_not_hurt_frames_that_the_coroutines_write(hire, tmp_path):
    desk, mark = hire(concurrency=100), tmp_path / "mark"
    desk.give(*[("slow_async", 0.3 + number / 500) for number in range(99)], ("slow", 1.0, str(mark)))
    eventually(lambda: lines(mark))
    outcomes, deadline = 0, time.monotonic() + 10
    while outcomes < 100 and time.monotonic() < deadline:
        desk.signal(signal.SIGUSR1)
        desk.is_silent_for(0.001)
        while desk.frames:  # a broken frame would not be decoded
            outcomes += desk.frames.popleft().kind is Kind.OUTCOMES

    assert outcomes == 100


# --- stopping a task -----------------------------------------------------------------------------------------------


def test_a_term_without_a_flag_is_ignored_idle_and_busy(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    desk.signal(signal.SIGTERM)
    desk.signal(signal.SIGINT)
    desk.give(("slow", 0.3, str(mark)))
    eventually(lambda: lines(mark))
    for _ in range(5):
        desk.signal(signal.SIGTERM)
        desk.signal(signal.SIGINT)

    assert desk.outcome().result == "slept"


@pytest.mark.parametrize(
    ("reason", "ending", "raised"),
    [
        (StopReason.TIMEOUT, Ending.TIMED_OUT, "TaskTimeout"),
        (StopReason.CANCEL, Ending.CANCELED, "TaskCanceled"),
        (StopReason.SHUTDOWN, Ending.INTERRUPTED, "TaskStopped"),
    ],
)
def test_a_term_with_a_flag_raises_in_the_task_which_may_tidy_up(hire, tmp_path, reason, ending, raised):
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("clean_up", str(mark)), ("add", 1, 2))
    eventually(lambda: lines(mark))

    desk.stop_running(MAIN, 1, reason)
    eventually(lambda: len(lines(mark)) == 2)
    desk.signal(signal.SIGTERM)  # a second one does not disturb it

    outcome = desk.outcome()
    assert outcome.ending is ending
    assert outcome.report.error.startswith(f"{raised}: ")
    assert "worker.py" not in outcome.report.traceback
    assert lines(mark) == ["started", raised, "tidy"]
    assert desk.outcome().result == 3


def test_a_flag_for_a_task_that_has_ended_does_not_meet_the_next(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("ok",))
    desk.outcome()
    desk.give(("slow", 0.3, str(mark)))
    eventually(lambda: lines(mark))

    desk.stop_running(MAIN, 1, StopReason.CANCEL)

    assert desk.outcome().result == "slept"


def test_a_task_that_asks_ends_by_itself(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("until_asked", str(mark)))
    eventually(lambda: lines(mark))

    desk.stop_running(MAIN, 1, StopReason.CANCEL)

    assert (desk.outcome().result, lines(mark)) == ("asked", ["started", "TaskCanceled"])


def test_a_task_that_swallows_everything_goes_on(hire, tmp_path):
    """To end it is the sentinel's business."""
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("swallow", str(mark), {"timeout": 0.1}))
    eventually(lambda: lines(mark) == ["started", "TaskTimeout"])

    desk.stop_running(MAIN, 1, StopReason.TIMEOUT)
    eventually(lambda: lines(mark) == ["started", "TaskTimeout", "TaskTimeout"])
    desk.signal(signal.SIGTERM)

    assert desk.is_silent_for(0.3)
    assert is_alive(desk.process.pid)


def test_a_function_ends_at_its_limit_without_help(hire):
    desk = hire()
    desk.give(("hang", {"timeout": 0.1}), ("add", 1, 2))

    outcome = desk.outcome()

    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.seconds < 3
    assert desk.outcome().result == 3


def test_a_child_that_a_task_forks_ends_when_it_is_told_to(hire, tmp_path):
    desk = hire()
    desk.give(("fork_child", str(tmp_path / "mark")))

    assert desk.outcome().result == signal.SIGTERM


# --- coroutines ----------------------------------------------------------------------------------------------------


def test_coroutines_run_beside_each_other_and_beside_functions(hire):
    desk = hire(concurrency=5)
    started = time.monotonic()
    desk.give(*[("slow_async", 1.5)] * 4, ("add", 1, 2))

    first = desk.outcome()
    assert (first.result, first.is_async) == (3, False)
    rest = [desk.outcome() for _ in range(4)]
    assert all(outcome.is_async and outcome.result == "slept" for outcome in rest)
    assert time.monotonic() - started < 4.5


def test_no_more_coroutines_run_than_have_room(hire, tmp_path):
    desk, mark = hire(concurrency=2), tmp_path / "mark"
    desk.give(*[("slow_async", 2.0, str(mark))] * 3, ("ok",))
    eventually(lambda: len(desk.slots.running()) == 2)

    assert sorted(entry[:2] for entry in desk.slots.running()) == [(1, 1), (2, 2)]
    desk.signal(signal.SIGUSR1)
    assert desk.returned(within=1.5) == [3, 4]
    assert [desk.outcome().result for _ in range(2)] == ["slept"] * 2


def test_a_full_worker_goes_on_when_there_is_room(hire):
    desk = hire(concurrency=1)
    desk.give(*[("slow_async", 0.05)] * 3, ("add", 1, 2))

    assert sorted(str(desk.outcome().result) for _ in range(4)) == ["3", "slept", "slept", "slept"]


def test_one_coroutine_is_stopped_and_its_neighbours_do_not_notice(hire):
    desk = hire()
    desk.give(("slow_async", 0.6), ("slow_async", 30), ("slow_async", 30, {"timeout": 0.2}), ("exit_async",))
    assert desk.outcome().report.error == "SystemExit: 3"
    eventually(lambda: len(desk.slots.running()) == 3)
    (entry,) = [entry for entry, sequence, _ in desk.slots.running() if sequence == 2]

    desk.stop_running(entry, 2, StopReason.CANCEL)

    assert desk.outcome().ending is Ending.CANCELED
    timed_out = desk.outcome()
    assert (timed_out.ending, timed_out.report.error) == (
        Ending.TIMED_OUT,
        "TaskTimeout: The task ran longer than its timeout of 0.2 s.",
    )
    assert desk.outcome().result == "slept"
    eventually(lambda: desk.slots.running() == [])


def test_a_coroutine_that_blocks_its_loop_does_not_block_functions(hire):
    desk = hire()
    desk.give(("block_loop", 3.0))
    eventually(desk.slots.running)
    desk.give(("add", 1, 2))

    assert desk.outcome(within=2.5).result == 3


# --- leaving -------------------------------------------------------------------------------------------------------


def test_a_worker_that_is_told_to_stop_gives_back_and_waits_for_its_coroutines(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("slow_async", 2.5), ("slow", 2.0, str(mark)), ("ok",))
    eventually(lambda: lines(mark))
    desk.stop()
    desk.signal(signal.SIGUSR1)

    assert desk.returned(within=1.5) == [3]
    assert desk.outcome().result == "slept"
    assert desk.returned() == []  # it takes no more
    assert desk.outcome().result == "slept"
    assert desk.exit_code() == 0


def test_a_worker_whose_pipe_ends_leaves(hire):
    desk = hire()
    desk.ends[1].close()

    assert desk.returned() == []
    assert desk.exit_code() is not None


def test_a_worker_that_nobody_listens_to_leaves_quietly(hire, capfd):
    desk = hire()
    desk.ends[0].close()
    desk.give(("ok",))

    assert desk.exit_code() not in (None, 0)
    assert "Traceback" not in capfd.readouterr().err


def test_a_worker_is_replaced_after_so_many_tasks(hire):
    desk = hire(recycle=3)
    desk.give(*[("ok",)] * 5)

    assert [desk.outcome().ending for _ in range(3)] == [Ending.SUCCEEDED] * 3
    assert desk.returned() == [4, 5]
    assert desk.is_leaving  # before it gave back, so that it was given no more
    assert desk.exit_code() == 0


def test_a_worker_that_grew_too_large_is_replaced(hire):
    desk = hire(max_rss=1000)
    desk.give(*[("ok",)] * 3)

    desk.outcome()

    assert desk.returned() == [2, 3]
    assert desk.exit_code() == 0


def test_a_worker_whose_sentinel_died_takes_its_whole_group_with_it(hire, tmp_path):
    desk, mark = hire(), tmp_path / "mark"
    desk.give(("spawn_child", str(mark)))
    child = int(eventually(lambda: lines(mark))[0])

    desk.life.close()

    eventually(lambda: not is_alive(child) and not is_alive(desk.process.pid))


# --- databases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", ["leave_open_block", "leave_open_transaction", "begin_by_hand"])
def test_what_a_task_leaves_open_is_undone_before_the_next(hire, own_database, job):
    desk = hire()
    desk.give((job,), ("connection_state",))

    assert desk.outcome().ending is Ending.SUCCEEDED
    assert desk.outcome().result == (False, True)
