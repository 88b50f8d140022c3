"""One task from the terminal: it is watched to its end, in a cluster that runs or in one of its own."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from django_q.models import Incarnation, OrmQ, Task
from django_q_tests.support.clusters import PATIENCE, Drill, path_of, runs
from django_q_tests.support.factories import put
from django_q_tests.support.own_database import ROOT

once = pytest.mark.once
QUIET = ["--verbosity", "0"]


@pytest.fixture
def qrun(own_database):
    """Run the command to its end; return its exit code, its output and what it said beside."""

    def call(*arguments, debug=False, **cluster):
        env = own_database.env_with(**cluster) | {"DJANGO_Q_TEST_DEBUG": str(int(debug))}
        command = [sys.executable, "-m", "django", "qrun", *map(str, arguments)]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 2)
        return done.returncode, done.stdout, done.stderr

    return call


def test_the_result_is_printed_by_itself(drill: Drill, qrun):
    drill.start()

    code, output, said = qrun("math.copysign", 2, -2)

    assert (code, output) == (0, "-2.0\n"), said
    task = Task.objects.get()
    drill.ids.append(task.pk)
    lines = said.splitlines()
    assert lines[0] == f"{task.pk} math.copysign"
    assert re.fullmatch(rf"It succeeded after 0\.\d+ s\. /admin/django_q/success/{task.pk}/change/", lines[-1])


@once
def test_nothing_more_is_said_than_asked_for(drill: Drill, qrun):
    drill.start()

    assert qrun("math.copysign", 2, -2, *QUIET) == (0, "-2.0\n", "")
    drill.ids.append(Task.objects.get().pk)


@once
def test_a_failure_shows_its_traceback_and_exits_with_one(drill: Drill, qrun):
    drill.start()

    code, output, said = qrun("json.loads", "{", *QUIET)

    assert (code, output) == (1, "")
    assert said.startswith("Traceback (most recent call last):\n")
    assert said.rstrip().endswith("line 1 column 2 (char 1)")
    drill.ids.append(Task.objects.get().pk)


@once
def test_facts_can_be_had_as_json(drill: Drill, qrun):
    drill.start()

    code, output, said = qrun(path_of("echo"), 1, "label=x", "--json", *QUIET)
    facts = json.loads(output)
    failed = json.loads(qrun("math.sqrt", -1, "--json", *QUIET)[1])

    drill.ids += [facts["id"], failed["id"]]
    assert code == 0, said
    assert (facts["success"], facts["result"], facts["attempt_count"]) == (True, [[1], {"label": "x"}], 1)
    assert (failed["success"], failed["reason"], failed["error"]) == (False, "error", "ValueError: math domain error")


@once
def test_options_are_given_as_in_a_call(drill: Drill, qrun):
    drill.start()

    code, _, said = qrun(path_of("hang"), "timeout=0.2", "group=g", *QUIET)

    task = Task.objects.get()
    drill.ids.append(task.pk)
    assert (code, task.reason, task.group) == (1, "timeout", "g"), said


@once
def test_without_a_cluster_nothing_is_enqueued_and_the_remedies_are_said(own_database, qrun):
    assert qrun("math.copysign", 2, -2) == (
        2,
        "",
        'CommandError: no cluster serves "default"; start manage.py qcluster, or add --own-cluster to run this task in '
        "one that is started for it.\n",
    )
    assert not OrmQ.objects.exists()


def test_under_debug_a_cluster_is_started_for_the_task_and_ends_with_it(own_database, qrun):
    code, output, said = qrun("math.copysign", 2, -2, debug=True)

    assert (code, output) == (0, "-2.0\n"), said
    assert "A cluster is started for this task, since none serves its queue." in said
    cluster = Incarnation.objects.get()
    assert cluster.dead_at is not None
    assert not runs(cluster.pid)


@once
def test_its_own_cluster_leaves_the_work_of_others_alone(own_database, qrun):
    waiting = put()

    assert qrun("math.copysign", 2, -2, "--own-cluster", *QUIET) == (0, "-2.0\n", "")

    assert OrmQ.objects.get().pk == waiting


def test_hooks_and_what_the_task_enqueues_run_too_and_later_things_stay_in_the_usual_queue(
    own_database, qrun, tmp_path
):
    lines = tmp_path / "lines"
    options = ("hook=django_q_tests.support.mishaps.append_name", f"task_name={tmp_path / 'hooked'}")

    code, _, said = qrun(path_of("fan_out"), str(lines), *options, "--own-cluster")

    assert code == 0, said
    assert lines.read_text().split() == ["child"]
    assert (tmp_path / "hooked").read_text() == "hooked\n"
    assert Task.objects.filter(success=True).count() == 2
    assert OrmQ.objects.get().queue == "default"
    assert "What it enqueued for later is in the usual queue: 1." in said


@once
def test_a_watch_that_is_over_leaves_the_task_and_exits_with_three(drill: Drill, qrun):
    drill.start()

    code, _, said = qrun(path_of("mishaps.work_until"), drill.file("held"), drill.file("gate"), "--wait", "0.2", *QUIET)

    assert code == 3
    drill.ids.append(OrmQ.objects.get().pk)
    assert said == f"It has not ended after 0 s; it goes on: {drill.ids[0]}\n"
    drill.open_gate()
    drill.until_ended(*drill.ids)


@once
def test_only_the_id_is_printed_when_nobody_waits(own_database, qrun):
    code, output, said = qrun("math.copysign", 2, -2, "--no-wait")

    assert (code, output, said) == (0, f"{OrmQ.objects.get().pk}\n", "")


@once
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("math.copysing", 2, -2), "Did you mean 'math.copysign'?"),
        (("nowhere.f",), "there is no module 'nowhere'"),
        (("math.copysign", 2), "async_task() cannot call math.copysign"),
        (("math.copysign", 2, -2, "timeout=-1"), "timeout=-1 cannot be used"),
        (("math.copysign", 2, -2, "timout=1"), "Did you mean the option 'timeout'?"),
        (("copysign",), "'copysign' has no module."),
        (("math.pi",), "'math.pi' is not callable"),
        (("math.copysign", 2, -2, "--wait", "0"), "'0' is not a number of seconds"),
        (("math.copysign", 2, -2, "--wait", "1", "--no-wait"), "--no-wait goes with neither"),
    ],
)
def test_what_cannot_run_is_refused_before_it_is_enqueued(own_database, qrun, words, complaint):
    code, output, said = qrun(*words)

    assert (code, output) == (2, "")
    assert complaint in said
    assert not OrmQ.objects.exists()


@once
def test_a_terminal_shows_one_line_that_is_written_over_and_ctrl_c_cancels_its_own_task(own_database, tmp_path):
    held, gate = tmp_path / "held", tmp_path / "gate"
    reading, writing = pty.openpty()
    command = ("qrun", path_of("mishaps.work_until"), str(held), str(gate), "--own-cluster")
    process = own_database.popen(*command, stdout=writing, stderr=writing, start_new_session=True)
    os.close(writing)
    shown = read_until(reading, "it runs on the cluster")

    os.killpg(process.pid, signal.SIGINT)
    shown += read_until(reading, "Canceled: ")

    assert process.wait(PATIENCE) == 130
    os.close(reading)
    assert "\r\x1b[K" in shown
    assert Task.objects.get().reason == "canceled"


@once
def test_a_terminal_shows_a_bar_for_a_task_that_says_how_far_it_is(drill: Drill, own_database):
    drill.start()
    reading, writing = pty.openpty()
    command = ("qrun", path_of("reporting.step_by_step"), "40")
    process = own_database.popen(*command, stdout=writing, stderr=writing, start_new_session=True)
    os.close(writing)

    shown = read_until(reading, " of 40 (") + read_until(reading, "It succeeded")

    assert process.wait(PATIENCE) == 0
    os.close(reading)
    drill.ids.append(Task.objects.get().pk)
    seen = {int(done): len(bar) for bar, done in re.findall(r"s  \[(#*)-*\] (\d+) of 40 \(\d+ %\): step \d+", shown)}
    assert len(seen) > 2
    assert seen == {done: done * 20 // 40 for done in seen}


@once
def test_elsewhere_progress_is_a_line_now_and_then(drill: Drill, qrun):
    drill.start()

    code, _, said = qrun(path_of("reporting.step_by_step"), 60)

    assert code == 0, said
    drill.ids.append(Task.objects.get().pk)
    steps = re.findall(r"^(\d+) of 60 \(\d+ %\): step \1$", said, re.MULTILINE)
    # It takes three seconds and a line is written every second at most.
    assert 2 <= len(steps) <= 2 + Task.objects.get().time_taken()
    assert "\r" not in said


def read_until(descriptor, text):
    """Read what a terminal shows until a text is there; without it the terminal's program has ended."""
    shown = ""
    while text not in shown:
        try:
            shown += os.read(descriptor, 4096).decode()
        except OSError as error:  # nobody holds the other end any more
            raise AssertionError(f"{text!r} is not in {shown!r}") from error
    return shown
