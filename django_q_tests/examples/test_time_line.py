"""The whole time line of a booking, with a clock that stands still between its moments, against real devices."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
from django.core import mail
from django.utils import timezone as django_timezone

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.devices import DeviceServer
from django_q.examples.experimenteditor.laboratory import Fault, Laboratory
from django_q.examples.experimenteditor.models import Booking, Notification, Preferences, RunResult
from django_q.models import Failure, OrmQ
from django_q.testing import run_all, time_travel
from django_q_tests.examples.conftest import use, write_experiment

# Far from today, so that no clock but ours could be right.
BOOKED_AT = datetime(2031, 5, 6, 7, 0, tzinfo=timezone.utc)
START, END = BOOKED_AT + timedelta(hours=2), BOOKED_AT + timedelta(hours=2, minutes=1)
SECOND = timedelta(seconds=1)


class Clock:
    """What everybody here takes for the time: Django, the queue and the devices."""

    def __init__(self, moment):
        self.moment = moment

    def now(self):
        return self.moment

    def run_until(self, moment):
        """Go to a moment and run what is due; return the names of the tasks and what they said."""
        self.moment = moment
        with time_travel(moment):
            return [(run.func.rpartition(".")[2], run.result) for run in run_all(raise_errors=True)]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(BOOKED_AT)
    monkeypatch.setattr(django_timezone, "now", clock.now)
    return clock


@pytest.fixture
def laboratory(clock, settings):
    """Devices in this process, on a port of their own."""
    laboratory = Laboratory(chunk_lines=20, now=lambda: clock.moment.timestamp())
    with DeviceServer(("127.0.0.1", 0), laboratory, quiet=True) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        use(settings, f"http://127.0.0.1:{server.server_address[1]}/")
        yield laboratory
        server.shutdown()
        thread.join()


@pytest.fixture
def booked(clock, laboratory, user):
    Preferences.objects.create(user=user, time_zone="Europe/Warsaw")
    experiment = write_experiment(user, "my first-test")
    experiment.quantities.create(name="vin")
    with time_travel(clock.moment):
        return bookings.book(experiment, START, END, email_reminder="30min", absolute=lambda path: f"https://lab{path}")


def news():
    return list(Notification.objects.order_by("pk").values_list("level", "verb"))


def names(ran):
    return [name for name, _ in ran]


def test_a_booking_goes_its_way_to_the_results(clock, laboratory, booked):
    assert news() == [("info", "was just scheduled for 2031-05-06 11:00:00 CEST")]

    remind_at = START - timedelta(minutes=30, seconds=30)
    assert clock.run_until(remind_at - SECOND) == []
    assert names(clock.run_until(remind_at)) == ["send_experiment_reminder"]
    (reminder,) = mail.outbox
    assert "starts in 30 minutes and ends in 31 minutes" in reminder.body
    assert "Start: 2031-05-06 11:00:00 CEST" in reminder.body and "End: 2031-05-06 11:01:00 CEST" in reminder.body

    assert clock.run_until(START - 31 * SECOND) == [] and laboratory.posts == []
    assert names(clock.run_until(START - 30 * SECOND)) == ["send_experiment_json"]
    (body,) = laboratory.posts
    assert body["Info"] == {"ExperimentName": booked.experiment.slugify_name(), "Endtime": END.timestamp()}
    assert news()[-1] == ("info", "has been started and will be available at 2031-05-06 11:01:15 CEST")

    assert clock.run_until(END + 9 * SECOND) == []
    assert names(clock.run_until(END + 10 * SECOND)) == ["send_complete_mail"]
    assert f"https://lab{booked.get_results_url()}" in mail.outbox[1].body

    assert clock.run_until(END + 14 * SECOND) == [] and len(laboratory.requests) == 1
    ((name, said),) = clock.run_until(END + 15 * SECOND)
    assert name == "make_experiment_available" and said.endswith("are stored.")
    assert news()[-1] == ("success", "is now available!")

    run = RunResult.objects.get()
    assert run.is_complete and len(run.log.splitlines()) == 45 and all(each.fetched_at for each in run.quantities.all())
    assert [line.split("/")[-2] for line in laboratory.requests[1:]] == [
        "axlebasedvehiclespeed",
        "govspeed",
        "vin",
        "1",
        "2",
        "3",
    ]
    run.experiment.refresh_from_db()
    assert not run.experiment.is_scheduled and not Booking.objects.exists()
    assert not OrmQ.objects.exists() and not Failure.objects.exists() and len(mail.outbox) == 2


@pytest.mark.parametrize("schedule", [timedelta(minutes=5), BOOKED_AT + timedelta(minutes=5)], ids=["delay", "moment"])
def test_a_task_can_be_called_by_anybody_for_any_time(clock, laboratory, booked, schedule):
    RunResult.objects.update(start=BOOKED_AT + timedelta(minutes=30), end=BOOKED_AT + timedelta(minutes=31))
    with time_travel(clock.moment):
        tasks.send_experiment_reminder(booked.experiment_id, schedule=schedule)

    assert clock.run_until(BOOKED_AT + timedelta(minutes=5) - SECOND) == []
    # A delay counts from the database's clock, which goes on while the task is enqueued.
    assert names(clock.run_until(BOOKED_AT + timedelta(minutes=5) + SECOND)) == ["send_experiment_reminder"]
    assert "starts in 24 minutes" in mail.outbox[0].body


def test_an_engine_in_trouble_is_asked_until_the_start_and_no_longer(clock, laboratory, booked):
    laboratory.break_down(Fault(on="post", times=None, status=503))
    clock.run_until(START - timedelta(minutes=10))

    for seconds in range(30, 0, -5):
        assert names(clock.run_until(START - seconds * SECOND)) == ["send_experiment_json"]

    assert len(laboratory.requests) == 6
    assert [verb for level, verb in news() if level == "error"] == [
        "failed to start. Please reschedule the experiment. (Error Code: 503)"
    ]
    assert clock.run_until(END + timedelta(hours=1)) == [] and not OrmQ.objects.exists()


def test_an_engine_that_recovers_in_time_gets_the_experiment_once(clock, laboratory, booked):
    laboratory.break_down(Fault(on="post", times=2, hang_up="unanswered"))
    clock.run_until(START - timedelta(minutes=10))

    said = [clock.run_until(START - seconds * SECOND)[0][1] for seconds in (30, 25, 20)]

    assert said[-1].endswith("was posted.") and len(laboratory.requests) == 3 and len(laboratory.posts) == 1
    assert "error" not in dict(news())


def test_results_that_cannot_be_had_are_asked_for_ever_more_rarely(clock, laboratory, booked):
    clock.run_until(START - 30 * SECOND)
    laboratory.break_down(Fault(on="log", times=3, after=1, status=500))

    moments = [END + timedelta(seconds=15 + later) for later in (0, 5, 15, 35)]
    ran = [names(clock.run_until(moment - SECOND)) + names(clock.run_until(moment)) for moment in moments]

    assert [each[-1] for each in ran] == ["make_experiment_available"] * 4
    assert [each[:-1] for each in ran] == [["send_complete_mail"], [], [], []]
    parts = [line.split("/")[-2] for line in laboratory.requests if "plotdata" not in line][1:]
    assert parts == ["1", "2", "2", "2", "2", "3"] and RunResult.objects.get().is_complete
    assert [level for level, _ in news()] == ["info", "info", "error", "success"]


def test_a_booking_that_is_moved_goes_the_way_of_the_new_plan(clock, laboratory, booked):
    later = timedelta(hours=3)
    with time_travel(clock.moment):
        bookings.move_booking(booked.booking, START + later, END + later)

    assert clock.run_until(END + timedelta(hours=1)) == [] and mail.outbox == [] and laboratory.requests == []
    assert names(clock.run_until(START + later - timedelta(minutes=30))) == ["send_experiment_reminder"]
    assert "Start: 2031-05-06 14:00:00 CEST" in mail.outbox[0].body
    assert names(clock.run_until(START + later - 30 * SECOND)) == ["send_experiment_json"]
    assert laboratory.posts[0]["Info"]["Endtime"] == (END + later).timestamp()
    assert names(clock.run_until(END + later + 15 * SECOND)) == ["send_complete_mail", "make_experiment_available"]
    assert RunResult.objects.get().is_complete


def test_a_booking_that_is_canceled_goes_nowhere(clock, laboratory, booked):
    bookings.cancel_booking(booked.booking)

    assert clock.run_until(END + timedelta(days=1)) == [] and mail.outbox == [] and laboratory.requests == []


def test_a_cluster_that_comes_too_late_says_so(clock, laboratory, booked):
    ran = dict(clock.run_until(END + timedelta(hours=1)))

    assert "The slot was over" in ran["send_experiment_json"] and laboratory.posts == []
    assert "planned anew" in ran["send_experiment_reminder"] and mail.outbox == []
    assert not Booking.objects.exists()
