"""The task that collects the results of an experiment, against real devices."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, tasks, wire
from django_q.examples.experimenteditor.models import Booking, RunResult
from django_q_tests.examples.conftest import collect, post, told, use

pytestmark = pytest.mark.django_db

FETCH = "make_experiment_available"


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
    assert len(lines) == 45 and lines[0].endswith("command SetThrottle(80)") and lines == sorted(lines, key=moment)


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


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"hang_up": "unheard"},
        {"hang_up": "unanswered"},
        {"hang_up": "halfway"},
        {"text": "no JSON"},
        {"text": "{}"},
        {"text": '{"log": [["soon", "x"]], "hasmore": false}'},
        {"text": '{"log": [[1]], "hasmore": false}'},
    ],
    ids=str,
)
def test_the_log_is_resumed_at_the_part_that_failed(devices, posted, fault):
    devices.break_down("log", after=2, **fault)

    assert "Will be tried again" in collect(posted)
    half = RunResult.objects.get(pk=posted.pk)
    assert (half.next_chunk, len(half.log.splitlines()), half.log_is_complete, half.is_complete) == (
        3,
        20,
        False,
        False,
    )
    seen = len(devices.requests)
    collect(posted)

    asked = [line.split("/")[-2] for line in devices.requests[seen:]]
    assert asked == ["3", "4", "5"]
    assert len(RunResult.objects.get(pk=posted.pk).log.splitlines()) == 45


def test_no_more_of_the_log_is_read_back_than_the_page_that_goes_on(devices, posted):
    with CaptureQueriesContext(connection) as queries:
        collect(posted)

    read = [query["sql"] for query in queries if query["sql"].startswith("SELECT") and "logpage" in query["sql"]]
    assert read and all("LIMIT 1" in query for query in read)


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


def test_every_url_is_read_when_it_is_used(devices, due, settings):
    settings.EXPERIMENTEDITOR = {**settings.EXPERIMENTEDITOR, "ENGINEBEAGLEBONEIP": f"{devices.url}api/elsewhere/"}

    assert "Error Code: 404" in post(due)


def test_the_names_of_the_module_are_the_defaults(devices, due, settings, monkeypatch):
    settings.EXPERIMENTEDITOR = {}
    monkeypatch.setattr(tasks, "ENGINEBEAGLEBONEIP", f"{devices.url}api/postexperiment/")

    post(due)

    assert len(devices.posts) == 1


def test_results_are_asked_for_by_the_name_that_was_posted(devices, posted):
    posted.experiment.experiment_title = "quite another title"
    posted.experiment.save()

    assert collect(posted).endswith("are stored.")


def test_a_plot_that_never_comes_does_not_cost_the_log(devices, posted):
    devices.break_down("plot", times=1, status=404)

    assert "Error Code: 404" in collect(posted)

    run = RunResult.objects.get(pk=posted.pk)
    assert run.log_is_complete and len(run.log.splitlines()) == 45 and not run.is_complete
    assert "404" in run.error and Booking.objects.exists()
    assert told("error") == ["had an error with plot data retrieval. (Error Code: 404)"]


def test_a_later_try_completes_what_was_given_up(devices, posted, settings):
    use(settings, devices.url, FETCH_TRIES=1)
    devices.break_down("plot", times=1, status=500)
    devices.break_down("log", after=2, times=1, status=500)
    assert "No more tries" in collect(posted)

    # The log was begun, so that these devices have no plots any more.
    assert "Error Code: 500" in collect(posted)
    run = RunResult.objects.get(pk=posted.pk)
    assert run.log_is_complete and len(run.log.splitlines()) == 45 and not run.is_complete
    run.quantities.filter(fetched_at=None).delete()
    assert collect(posted).endswith("are stored.")
    posted.experiment.refresh_from_db()
    assert not Booking.objects.exists() and not posted.experiment.is_scheduled


def die_before_the_commit(monkeypatch, posted, *, of_part):
    """Let a process ask for a part, get it, and die before it is stored."""
    real = RunResult.store_part

    def store(self, lines, *, last):
        if self.next_chunk == of_part:
            raise SystemExit
        return real(self, lines, last=last)

    with monkeypatch.context() as dying:
        dying.setattr(RunResult, "store_part", store)
        with pytest.raises(SystemExit):
            collect(posted)


def test_a_part_that_was_read_and_not_stored_is_asked_for_again(devices, posted, monkeypatch):
    die_before_the_commit(monkeypatch, posted, of_part=3)
    seen = len(devices.requests)

    assert collect(posted).endswith("are stored.")

    assert [line.split("/")[-2] for line in devices.requests[seen:]] == ["3", "4", "5"]
    lines = RunResult.objects.get(pk=posted.pk).log.splitlines()
    assert len(lines) == 45 and lines == sorted(lines, key=moment)


@pytest.fixture
def forgetful(start_devices, settings):
    devices = start_devices("--chunk-lines", "10", "--quiet", "--clock-ahead", "3600", "--forgetful")
    use(settings, devices.url, FETCH_TRIES=3)
    return devices


def test_a_logger_that_repeats_nothing_ends_the_run_with_what_it_has(forgetful, due, monkeypatch):
    post(due)
    die_before_the_commit(monkeypatch, due, of_part=3)

    said = [collect(due) for _ in range(3)]

    run = RunResult.objects.get(pk=due.pk)
    assert said[-1].endswith("No more tries.") and "/3/' refused. (Error Code: 500)" in run.error
    assert len(run.log.splitlines()) == 20 and run.is_over and not run.is_complete


def test_a_logger_that_would_lose_lines_unseen_is_not_asked_twice(forgetful, due, settings, monkeypatch):
    use(settings, forgetful.url, LOGGER_REPEATS=False)
    post(due)
    die_before_the_commit(monkeypatch, due, of_part=3)
    seen = len(forgetful.requests)

    assert "Part 3 of the log was read but not stored" in collect(due)

    run = RunResult.objects.get(pk=due.pk)
    assert len(forgetful.requests) == seen and len(run.log.splitlines()) == 20 and "hands it out only once" in run.error


def test_a_logger_that_promises_more_for_ever_ends_the_run(devices, posted, settings):
    use(settings, devices.url, MOST_PARTS=7)
    devices.break_down("log", times=None, text='{"log": [[1, "the same"]], "hasmore": true}')

    assert "more than 7 parts" in collect(posted)

    run = RunResult.objects.get(pk=posted.pk)
    assert len(run.log.splitlines()) == 7 and run.is_over


def test_a_logger_that_hands_out_nothing_for_ever_ends_the_run(devices, posted):
    devices.break_down("log", after=2, times=None, text='{"log": [], "hasmore": true}')

    assert "an empty part and the promise of another" in collect(posted)
    assert len(RunResult.objects.get(pk=posted.pk).log.splitlines()) == 20


def test_a_log_without_an_entry_is_complete(devices, posted):
    devices.break_down("log", text='{"log": [], "hasmore": false}')

    assert collect(posted).endswith("are stored.")
    assert RunResult.objects.get(pk=posted.pk).log == ""


def test_what_a_database_cannot_keep_is_replaced_in_the_log(devices, posted):
    devices.break_down("log", text=r'{"log": [[1, "a\u0000b\nc\ud800"]], "hasmore": false}')

    collect(posted)

    assert RunResult.objects.get(pk=posted.pk).log == "1.000 a\ufffdb c?\n"


@pytest.mark.parametrize("values", ["[NaN]", "[Infinity]", '["nan"]', '["fast"]', "[null]", "null"])
def test_values_that_are_no_numbers_are_no_plot(devices, posted, values):
    devices.break_down("plot", text=f'{{"x_values": ["1"], "y_values": {values}}}')

    assert "no plot" in collect(posted)
    assert posted.quantities.first().ydata == []


@pytest.mark.parametrize("moment", ['"soon"', "1e300", "-1", "null", "NaN"])
def test_moments_that_no_calendar_has_are_no_plot_and_no_log(devices, moment):
    devices.break_down("plot", text=f'{{"x_values": [{moment}], "y_values": [1]}}')
    devices.break_down("log", text=f'{{"log": [[{moment}, "x"]], "hasmore": false}}')

    with pytest.raises(wire.DeviceError, match="no plot"):
        wire.get_plot(f"{devices.url}log/api/getExperiment/A/plotdata/govspeed/")
    with pytest.raises(wire.DeviceError, match="no log"):
        wire.get_log_chunk(f"{devices.url}log/api/getExperiment/A/1/")


def test_the_vin_is_stored_as_text(devices, experiment, settings):
    experiment.quantities.create(name="vin")
    start = timezone.now() + timedelta(seconds=80)
    run = bookings.book(experiment, start, start + timedelta(seconds=10))
    post(run)

    collect(run)

    vin = run.quantities.get(name="vin")
    assert not vin.plottable and {bytes.fromhex(value).decode() for value in vin.ydata} == {"1TRUCK00000000001"}
    assert len(vin.xdata) == len(vin.ydata) == 5


def test_a_text_alone_is_one_value(devices, experiment):
    devices.break_down("plot", text='{"x_values": ["1.5"], "y_values": "41"}')

    assert wire.get_texts(f"{devices.url}log/api/getExperiment/A/plotdata/vin/") == ([1.5], ["41"])


def test_a_text_that_is_not_hexadecimal_is_no_series(devices):
    devices.break_down("plot", text='{"x_values": ["1.5"], "y_values": ["xyz"]}')

    with pytest.raises(wire.DeviceError, match="no plot"):
        wire.get_texts(f"{devices.url}log/api/getExperiment/A/plotdata/vin/")


def test_who_is_overtaken_stops(devices, posted, monkeypatch):
    """Two processes collect one run, as after a lease that ended too soon: each part is stored once."""
    real = wire.get_log_chunk

    def get(url):
        answer = real(url)
        if url.endswith("/2/"):
            monkeypatch.undo()
            assert collect(posted).endswith("are stored.")
        return answer

    monkeypatch.setattr(wire, "get_log_chunk", get)

    assert "Another process collects" in collect(posted)
    assert len(RunResult.objects.get(pk=posted.pk).log.splitlines()) == 45 and len(told("success")) == 1


def test_a_failure_behind_the_last_part_is_made_good(devices, posted, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(tasks.owners.notify, "send", None)
        with pytest.raises(TypeError):
            collect(posted)
    seen = len(devices.requests)
    assert not RunResult.objects.get(pk=posted.pk).is_complete

    collect(posted)

    assert len(devices.requests) == seen and told("success") == ["is now available!"]
