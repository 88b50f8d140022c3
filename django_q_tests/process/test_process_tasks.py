"""``manage.py process_tasks``, and background tasks in clusters that are hurt."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from django_q.contrib.background.models import CompletedTask, Task
from django_q.kernel.states import TaskState
from django_q.models import Incarnation, OrmQ
from django_q_tests.support import backgrounds
from django_q_tests.support.clusters import ALERT, ClusterProcess, Drill
from django_q_tests.support.own_database import ROOT

QUICK = 5.0  # seconds between two looks of process_tasks, unless it is told
SOON = 20.0


class ProcessTasks(ClusterProcess):
    """``process_tasks``, with one worker."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        given = [int(word.rpartition("=")[2]) for word in named.get("options", ()) if word.startswith("--workers")]
        self.workers_wanted = given[0] if given else 1

    def program(self) -> Sequence[str]:
        return [sys.executable, "-m", "django", "process_tasks"]


@pytest.fixture
def start(drill: Drill):
    """Start ``process_tasks`` with options."""

    def started(*options, **cluster):
        return drill.start(ProcessTasks, options=options, **cluster)

    return started


@pytest.fixture
def call(drill: Drill):
    """Call a function of support/backgrounds.py."""

    def called(name, *args, **options):
        task = getattr(backgrounds, name)(*args, **options)
        drill.ids.append(task.pk)
        return task

    return called


def result_of(drill, task):
    return drill.until_ended(task.pk).result


# --- what it runs --------------------------------------------------------------------------------------------------


def test_nothing_runs_before_its_time_and_all_soon_after_it(drill: Drill, start, call):
    tasks = [call("when", schedule=seconds) for seconds in (0.5, 2, 3.5)]
    start()

    moments = [result_of(drill, task) for task in tasks]

    for task, moment in zip(tasks, moments, strict=True):
        assert 0 <= moment - Task._base_manager.get(pk=task.pk).scheduled_for.timestamp() < QUICK
    assert moments == sorted(moments)


def test_one_queue_is_served_if_one_is_named_and_every_queue_otherwise(drill: Drill, start, call):
    call("note", drill.file(), "a", queue="a")
    one = start("--queue=b")
    for number in range(3):
        call("note", drill.file(), f"b{number}", queue="b")
        drill.until_line(f"b{number}")
    assert one.stop() == 0
    assert drill.lines() == ["b0", "b1", "b2"]

    other = start("--queue=a")
    drill.until_line("a")
    other.stop()
    start()
    call("note", drill.file(), "c", queue="c")
    call("note", drill.file(), "usual")

    drill.until_line("c")
    drill.until_line("usual")


@pytest.mark.databases
def test_a_queue_that_appears_later_is_served_at_once(drill: Drill, start, call):
    start("--sleep=60")

    for queue in ("mails", "reports", "mails"):
        call("note", drill.file(), queue, queue=queue)
        drill.until_line(queue, times=drill.lines().count(queue), within=SOON)
    drill.until(lambda: len(drill.lines()) == 3, within=SOON)


@pytest.mark.databases
def test_one_row_is_run_once_by_ten_workers(drill: Drill, start, call):
    for _ in range(2):
        start("--workers=5")

    for number in range(20):
        call("note", drill.file(), str(number))

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(20))


def test_qcluster_runs_the_same_rows(drill: Drill, call):
    drill.start()

    task = call("note", drill.file(), "here")

    assert result_of(drill, task) == "here"


def test_ordinary_tasks_of_these_queues_run_too(drill: Drill, start):
    start()

    drill.until_ended(drill.enqueue("touch", drill.file()), drill.enqueue("touch", drill.file(), cluster="other"))


def test_a_repeating_task_is_repeated(drill: Drill, start, call):
    start()
    first = call("note", drill.file(), repeat=1, repeat_until=timezone.now() + timedelta(seconds=3.5))

    drill.until_empty()

    moments = list(CompletedTask.objects.order_by("scheduled_for").values_list("scheduled_for", flat=True))
    drill.ids = list(CompletedTask.objects.values_list("pk", flat=True))
    assert first.pk in drill.ids and len(moments) == len(drill.lines()) == 4
    assert [later - before for before, later in zip(moments, moments[1:], strict=False)] == [timedelta(seconds=1)] * 3


# --- what may happen to it -----------------------------------------------------------------------------------------


@pytest.mark.databases
def test_a_task_whose_worker_was_killed_runs_again(drill: Drill, start, call):
    one = start()
    task = call("held", drill.file("held"), drill.file("gate"))
    drill.pid_in("held")

    one.kill("worker")

    drill.until(lambda: len(drill.lines("held")) == 2)
    drill.open_gate()
    assert result_of(drill, task) == "the gate opened"
    assert CompletedTask.objects.get(pk=task.pk).record.crashes == 1


@pytest.mark.databases
def test_a_task_whose_runner_was_killed_is_run_by_another_one(drill: Drill, start, call):
    one = start(**ALERT)
    task = call("held", drill.file("held"), drill.file("gate"))
    drill.pid_in("held")

    one.kill("sentinel")
    one.until_gone(within=5)
    start(**ALERT)

    drill.until(lambda: len(drill.lines("held")) == 2)
    drill.open_gate()
    assert result_of(drill, task) == "the gate opened"


@pytest.mark.databases
def test_a_task_that_is_longer_than_a_lease_is_not_started_twice(drill: Drill, start, call):
    for _ in range(2):
        start(**ALERT)

    task = call("slow", 3 * ALERT["lease"], drill.file())

    drill.until_ended(task.pk)
    assert drill.lines() == ["started", "ended"]


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt"])
def test_a_task_that_tries_to_take_the_process_along_is_tried_again(drill: Drill, start, call, kind):
    start()
    task = call("leaves", kind, drill.file())
    drill.until(lambda: Task.objects.filter(pk=task.pk).exclude(entry__attempts=0).exists())

    waiting = Task.objects.get(pk=task.pk)
    assert (waiting.attempts, waiting.locked_by) == (1, None) and kind in waiting.last_error
    drill.until_ended(task.pk)
    assert CompletedTask.objects.get(pk=task.pk).record.result == "stayed"


def test_a_task_that_nobody_knows_waits_for_who_does(drill: Drill, start, monkeypatch):
    """The module is here, where it is enqueued, and not yet where the runner finds it."""
    code = "from django_q.contrib.background import background\n\n@background\ndef fresh():\n    return 'deployed'\n"
    (drill.folder / "only_here").mkdir()
    (drill.folder / "only_here" / "newly_written.py").write_text(code)
    monkeypatch.syspath_prepend(drill.folder / "only_here")
    task = __import__("newly_written").fresh()
    drill.ids.append(task.pk)
    one = start(unknown_task_grace=0.1)
    first = "waits for a worker that knows its function"

    drill.until(lambda: one.says(first))
    drill.until(lambda: drill.row(task.pk).state == TaskState.DEFERRED)
    looked = drill.row(task.pk).run_after
    drill.until(lambda: drill.row(task.pk).run_after > looked)  # and once more
    assert one.output.count(first) == 1
    assert one.stop() == 0
    assert Task.objects.get(pk=task.pk).attempts == 0

    path = os.pathsep.join([str(drill.folder / "only_here"), str(ROOT)])
    drill.start(ProcessTasks, env={"PYTHONPATH": path})
    assert result_of(drill, task) == "deployed"


# --- how it ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGTSTP])
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["process", "group"])
def test_at_a_signal_what_runs_finishes_and_it_ends_well(drill: Drill, start, call, number, send):
    one = start(grace=60)
    running = call("held", drill.file("held"), drill.file("gate"))
    drill.pid_in("held")
    waiting = call("note", drill.file())

    send(one.pid, number)

    drill.until(lambda: one.says("stops: "))
    drill.open_gate()
    assert one.exit_code() == 0
    assert CompletedTask.objects.get().pk == running.pk and drill.lines("held")[-1] == "ended"
    assert Task.objects.get(pk=waiting.pk).locked_by is None and not drill.lines()
    drill.left.add(waiting.pk)
    drill.stays_in_service = False


def test_a_task_that_does_not_end_within_the_grace_goes_back(drill: Drill, start, call):
    one = start(grace=0.5)
    task = call("held", drill.file("held"), drill.file("gate"))
    drill.pid_in("held")

    assert one.stop() == 0

    waiting = Task.objects.get(pk=task.pk)
    assert (waiting.locked_by, waiting.attempts) == (None, 0) and drill.row(task.pk).state == TaskState.READY
    drill.left.add(task.pk)
    drill.stays_in_service = False


def test_sigtstp_gives_a_task_all_the_time_it_needs(drill: Drill, start, call):
    one = start(grace=0.1, kill_after=0.1)
    call("slow", 3, drill.file())
    drill.until_line("started")

    one.term(signal.SIGTSTP)

    assert one.exit_code() == 0
    assert drill.lines() == ["started", "ended"]


def test_sigterm_after_sigtstp_ends_the_patience(drill: Drill, start, call):
    one = start(grace=60)
    task = call("held", drill.file("held"), drill.file("gate"))
    drill.pid_in("held")
    one.term(signal.SIGTSTP)
    drill.until(lambda: one.says("stops: SIGTSTP"))

    one.term(signal.SIGTERM)

    assert one.exit_code() == 0
    drill.left.add(task.pk)
    drill.stays_in_service = False


def test_signals_that_once_changed_its_pauses_do_nothing(drill: Drill, start, call):
    one = start()
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        one.term(number)

    assert result_of(drill, call("note", drill.file(), "after")) == "after"


def test_when_its_time_is_over_what_runs_finishes(drill: Drill, start, call):
    one = start("--duration=3", grace=60)
    call("held", drill.file("held"), drill.file("gate"))
    drill.pid_in("held")

    drill.until(lambda: one.says("stops: its time is over"))
    drill.open_gate()

    assert one.exit_code() == 0
    assert drill.lines("held")[-1] == "ended"


# --- what it is told -----------------------------------------------------------------------------------------------


@pytest.mark.methods
def test_options_reach_the_workers_however_they_start(drill: Drill, start, call):
    start("--sleep=0.3", "--queue=q", queues=["default", "low"], poll=2.0)

    task = call("settings_here", queue="q")

    assert result_of(drill, task) == ("default", ("q",), 0.3)
    assert Incarnation.objects.get().queues == '["q"]'


def test_the_log_goes_to_standard_output_if_asked_to(drill: Drill, call, own_database):
    with (drill.folder / "errors.log").open("w") as errors:
        one = own_database.popen("process_tasks", "--log-std", "--duration=2", stderr=errors)
        output = one.communicate()[0]

    assert one.returncode == 0
    assert "Cluster default starts with 1 workers" in output and "stops: its time is over" in output
    assert (drill.folder / "errors.log").read_text() == ""


def test_without_it_the_log_goes_to_standard_error(drill: Drill, own_database):
    one = own_database.popen("process_tasks", "--duration=1", stderr=subprocess.PIPE)
    output, errors = one.communicate()

    assert one.returncode == 0 and output == "" and "its time is over" in errors


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--sleep=0"], "--sleep 0: write 0.01 seconds or more"),
        (["--duration=-1"], "'-1' is not a number of seconds"),
        (["--sleep=soon"], "'soon' is not a number of seconds"),
        (["--workers=0"], "'0' is not a number of workers"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(own_database, words, complaint):
    one = own_database.popen("process_tasks", *words)

    assert complaint in one.communicate()[0] and one.returncode == 2


def test_tasks_that_cannot_be_imported_are_named_with_their_application(own_database, tmp_path):
    (tmp_path / "broken_shop").mkdir()
    (tmp_path / "broken_shop" / "__init__.py").touch()
    (tmp_path / "broken_shop" / "tasks.py").write_text("import a_module_that_nobody_wrote\n")
    (tmp_path / "shop_settings.py").write_text(
        "from django_q_tests.settings.process import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'broken_shop']\n"
    )
    env = own_database.env | {"DJANGO_SETTINGS_MODULE": "shop_settings"}
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    command = [sys.executable, "-m", "django", "process_tasks"]

    ran = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode == 2
    assert "The tasks of the application 'broken_shop' cannot be imported from 'broken_shop.tasks'" in ran.stderr
    assert "a_module_that_nobody_wrote" in ran.stderr


# --- the same call from many processes -----------------------------------------------------------------------------


@pytest.mark.databases
@pytest.mark.parametrize("action", ["CHECK_EXISTING", "RESCHEDULE_EXISTING"])
def test_of_many_processes_that_make_the_same_call_one_enqueues_it(drill: Drill, own_database, action):
    code = (
        "import django; django.setup(); from django_q_tests.support.backgrounds import enqueue_often; "
        f"enqueue_often({action!r}, 10, {drill.file('gate')!r})"
    )
    command = [sys.executable, "-c", code]
    popen = partial(subprocess.Popen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    callers = [popen(command, env=own_database.env) for _ in range(8)]
    for one in callers:
        assert one.stdout.readline() == "ready\n", one.stdout.read()

    drill.open_gate()

    told = [one.communicate()[0] for one in callers]
    assert sorted(told) == ["made 0\n"] * 7 + ["made 1\n"], told
    assert Task.objects.count() == OrmQ.objects.count() == 1
    drill.ids = drill.left = {Task.objects.get().pk}
