"""A booked experiment ends right, whatever is killed while it is posted, run, collected and told about."""

import re
import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.laboratory import Fault
from django_q.examples.experimenteditor.models import Booking
from django_q.models import Task
from django_q_tests.support.bookings import COLLECT, MAIL, NEWS, POST, REMIND, Scene, options_for, write_experiment
from django_q_tests.support.clusters import PATIENCE, Drill
from django_q_tests.support.held import held_laboratory
from django_q_tests.support.smtp_sink import smtp_sink
from django_q_tests.support.steps import BEFORE, EACH, RETURNED, Step

# On PostgreSQL and SQLite: a third database has nothing to add.
pytestmark = [pytest.mark.once, pytest.mark.load]


@pytest.fixture
def example(settings):
    """Devices and a mail server, known to the application of this process."""
    with held_laboratory() as (laboratory, url), smtp_sink() as sink:
        settings.EXPERIMENTEDITOR = options_for(url)
        settings.ROOT_URLCONF = "django_q.examples.project.urls"
        yield laboratory, sink, settings.EXPERIMENTEDITOR


@pytest.fixture
def scene(drill: Drill, example):
    return Scene(drill, *example)


def test_a_booking_that_nothing_befalls(scene: Scene):
    scene.start()
    scene.book()
    scene.end_slot()

    scene.went_right()
    assert scene.paths == ["postexperiment", "axlebasedvehiclespeed", "govspeed", "1", "2", "3"]


# --- at each step --------------------------------------------------------------------------------------------------

# Some of the steps, in their order: a worker connects, is about to execute a statement, or has its result.
STEPS = {
    POST: ["connects", r"SET .*posted_at\W* = ", "INSERT .*django_q_queue", "INSERT .*notification", "returned"],
    COLLECT: ["connects", "SET .*ydata", "INSERT .*notification", "returned"],
    MAIL: ["SELECT .*experiment", "connects", "returned"],
}


@pytest.mark.parametrize(("task", "mails"), [(POST, 1), (COLLECT, 1), (MAIL, 2)])
def test_workers_that_die_at_each_step_of_a_task_one_after_the_other(scene: Scene, task, mails):
    scene.start(Step(task, EACH), max_crashes=1000)
    scene.book()
    scene.end_slot()

    # Whoever dies after the mail server took the mail cannot know it.
    scene.went_right(mails=mails)
    assert scene.attempts(task) == len(scene.deaths) + 1
    assert [step for step in STEPS[task] if not any(re.search(step, death) for death in scene.deaths)] == []
    # The engine was asked again for one death only: the one before its answer was noted.
    assert scene.paths.count("postexperiment") == (2 if task == POST else 1)


@pytest.mark.parametrize(
    "step",
    [Step(POST, BEFORE, "INSERT .*notification"), Step(POST, RETURNED)],
    ids=["before it is told", "before the end is recorded"],
)
def test_that_an_experiment_could_not_start_is_told_once(scene: Scene, step):
    scene.laboratory.break_down(Fault("post", times=None, status=400))
    scene.start(step)
    scene.book()

    scene.until_over()
    assert scene.attempts(POST) == 2
    scene.was_told([NEWS[0], "failed to start. Please reschedule the experiment. (Error Code: 400)"])
    assert scene.sink.mails == scene.laboratory.posts == []
    assert not Booking.objects.exists()
    assert Task.objects.get(func__endswith=MAIL).reason == "canceled"


def test_an_engine_in_trouble_is_asked_again_whoever_dies_in_between(scene: Scene):
    scene.laboratory.break_down(Fault("post", times=2, status=503))
    scene.start(Step(POST, RETURNED))
    scene.book()
    scene.end_slot()

    scene.went_right()
    assert scene.deaths


# --- while somebody is waited for ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hold", ["hold", "hold_answer"], ids=["before the engine took it", "after the engine took it"])
def test_a_worker_that_is_killed_while_the_engine_answers_starts_the_experiment_once(scene: Scene, hold):
    gate = getattr(scene.laboratory, hold)("/api/postexperiment/")
    scene.start()
    scene.book()

    scene.kill_worker_of(POST, at=gate)

    scene.end_slot()
    scene.went_right()
    # The answer was lost with the worker: the engine is asked again, under the same key.
    assert scene.paths.count("postexperiment") == scene.attempts(POST) == 2


def test_workers_that_are_killed_while_the_logger_answers_lose_and_double_nothing(scene: Scene):
    lab = scene.laboratory
    plots = [lab.hold("/plotdata/axlebasedvehiclespeed/"), lab.hold_answer("/plotdata/govspeed/")]
    parts = [lab.hold("/1/"), lab.hold_answer("/2/"), lab.hold_answer("/3/")]
    scene.start(max_crashes=10)
    scene.book()
    scene.end_slot()

    for gate in (*plots, *parts):
        scene.kill_worker_of(COLLECT, at=gate)

    scene.went_right()
    # Only what was under way is asked for again.
    asked = ["axlebasedvehiclespeed", "govspeed", "1", "2", "3"]
    assert scene.paths[1:] == [path for path in asked for _ in range(2)]


def test_workers_that_are_killed_while_they_talk_to_the_mail_server(scene: Scene):
    greeting, sender, content, end = map(scene.sink.hold, ["CONNECT", "RCPT", "DATA", "END"])
    scene.start(max_crashes=10)
    scene.book()
    scene.end_slot()

    for gate in (greeting, sender, content):
        scene.kill_worker_of(MAIL, at=gate)
        assert scene.sink.mails == []
    scene.kill_worker_of(MAIL, at=end)

    # Nobody can know whether a mail was accepted whose answer is lost.
    scene.went_right(mails=2)
    assert scene.attempts(MAIL) == 5


def test_a_mail_server_in_trouble_is_asked_again_if_tasks_have_more_attempts(scene: Scene):
    scene.sink.refuse("RCPT")
    scene.start(max_attempts=2, backoff=0.1)
    scene.book()
    scene.end_slot()

    scene.went_right()
    assert scene.attempts(MAIL) == 2


def test_a_worker_that_is_killed_while_it_sends_the_reminder_sends_it_once(scene: Scene):
    gate = scene.sink.hold("RCPT")
    scene.start()
    scene.book(ahead=timedelta(minutes=10, seconds=0.5), email_reminder="10min")

    scene.kill_worker_of(REMIND, at=gate)

    scene.drill.until(lambda: Task.objects.filter(func__endswith=REMIND).exists())
    assert scene.sink.subjects == ["Experiment Reminder"]
    bookings.cancel_booking(Booking.objects.get())


# --- everybody -----------------------------------------------------------------------------------------------------


@pytest.mark.databases
def test_a_new_cluster_goes_on_where_others_were_killed(scene: Scene):
    gates = [scene.laboratory.hold("/api/postexperiment/"), scene.laboratory.hold_answer("/2/")]
    scene.start()
    scene.book()

    scene.kill_cluster(at=gates[0])
    scene.start()
    scene.end_slot()
    # Who dies between a mail and the note about it sends the mail again: that is told elsewhere.
    scene.drill.until(lambda: Task.objects.filter(func__endswith=MAIL).exists())
    scene.kill_cluster(at=gates[1])
    scene.start()

    scene.went_right()
    assert scene.paths == ["postexperiment"] * 2 + ["axlebasedvehiclespeed", "govspeed", "1", "2", "2", "3"]


def miss_the_end_of_the_slot(scene: Scene):
    """Kill the cluster when the engine has taken the experiment and not yet answered, and let the slot pass."""
    gate = scene.laboratory.hold_answer("/api/postexperiment/")
    scene.start()
    run = scene.book(slot=timedelta(seconds=3), lead=timedelta(0))
    scene.kill_cluster(at=gate)
    scene.drill.until(lambda: timezone.now() > run.end)


def test_what_was_posted_is_collected_and_told_though_no_cluster_ran_at_the_end_of_the_slot(scene: Scene):
    miss_the_end_of_the_slot(scene)
    scene.start()

    scene.drill.until(lambda: scene.run.tasks.filter(name=COLLECT).exists())
    scene.went_right()


# --- two at once ----------------------------------------------------------------------------------------------------


@pytest.mark.databases
def test_two_bookings_at_the_same_moment_do_not_get_the_same_slot(own_database, example):
    start = timezone.now() + timedelta(hours=1)
    inside, ended, said = threading.Event(), threading.Event(), {}

    def book(experiment, absolute=str):
        try:
            bookings.book(experiment, start, start + timedelta(minutes=1), absolute=absolute)
            said[experiment] = "booked"
        except ValidationError as error:
            said[experiment] = error.message
        finally:
            connection.close()

    def linger(path):
        """Give the other one the time to book as well, if he can: this transaction is still open."""
        inside.set()
        ended.wait(1)
        return path

    first, second = write_experiment("ada"), write_experiment("grace")
    slow = threading.Thread(target=book, args=(first, linger))
    slow.start()
    assert inside.wait(PATIENCE)
    book(second)
    ended.set()
    slow.join()

    assert said[first] == "booked"
    assert said[second].startswith("The vehicle is busy then.")
    assert Booking.objects.count() == 1


@pytest.mark.databases
def test_what_follows_a_post_waits_for_who_writes_at_that_moment(own_database, example):
    experiment = write_experiment("ada")
    start = timezone.now() + timedelta(hours=1)
    run = bookings.book(experiment, start, start + timedelta(minutes=1))
    run.mark_posted()
    writing, may_commit = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            run.experiment.save()
            writing.set()
            may_commit.wait(PATIENCE)
        connection.close()

    def commit_at_the_first_write(execute, sql, *arguments):
        if sql.startswith(("UPDATE", "INSERT")):
            may_commit.set()
        return execute(sql, *arguments)

    other = threading.Thread(target=write)
    other.start()
    assert writing.wait(PATIENCE)
    with connection.execute_wrapper(commit_at_the_first_write):
        assert tasks.send_experiment_json.now(experiment.pk).endswith("was posted.")
    other.join()
    assert run.tasks.filter(name=COLLECT).count() == 1
