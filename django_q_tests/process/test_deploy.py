"""The files of docs/deploy: what they start runs tasks, drains when it is stopped and comes back when it dies."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys

import pytest

from django_q import conf
from django_q.cluster.sentinel import _DRAIN_LIMIT
from django_q.kernel.states import TaskState
from django_q_tests.support import deployments
from django_q_tests.support.clusters import ALERT, Drill, send
from django_q_tests.support.deployments import (
    ByUnit,
    Contained,
    InGroup,
    Supervised,
    UnderSystemd,
    section,
    text_of,
    words_of_dockerfile,
)
from django_q_tests.support.own_database import ROOT

yaml = pytest.importorskip("yaml")

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd, namespaces and /proc are of Linux"),
]
has_supervisor = pytest.mark.skipif(
    importlib.util.find_spec("supervisor") is None, reason="the supervisor is not installed"
)
has_systemd = pytest.mark.skipif(bool(deployments.why_no_systemd()), reason=deployments.why_no_systemd())
# What the cluster needs at the worst, by its own defaults.
DEFAULTS = conf.OPTIONS
WORST = DEFAULTS["grace"].default + DEFAULTS["kill_after"].default + _DRAIN_LIMIT


@pytest.fixture(autouse=True)
def python_of_this_environment(monkeypatch):
    """Let `python` be this one, as in an image there is only one."""
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)


@pytest.fixture
def contained():
    if not deployments.unshare():
        pytest.skip("unshare is absent, or is refused a process namespace")
    return Contained


def document(name):
    return yaml.safe_load(text_of(name))


def pod():
    return document("kubernetes.yaml")["spec"]["template"]["spec"]


def container():
    (one,) = pod()["containers"]
    return one


# --- the files ------------------------------------------------------------------------------------------------------


def test_each_file_gives_the_cluster_the_time_that_it_may_need():
    given = {
        "systemd": section("qcluster.service", "Service")["TimeoutStopSec"],
        "supervisor": section("qcluster.conf", "program:qcluster")["stopwaitsecs"],
        "compose": document("compose.yaml")["services"]["qcluster"]["stop_grace_period"].removesuffix("s"),
        "kubernetes": pod()["terminationGracePeriodSeconds"],
    }

    assert {name: int(seconds) for name, seconds in given.items() if int(seconds) <= WORST} == {}


def test_each_file_starts_the_same_command():
    by_unit = section("qcluster.service", "Service")["ExecStart"]
    words = words_of_dockerfile("CMD")

    assert words == ["python", "manage.py", "qcluster"]
    assert section("qcluster.conf", "program:qcluster")["command"] == by_unit
    assert by_unit.endswith("bin/" + " ".join(words))
    assert document("compose.yaml")["services"]["qcluster"]["command"] == words
    assert container()["command"] == words


def test_each_file_stops_the_cluster_by_the_same_signal():
    assert section("qcluster.service", "Service")["KillSignal"] == "SIGTERM"
    assert section("qcluster.conf", "program:qcluster")["stopsignal"] == "TERM"
    assert "\nSTOPSIGNAL SIGTERM\n" in text_of("Dockerfile")
    assert "lifecycle" not in container()


# --- systemd --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    unit = tmp_path / "qcluster.service"
    unit.write_text(deployments.moved_here(text_of("qcluster.service")))

    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@has_systemd
@pytest.mark.parametrize("kind", [UnderSystemd, InGroup])
def test_systemd_stops_the_cluster_when_its_task_has_ended(drill: Drill, kind):
    cluster = drill.start(kind)
    running = drill.enqueue("slow", 2, drill.file())
    drill.until_line("started")

    assert cluster.control("stop", "qcluster") == ""

    assert drill.until_ended(running).attempt_count == 1
    assert drill.lines() == ["started", "ended"]
    assert cluster.shown("Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    assert cluster.says("stops: SIGTERM")


@has_systemd
def test_systemd_starts_a_cluster_anew_that_was_killed_and_its_task_is_done(drill: Drill):
    cluster = drill.start(UnderSystemd, **ALERT)
    task = drill.hold()

    os.kill(cluster.pid, signal.SIGKILL)

    drill.until(lambda: len(drill.lines("held")) > 1)
    drill.open_gate()
    assert drill.until_ended(task).success
    assert cluster.shown("NRestarts") == {"NRestarts": "1"}


@pytest.mark.skipif(not deployments.why_no_systemd(), reason="systemd itself does it")
@pytest.mark.parametrize("mode", ["mixed", "control-group"])
def test_the_unit_drains_whether_the_sentinel_or_everybody_is_told_to_stop(drill: Drill, mode):
    cluster = drill.start(ByUnit)
    running = drill.enqueue("slow", 2, drill.file())
    drill.until_line("started")

    deployments.tell_all(cluster.family()) if mode == "control-group" else cluster.term()

    assert cluster.exit_code() == 0
    assert drill.until_ended(running).success


# --- supervisor -----------------------------------------------------------------------------------------------------


@has_supervisor
def test_the_supervisor_stops_the_cluster_when_its_task_has_ended(drill: Drill):
    cluster = drill.start(Supervised)
    cluster.until_runs()
    running = drill.enqueue("slow", 2, drill.file())
    drill.until_line("started")

    said = cluster.control("stop", "qcluster")

    assert said == "qcluster: stopped\n"
    assert drill.until_ended(running).attempt_count == 1
    assert drill.lines() == ["started", "ended"]
    assert "exit status 0" in (drill.folder / "supervisord.log").read_text()


@has_supervisor
def test_the_supervisor_starts_a_cluster_anew_that_was_killed_and_its_task_is_done(drill: Drill):
    cluster = drill.start(Supervised, max_crashes=3, **ALERT)
    cluster.until_runs()
    task = drill.hold()
    killed = cluster.sentinel()

    os.kill(killed, signal.SIGKILL)

    drill.until(lambda: drill.lines("held").count("ended") or len(drill.lines("held")) > 1)
    drill.open_gate()
    assert drill.until_ended(task).success
    assert cluster.sentinel() not in (0, killed)


# --- containers -----------------------------------------------------------------------------------------------------


def test_the_first_process_of_a_container_runs_tasks_and_drains(drill: Drill, contained):
    cluster = drill.start(contained)
    running = drill.enqueue("slow", 2, drill.file())
    drill.until_line("started")

    cluster.term()

    assert cluster.exit_code() == 0
    assert drill.until_ended(running).attempt_count == 1


def test_a_second_signal_to_the_first_process_ends_the_grace_there_too(drill: Drill, contained):
    cluster = drill.start(contained, grace=60)
    task = drill.enqueue("clean_up", drill.file())
    drill.until_line("started")

    cluster.term()
    drill.until(lambda: cluster.says("stops: SIGTERM"))
    cluster.term(signal.SIGINT)

    assert cluster.exit_code() == 0
    assert drill.row(task).state == TaskState.READY
    drill.left, drill.stays_in_service = {task}, False


def test_one_signal_to_the_terminal_of_a_container_is_one(drill: Drill, contained):
    cluster = drill.start(contained, grace=60)
    running = drill.enqueue("slow", 2, drill.file())
    drill.until_line("started")

    os.killpg(cluster.process.pid, signal.SIGINT)

    assert cluster.exit_code() == 0
    assert drill.until_ended(running).success


def test_what_tasks_leave_behind_in_a_container_is_reaped(drill: Drill, contained):
    cluster = drill.start(contained)
    orphans = [drill.enqueue("mishaps.leave_orphan", drill.file()) for _ in range(20)]

    drill.until_ended(*orphans)

    drill.until(lambda: len(drill.lines()) == len(orphans))
    drill.until(lambda: not [one for one in cluster.everybody() if one.is_zombie], within=5)


def test_a_container_ends_with_its_cluster(drill: Drill, contained):
    cluster = drill.start(contained)
    (sentinel,) = cluster.pids("sentinel")

    send(sentinel, signal.SIGKILL)

    assert cluster.exit_code(within=10) == 128 + signal.SIGKILL
    assert not cluster.family()


def test_a_cluster_that_cannot_start_ends_its_container_with_its_own_code(drill: Drill, contained):
    empty = {"DJANGO_Q_TEST_DATABASE_URL": f"{drill.database.url}-empty"}
    cluster = drill.start(contained, complete=False, env=empty)

    assert cluster.exit_code() == 2
    assert cluster.says("The tables of django_q are missing")


# --- probes ---------------------------------------------------------------------------------------------------------


def probe(drill: Drill, command):
    """Run a probe's command beside the cluster and return its exit code and what it says."""
    done = subprocess.run(command, env=drill.database.env, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def probes():
    """Return the command of every probe of the files."""
    return [
        document("compose.yaml")["services"]["qcluster"]["healthcheck"]["test"][1:],
        container()["livenessProbe"]["exec"]["command"],
        container()["readinessProbe"]["exec"]["command"],
    ]


def test_the_probes_say_that_a_cluster_lives_and_when_it_does_not(drill: Drill):
    cluster = drill.start(**ALERT)
    alive = [probe(drill, command) for command in probes()]
    cluster.kill_everything()

    assert {code for code, _ in alive} == {0}, alive
    drill.until(lambda: [probe(drill, command)[0] for command in probes()] == [2, 2, 2])
    drill.stays_in_service = False


def test_the_first_look_of_a_liveness_probe_comes_after_a_start():
    for one in ("livenessProbe", "readinessProbe"):
        assert container()[one]["timeoutSeconds"] < container()[one]["periodSeconds"]
    patience = container()["livenessProbe"]["failureThreshold"] * container()["livenessProbe"]["periodSeconds"]
    assert patience >= 10 * 60
