"""The tasks of an experiment against real devices."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_q.examples.experimenteditor import tasks, wire
from django_q.examples.experimenteditor.models import Booking, Notification, RunResult
from django_q.models import OrmQ
from django_q_tests.examples.conftest import use

pytestmark = pytest.mark.django_db

FETCH = "make_experiment_available"


def post(run):
    return tasks.send_experiment_json.now(run.experiment_id)


def collect(run):
    return tasks.make_experiment_available.now(run.experiment_id, run.pk)


def told(level):
    return list(Notification.objects.filter(level=level).order_by("pk").values_list("verb", flat=True))


@pytest.fixture
def posted(devices, over):
    post(over)
    return RunResult.objects.get(pk=over.pk)


# --- post ----------------------------------------------------------------------------------------------------------


def test_the_engine_gets_the_experiment_and_the_results_are_asked_for_later(devices, run):
    assert post(run).endswith("was posted.")

    assert devices.posts == [wire.body_of(run)]
    run.refresh_from_db()
    assert run.posted_at
    follow_up = OrmQ.objects.get(pk=run.tasks.get(name=FETCH).task_id)
    assert follow_up.args == (run.experiment_id, run.pk)
    assert abs((follow_up.run_after - run.end - timedelta(seconds=15)).total_seconds()) < 1
    assert any(verb.startswith("has been started and will be available at") for verb in told("info"))


def test_a_retry_does_not_post_again(devices, run):
    post(run)

    assert post(run).endswith("was posted before.")
    assert len(devices.posts) == 1 and run.tasks.filter(name=FETCH).count() == 1


def test_a_retry_after_a_failure_behind_the_post_goes_on_without_posting(devices, run, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(tasks.notify, "send", None)
        with pytest.raises(TypeError):
            post(run)
    assert not run.tasks.filter(name=FETCH).exists()

    post(run)

    assert len(devices.requests) == len(devices.posts) == 1
    assert run.tasks.filter(name=FETCH).count() == 1


def test_an_answer_that_was_lost_does_not_start_the_experiment_twice(devices, run):
    devices.break_down("post", hang_up=True)
    assert "Will be tried again" in post(run)

    post(run)

    assert len(devices.requests) == 2 and len(devices.posts) == 1
    assert RunResult.objects.get(pk=run.pk).posted_at


def test_an_engine_that_says_200_with_an_error_is_noticed(devices, run):
    devices.break_down("post", text="Scheduling Experiment returned with an error: busy")

    assert "returned with an error: busy" in post(run)

    run.refresh_from_db()
    assert run.posted_at is None and "busy" in run.error
    assert told("error") == ["failed to start. Please reschedule the experiment."]
    assert set(run.tasks.values_list("name", flat=True)) == {"send_experiment_json"}


def test_an_engine_that_refuses_is_not_asked_again(devices, run):
    devices.break_down("post", status=403)

    post(run)

    assert told("error") == ["failed to start. Please reschedule the experiment. (Error Code: 403)"]
    run.experiment.refresh_from_db()
    assert not Booking.objects.exists() and not run.experiment.is_scheduled


@pytest.mark.parametrize("fault", [{"status": 503}, {"hang_up": True}, {"seconds": 30}])
def test_an_engine_in_trouble_is_asked_again_before_the_start(devices, run, settings, fault):
    use(settings, devices.url, HTTP_TIMEOUT=0.3)
    devices.break_down("post", **fault)

    assert "Will be tried again" in post(run)

    again = run.tasks.filter(name="send_experiment_json").latest("pk")
    assert OrmQ.objects.get(pk=again.task_id).get_state_display() == "deferred"
    assert (again.due - timezone.now()).total_seconds() < 6
    assert told("error") == []


def test_an_engine_that_does_not_exist_is_asked_again_too(run, settings):
    use(settings, "http://127.0.0.1:9/")

    assert "ConnectionError" in post(run)


def test_an_engine_in_trouble_until_the_start_is_told_once(devices, over):
    devices.break_down("post", times=None, status=500)

    assert "failed to start" in post(over)

    assert told("error") == ["failed to start. Please reschedule the experiment. (Error Code: 500)"]


@pytest.mark.parametrize("code", [post, collect])
def test_a_task_of_a_deleted_experiment_ends_quietly(devices, run, code):
    run.experiment.delete()

    assert "no run" in code(run) or "not booked" in code(run)
    assert devices.requests == []


# --- collect -------------------------------------------------------------------------------------------------------


def test_plots_come_first_and_then_the_log_in_its_order(devices, posted):
    assert collect(posted).endswith("are stored.")

    name = posted.experiment.slugify_name()
    base = f"GET /log/api/getExperiment/{name}"
    plots = [f"{base}/plotdata/axlebasedvehiclespeed/", f"{base}/plotdata/govspeed/"]
    assert devices.requests[1:] == [*plots, *(f"{base}/{index}/" for index in range(1, 6))]


def test_plots_and_log_are_stored(devices, posted):
    collect(posted)

    run = RunResult.objects.get(pk=posted.pk)
    assert run.is_complete and run.error == ""
    speed, governor = run.quantities.all()
    assert len(speed.xdata) == len(speed.ydata) == 41 and max(speed.ydata) > 10
    assert set(governor.ydata) == {90.0}
    lines = run.log.splitlines()
    assert len(lines) == 44 and lines[0].endswith("command SetThrottle(80)") and lines == sorted(lines, key=moment)


def moment(line):
    return float(line.split()[0])


def test_when_all_is_stored_the_booking_ends_and_the_owner_is_told(devices, posted):
    collect(posted)

    posted.experiment.refresh_from_db()
    assert not Booking.objects.exists() and not posted.experiment.is_scheduled
    assert told("success") == ["is now available!"]


def test_what_is_complete_is_not_asked_for_again(devices, posted):
    collect(posted)
    before = len(devices.requests)

    assert collect(posted).endswith("are there already.")
    assert len(devices.requests) == before and len(told("success")) == 1


def test_a_plot_that_fails_holds_the_log_back_and_keeps_the_other_plot(devices, posted):
    devices.break_down("plot", status=502)

    assert "Will be tried again" in collect(posted)

    speed, governor = posted.quantities.all()
    assert speed.fetched_at is None and governor.fetched_at
    assert Booking.objects.exists() and RunResult.objects.get(pk=posted.pk).log == ""
    assert told("error") == ["had an error with plot data retrieval. (Error Code: 502)"]


def test_the_next_attempt_asks_only_for_what_is_missing(devices, posted):
    devices.break_down("plot", status=502)
    collect(posted)
    seen = len(devices.requests)

    collect(posted)

    assert [line.split("/")[-2] for line in devices.requests[seen:][:2]] == ["axlebasedvehiclespeed", "1"]
    assert RunResult.objects.get(pk=posted.pk).is_complete


@pytest.mark.parametrize("fault", [{"status": 500}, {"hang_up": True}, {"text": "no JSON"}, {"text": "{}"}])
def test_the_log_is_resumed_at_the_part_that_failed(devices, posted, monkeypatch, fault):
    fail_at_part(3, devices, monkeypatch, fault)

    assert "Will be tried again" in collect(posted)
    half = RunResult.objects.get(pk=posted.pk)
    assert (half.next_chunk, len(half.log.splitlines()), half.is_complete) == (3, 20, False)
    seen = len(devices.requests)
    collect(posted)

    asked = [line.split("/")[-2] for line in devices.requests[seen:]]
    assert asked == ["3", "4", "5"]
    assert len(RunResult.objects.get(pk=posted.pk).log.splitlines()) == 44


def fail_at_part(number, devices, monkeypatch, fault):
    """Break the devices down right before they are asked for a part of the log."""
    real = wire.get_log_chunk

    def get(url):
        if url.endswith(f"/{number}/"):
            monkeypatch.undo()
            devices.break_down("log", **fault)
        return real(url)

    monkeypatch.setattr(wire, "get_log_chunk", get)


def test_the_log_is_not_read_back_while_it_is_collected(devices, posted):
    with CaptureQueriesContext(connection) as queries:
        collect(posted)

    read = [
        query["sql"]
        for query in queries
        if query["sql"].startswith("SELECT") and '."log"' in query["sql"].replace("`", '"')
    ]
    assert read == []


def test_a_series_that_is_no_series_is_noticed(devices, posted):
    devices.break_down("plot", times=None, text='{"x_values": ["1", "2"], "y_values": [1]}')

    assert "2 moments and 1 values" in collect(posted)


def test_the_tries_become_rarer_and_end(devices, posted, settings):
    use(settings, devices.url, FETCH_TRIES=3, RETRY_DELAY=4)
    devices.break_down("log", times=None, status=500)

    said = [collect(RunResult.objects.get(pk=posted.pk)) for _ in range(3)]

    assert [text.endswith("No more tries.") for text in said] == [False, False, True]
    pauses = [
        (task.due - timezone.now()).total_seconds() for task in posted.tasks.filter(name=FETCH).order_by("pk")[1:]
    ]
    assert [round(pause) for pause in pauses] == [4, 8]
    assert len(told("error")) == 2 and "refused" in RunResult.objects.get(pk=posted.pk).error
    assert Booking.objects.exists()


def test_every_url_is_read_when_it_is_used(devices, over, settings):
    settings.EXPERIMENTEDITOR = {**settings.EXPERIMENTEDITOR, "ENGINEBEAGLEBONEIP": f"{devices.url}api/elsewhere/"}

    assert "Error Code: 404" in post(over)


def test_the_names_of_the_module_are_the_defaults(devices, over, settings, monkeypatch):
    settings.EXPERIMENTEDITOR = {}
    monkeypatch.setattr(tasks, "ENGINEBEAGLEBONEIP", f"{devices.url}api/postexperiment/")

    post(over)

    assert len(devices.posts) == 1
